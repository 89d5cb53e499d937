/** The rows of one type as a TanStack DB collection: what is written to it is stored, shown and sent. */
import { BasicIndex, createCollection, type Collection, type PendingMutation } from '@tanstack/db'
import { newUuid } from '@pantherahive/client'

import type { Engine } from './engine.ts'
import { toMutation, type Operation, type WritableType } from './operations.ts'
import type { AnyRow, Rows, TypeName } from './rows.ts'

/**
 * A collection whose rows come from the engine. A handler resolves as soon as its writes are stored: from then on the engine shows
 * them, over reloads too, until the server has answered.
 */
export function collectionOf<TType extends TypeName>(
  engine: Engine,
  type: TType,
  isWritable: boolean,
): Collection<Rows[TType], string> {
  const write = isWritable
    ? async ({ transaction }: { transaction: { mutations: readonly PendingMutation<any, any>[] } }): Promise<void> =>
        await engine.enqueue(toOperations(engine, type as WritableType, transaction.mutations))
    : undefined
  return createCollection<Rows[TType], string>({
    id: `pantherahive.${type}`,
    getKey: (row) => row.id,
    startSync: true,
    // Ranks are compared by code unit, and not as a language sorts words.
    defaultStringCollation: { stringSort: 'lexical' },
    // What joins and filters ask for by a field is found by an index.
    autoIndex: 'eager',
    defaultIndexType: BasicIndex,
    sync: {
      rowUpdateMode: 'full',
      sync: ({ begin, write: put, commit, markReady }) => {
        const shown = new Set<string>()
        const unlistenRows = engine.replica.listen(type, (changes) => {
          if (changes.size === 0) return
          begin()
          for (const [id, row] of changes) {
            if (row) put({ type: shown.has(id) ? 'update' : 'insert', value: row as unknown as Rows[TType] })
            else if (shown.has(id)) put({ type: 'delete', key: id })
            if (row) shown.add(id)
            else shown.delete(id)
          }
          commit()
        })
        const unlistenStatus = engine.listen(({ isReady }) => isReady && markReady())
        return () => {
          unlistenRows()
          unlistenStatus()
        }
      },
    },
    ...(write ? { onInsert: write, onUpdate: write, onDelete: write } : {}),
  }) as unknown as Collection<Rows[TType], string>
}

/** The writes of a transaction, in its order. Throws `UnsupportedWrite` before anything is stored. */
function toOperations(
  engine: Engine,
  type: WritableType,
  mutations: readonly PendingMutation<any, any>[],
): Operation[] {
  const made = mutations.map(({ type: kind, key, changes, original, modified, metadata }): Operation => {
    const isOnTop = engine.replica.operationsOn(key as string).length > 0
    const row = engine.replica.rows(type).get(key as string)
    const before =
      kind === 'insert' ? {} : Object.fromEntries(Object.keys(changes).map((name) => [name, original[name] ?? null]))
    return {
      id: newUuid(),
      type,
      kind,
      key: key as string,
      changes:
        kind === 'insert'
          ? { ...(modified as AnyRow) }
          : kind === 'update'
            ? placed(engine, key as string, changes, modified, metadata)
            : {},
      before,
      version: isOnTop || kind === 'insert' ? null : (row?.version ?? null),
      attempts: 0,
      createdAt: new Date().toISOString(),
    }
  })
  return made.map((each) => {
    const { input } = toMutation(each)
    // What is on top of another write has the version that this one leads to. Everything else is ready to be sent as it is stored.
    return each.version === null && each.kind !== 'insert' ? each : { ...each, sent: { mutationId: newUuid(), input } }
  })
}

/** A changed rank is a place: right after the row before it. */
function placed(
  engine: Engine,
  key: string,
  changes: Record<string, unknown>,
  modified: Record<string, unknown>,
  metadata: unknown,
): Record<string, unknown> {
  const given = (metadata as { afterId?: string | null } | undefined)?.afterId
  if (given !== undefined) return { ...changes, afterId: given }
  if (!('rank' in changes)) return { ...changes }
  let before: AnyRow | null = null
  for (const row of engine.replica.view('Task').values()) {
    if (
      row.id === key ||
      row['projectId'] !== modified['projectId'] ||
      (row['rank'] as string) >= (modified['rank'] as string)
    )
      continue
    if (before === null || (row['rank'] as string) > (before['rank'] as string)) before = row
  }
  return { ...changes, afterId: before?.id ?? null }
}
