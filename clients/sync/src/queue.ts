/** Sends the first write of the queue, and says what has become of it. */
import { HiveError, newUuid, type HiveClient, type UserError } from '@pantherahive/client'

import { toDocument, toMutation, UnsupportedWrite, type Operation } from './operations.ts'
import type { Replica } from './replica.ts'
import { fragments, isGone, toRow, type AnyRow } from './rows.ts'
import type { Batch } from './storage.ts'

export interface Conflict {
  operation: Operation
  /** The object as it is on the server; null when it is gone. */
  current: AnyRow | null
}

/** What is to become of a write: sent over what others wrote, dropped, or other changes in its place. */
export type Resolution = 'mine' | 'theirs' | { changes: Record<string, unknown> }
export type ConflictHandler = (conflict: Conflict) => Resolution | Promise<Resolution>

/** Those that the server refused for good. */
export type Rejected = [Operation, HiveError][]

interface Payload {
  object?: Record<string, unknown> | Record<string, unknown>[] | null
  errors: (UserError & { currentVersion?: number | null })[]
}

/** A bug of the server is met so often before a write is given up. */
const MAX_ATTEMPTS = 8

/** Only what others did not touch is set by default; what both set is as it was written last: here. */
const mergeFields: ConflictHandler = () => 'mine'

/** Throws what is to be tried again later; everything has been stored by `write` then. */
export async function sendNext(
  client: HiveClient,
  replica: Replica,
  write: (batch: Batch) => Promise<void>,
  onConflict: ConflictHandler = mergeFields,
  onDone: (mutationId: string) => void = () => undefined,
): Promise<Rejected> {
  const [operation] = replica.queue
  if (!operation) return []
  const reject = async (error: HiveError): Promise<Rejected> => {
    // Without the object nothing that was done to it can succeed.
    const lost = operation.kind === 'insert' ? replica.operationsOn(operation.key) : [operation]
    await write({ dequeue: lost.map(({ seq }) => seq!) })
    return lost.map((each) => [each, error])
  }
  let mutation
  try {
    mutation = toMutation(operation)
  } catch (error) {
    if (error instanceof UnsupportedWrite) return await reject(new HiveError('INVALID', error.message))
    throw error
  }
  const sent = operation.sent ?? { mutationId: newUuid(), input: mutation.input }
  // Stored before it is sent: should the answer be lost, the very same is sent again, and is written once.
  if (!operation.sent) await write({ enqueue: [{ ...operation, sent }] })
  const input = { ...sent.input, clientMutationId: sent.mutationId }
  let payload: Payload
  try {
    const data = await client.request<{ result: Payload | null }, object>(toDocument(mutation, operation.type), {
      input,
    })
    if (!data.result) throw new HiveError('INTERNAL', 'The mutation has no payload.')
    payload = data.result
  } catch (error) {
    if (!(error instanceof HiveError) || SIGNED_OUT.has(error.code)) throw error
    if (error.isTemporary && error.code !== 'INTERNAL') throw error
    if (error.code !== 'INTERNAL' || operation.attempts + 1 >= MAX_ATTEMPTS) return await reject(error)
    await write({ enqueue: [{ ...operation, sent, attempts: operation.attempts + 1 }] })
    throw error
  }
  const [error] = payload.errors
  if (!error) {
    await write(settled(replica, operation, payload))
    onDone(sent.mutationId)
    return []
  }
  if (error.code === 'CONFLICT') return await resolve(client, replica, operation, write, onConflict, reject)
  if (error.code === 'NOT_FOUND' && operation.kind === 'delete') {
    await write(settled(replica, operation, { errors: [] }))
    return []
  }
  if (error.code === 'NOT_UNIQUE' && operation.kind === 'insert') {
    // The id is taken: by this very write, if its key has been forgotten since.
    const current = await find(client, operation)
    if (current) {
      await write(settled(replica, operation, { object: current, errors: [] }))
      return []
    }
  }
  return await reject(new HiveError(error.code, error.message, { data: payload }))
}

const SIGNED_OUT = new Set(['UNAUTHENTICATED', 'TOKEN_EXPIRED', 'SIGNED_OUT'])

/** The write is done: its object is as the answer says, and what was written on top of it is on that version. */
function settled(replica: Replica, operation: Operation, { object }: Payload): Batch {
  const { type, key, seq, kind } = operation
  const batch: Batch = { dequeue: [seq!] }
  if (kind === 'delete') return { ...batch, remove: [{ type, id: key }] }
  const [answer] = Array.isArray(object) ? object : [object]
  if (!answer || isGone(answer)) return batch
  const row = toRow(answer)
  const known = replica.rows(type).get(key)
  const next = replica.operationsOn(key).find((each) => each.seq! > seq!)
  if (next && !next.sent && next.version === null) batch.enqueue = [{ ...next, version: row.version ?? null }]
  if (known?.version !== undefined && row.version !== undefined && known.version > row.version) return batch
  // The log has told already that it is gone: the answer was on its way for longer.
  if (replica.wasRemoved(key)) return batch
  return { ...batch, put: [{ type, row }] }
}

async function resolve(
  client: HiveClient,
  replica: Replica,
  operation: Operation,
  write: (batch: Batch) => Promise<void>,
  onConflict: ConflictHandler,
  reject: (error: HiveError) => Promise<Rejected>,
): Promise<Rejected> {
  const found = await find(client, operation)
  const current = found && toRow(found)
  if (!current) return await reject(new HiveError('NOT_FOUND', 'The object is gone.'))
  const put = replica.wasRemoved(operation.key) ? [] : [{ type: operation.type, row: current }]
  const isTouched = Object.keys(operation.changes).some((name) => !equal(current[name], operation.before[name]))
  const resolution = isTouched || operation.kind === 'delete' ? await onConflict({ operation, current }) : 'mine'
  if (resolution === 'theirs') {
    await write({ put, dequeue: [operation.seq!] })
    return []
  }
  const changes = resolution === 'mine' ? operation.changes : resolution.changes
  // A refused call wrote nothing: the next attempt is another call, with a key of its own.
  const { sent: _, ...rest } = operation
  await write({ put, enqueue: [{ ...rest, changes, before: { ...current }, version: current.version ?? null }] })
  return []
}

async function find(client: HiveClient, { type, key }: Operation): Promise<Record<string, unknown> | null> {
  const document = `query SyncObject($id: ID!) { node(id: $id) { ${fragments([type])} } }`
  const { node } = await client.request<{ node: Record<string, unknown> | null }, object>(document, { id: key })
  return node && 'id' in node && !isGone(node) ? node : null
}

function equal(left: unknown, right: unknown): boolean {
  return JSON.stringify(left ?? null) === JSON.stringify(right ?? null)
}
