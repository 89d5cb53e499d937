/// Sends the viewer's changes one after the other, shows them at once, and sends them again until the server has answered.
///
/// Each has an id of its own, which is its `clientMutationId`: what the server already did is not done again.
import { HiveError, newUuid, toGlobalId } from '@pantherahive/client'
import type { VariablesOf } from '../graph/graph'
import * as operations from '../graph/operations'
import { collections, toComment, toDocument, toTask, type CollectionName } from './rows'
import type { Patch } from './collection'
import { connection, viewer } from './live'
import { notify } from './notices'
import { store, takeOver } from './pending-storage'
import * as rows from './rows'
import { client } from './session'
import { Store } from './store'
import { forgetUndo, offerUndo } from './undo'

/** What may be changed, and what becomes of the server's answer. */
const kinds = {
  taskCreate: kind(operations.TaskCreate, ({ result }) => result?.task && rows.tasks.put(toTask(result.task))),
  taskMove: kind(operations.TaskMove, ({ result }) => result?.task && rows.tasks.put(toTask(result.task))),
  taskUpdate: kind(operations.TaskUpdate, ({ result }) => {
    if (!result?.task) return
    const { description, ...row } = result.task
    rows.tasks.put({ ...toTask(row), description })
  }),
  commentCreate: kind(
    operations.CommentCreate,
    ({ result }) => result?.comment && rows.comments.put(toComment(result.comment)),
  ),
  commentReact: kind(
    operations.CommentReact,
    ({ result }) => result?.comment && rows.comments.put(toComment(result.comment)),
  ),
  commentDelete: kind(
    operations.CommentDelete,
    ({ result }) => result?.deletedId && rows.comments.remove(result.deletedId),
  ),
  commentUpdate: kind(
    operations.CommentUpdate,
    ({ result }) => result?.comment && rows.comments.put(toComment(result.comment)),
  ),
  commentResolve: kind(
    operations.CommentResolve,
    ({ result }) => result?.comment && rows.comments.put(toComment(result.comment)),
  ),
  documentCreate: kind(
    operations.DocumentCreate,
    ({ result }) => result?.document && rows.documents.put(toDocument(result.document)),
  ),
  documentMove: kind(
    operations.DocumentMove,
    ({ result }) => result?.document && rows.documents.put(toDocument(result.document)),
  ),
  documentDelete: kind(
    operations.DocumentDelete,
    ({ result }) => result?.deletedId && rows.documents.remove(result.deletedId),
  ),
  documentUpdate: kind(
    operations.DocumentUpdate,
    ({ result }) => result?.document && rows.documents.put(toDocument(result.document)),
  ),
  watchSet: kind(operations.WatchSet, () => undefined),
}

type Kinds = typeof kinds
export type MutationKind = keyof Kinds
type InputOf<K extends MutationKind> = VariablesOf<Kinds[K]['document']>['input']

interface Answer {
  result: { errors: { code: string; message: string }[] } | null
}

function kind<D extends object>(document: D, take: (data: ResultOfDocument<D>) => unknown) {
  return { document, take: take as (data: unknown) => unknown }
}
type ResultOfDocument<D> = D extends { __apiType?: (variables: never) => infer R } ? R : never

export interface Mutation {
  id: string
  kind: MutationKind
  input: object
  /** What is shown meanwhile, and where. */
  shown: { collection: CollectionName; patch: Patch } | null
  /** What it does, in words, for lists and messages. */
  label: string
}

/** Changes without an answer, the oldest first. */
export const pending = new Store<readonly Mutation[]>([])

/** More than a person does offline in a day; beyond it nothing is taken any more. */
const MAX_PENDING = 1_000

/** The session has ended: changes wait until the person signs in again. */
const SIGN_IN_FIRST = new Set(['SIGNED_OUT', 'UNAUTHENTICATED', 'TOKEN_EXPIRED'])

/** What the log does not know, and cannot take back. */
const LASTING = new Set<MutationKind>(['watchSet'])

const FIRST_WAIT_MS = 300
const LONGEST_WAIT_MS = 5_000

let isSending = false
let wake: (() => void) | undefined

/** Shows a change and sends it. It may be offline: then it is sent when the server can be reached. */
export function change<K extends MutationKind>(
  kind: K,
  input: InputOf<K>,
  label: string,
  shown: Mutation['shown'] = null,
): void {
  if (pending.get().length >= MAX_PENDING)
    return notify(`${label}: not done. Too many changes wait for the server.`, 'problem')
  const mutation: Mutation = { id: newUuid(), kind, input: input as object, shown, label }
  show(mutation)
  setPending([...pending.get(), mutation])
  void sendAll()
}

/** Goes on with what was not answered when the page, or another one of this person, was closed. */
export async function resumePending(): Promise<void> {
  const me = viewer.get()
  if (!me) return
  await takeOver(me.id, (left) => {
    const known = new Set(pending.get().map(({ id }) => id))
    const added = left.filter((mutation) => mutation.kind in kinds && !known.has(mutation.id))
    for (const mutation of added) show(mutation)
    if (added.length > 0) setPending([...added, ...pending.get()])
  })
  void sendAll()
}

function setPending(mutations: readonly Mutation[]): void {
  pending.set(mutations)
  const me = viewer.get()
  if (me) store(me.id, mutations)
}

/** Ids of an object that does not exist yet. */
export function newId(type: string): { uuid: string; id: string } {
  const uuid = newUuid()
  return { uuid, id: toGlobalId(type, uuid) }
}

function show({ id, shown }: Mutation): void {
  if (shown) collections[shown.collection].patch(id, shown.patch as never)
}

function settle({ id, shown }: Mutation): void {
  setPending(pending.get().filter((each) => each.id !== id))
  if (shown) collections[shown.collection].unpatch(id)
}

async function sendAll(): Promise<void> {
  if (isSending) return
  isSending = true
  let failures = 0
  try {
    for (let mutation = pending.get()[0]; mutation; mutation = pending.get()[0]) {
      if (await send(mutation)) failures = 0
      else await wait(Math.min(FIRST_WAIT_MS * 2 ** failures++, LONGEST_WAIT_MS))
    }
  } finally {
    isSending = false
  }
}

/** Whether it is settled; if not, it has to be sent again. */
async function send(mutation: Mutation): Promise<boolean> {
  const { document, take } = kinds[mutation.kind]
  const variables = { input: { ...mutation.input, clientMutationId: mutation.id } }
  try {
    const data = await client.request<Answer, object>(document as never, variables, {
      signal: AbortSignal.timeout(20_000),
    })
    const [error] = data.result?.errors ?? []
    if (error) refuse(mutation, error.message)
    else {
      take(data)
      if (!LASTING.has(mutation.kind)) offerUndo(mutation.id, mutation.label)
    }
  } catch (error) {
    if (!(error instanceof HiveError) || error.isTemporary || SIGN_IN_FIRST.has(error.code)) return false
    refuse(mutation, error.message)
  }
  settle(mutation)
  return true
}

function refuse({ label }: Mutation, reason: string): void {
  notify(`${label}: not done. ${reason}`, 'problem')
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    wake = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}

connection.listen(() => connection.get() !== 'offline' && wake?.())

/** Nobody is signed in any more: what was not sent waits, stored, until the same person signs in again. */
export function forgetPending(): void {
  for (const { id, shown } of pending.get()) if (shown) collections[shown.collection].unpatch(id)
  pending.set([])
  forgetUndo()
}
