/** What a change of the log means for rows: put, removed with what was in it, or to be loaded anew. */
import { fragments, toRow, TYPE_NAMES, type AnyRow, type TypeName } from './rows.ts'
import type { Replica } from './replica.ts'
import type { Batch } from './storage.ts'

export interface Change {
  id: string
  clientMutationId: string | null
  cursor: string
  kind: string
  type: string
  entityId: string
  isCaughtUp: boolean
  entity: ({ __typename: string } & Record<string, unknown>) | null
  /** What the object belongs to, such as the task of a comment; else the object itself. */
  subject: ({ __typename: string } & Record<string, unknown>) | null
  fields: { field: string; before: unknown; after: unknown }[]
}

const ENTITIES = TYPE_NAMES.filter((type) => type !== 'Notification')

export const CHANGES = `subscription SyncChanges($after: SyncCursor, $scope: ChangeScope) {
  changes(after: $after, scope: $scope, withStart: true, withCaughtUp: true) {
    id clientMutationId cursor kind type entityId isCaughtUp
    entity { __typename ${fragments(ENTITIES)} }
    subject { __typename id ${fragments(['Notification'])} }
    fields { field before after }
  }
}`

/** What a batch of changes leads to. `reload`: rows came into sight that the log does not tell of. */
export interface Outcome {
  batch: Batch
  reload: 'nothing' | 'users' | 'everything'
}

const REMOVED = new Set(['DELETED', 'ACCESS_LOST'])

/** `viewer` is the viewer's UUID. */
export function toBatch(replica: Replica, changes: readonly Change[], viewer: string): Outcome {
  const put = new Map<string, { type: TypeName; row: AnyRow }>()
  const removed = new Map<string, TypeName>()
  let reload: Outcome['reload'] = 'nothing'
  const remove = (type: TypeName, id: string): void => {
    put.delete(id)
    removed.set(id, type)
  }
  const rowsOf = (type: TypeName): AnyRow[] => [
    ...[...replica.rows(type).values()].filter(({ id }) => !put.has(id) && !removed.has(id)),
    ...[...put.values()].filter((each) => each.type === type).map(({ row }) => row),
  ]
  const removeProject = (id: string): void => {
    remove('Project', id)
    const gone = new Set<string>()
    for (const type of ['Task', 'Document'] as const) {
      for (const row of rowsOf(type)) {
        if (row['projectId'] !== id) continue
        gone.add(row.id)
        remove(type, row.id)
      }
    }
    for (const row of rowsOf('Comment')) if (gone.has(row['subjectId'] as string)) remove('Comment', row.id)
  }
  for (const change of changes) {
    const type = change.type as TypeName
    if (reload !== 'everything') reload = reloadAfter(change, viewer) ?? reload
    if (!TYPE_NAMES.includes(type)) continue
    const object = type === 'Notification' ? change.subject : change.entity
    if (object?.__typename === type && !REMOVED.has(change.kind)) {
      const row = toRow(object)
      const known = put.get(row.id)?.row ?? (removed.has(row.id) ? undefined : replica.rows(type).get(row.id))
      // Two ways may bring the same object: what is older does not replace what is newer.
      if (known?.version !== undefined && row.version !== undefined && known.version > row.version) continue
      removed.delete(row.id)
      put.set(row.id, { type, row })
    } else if (REMOVED.has(change.kind)) {
      if (type === 'Project') removeProject(change.entityId)
      else if (type === 'Team') {
        remove('Team', change.entityId)
        for (const row of rowsOf('Project')) if (row['teamId'] === change.entityId) removeProject(row.id)
      } else remove(type, change.entityId)
    }
  }
  return {
    reload,
    batch: {
      put: [...put.values()],
      remove: [...removed].map(([id, type]) => ({ type, id })),
      touched: changes.flatMap(({ entityId, subject }) => [entityId, ...(subject ? [subject['id'] as string] : [])]),
      ...(changes.length ? { cursor: changes.at(-1)!.cursor } : {}),
    },
  }
}

/** Objects that were there before somebody came to see them stand in no change. */
function reloadAfter({ kind, type, fields }: Change, viewer: string): 'users' | 'everything' | undefined {
  if (type !== 'Team' && type !== 'Project') return undefined
  if (kind === 'RESTORED' || (type === 'Team' && REMOVED.has(kind))) return 'everything'
  if (kind !== 'MEMBERSHIP') return undefined
  const told = JSON.stringify(fields)
  if (fields.length === 0 || told.includes(viewer) || told.includes(btoa(`User:${viewer}`))) return 'everything'
  return type === 'Team' ? 'users' : undefined
}
