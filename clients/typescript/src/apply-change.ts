/** What a change of the log means for any cache of a graph: which objects come into which lists, leave them, or are gone. */

/** As `changes { cursor kind type entityId entity { … } }` gives it. */
export interface Change {
  kind: string
  type: string
  entityId: string
  entity?: ({ __typename?: string; id?: string; version?: number } & Record<string, unknown>) | null
  /** With them an object is taken out of where it was before; urql needs them. */
  fields?: readonly { field: string; before?: unknown; after?: unknown }[]
}

export type Effect = 'remove' | 'write' | 'ignore'

const REMOVED = new Set(['DELETED', 'ACCESS_LOST'])

/** What is to be done with the object of a change. */
export function effectOf({ kind, entity }: Change): Effect {
  if (REMOVED.has(kind)) return 'remove'
  return entity ? 'write' : 'ignore'
}

/** A list in a cache that objects of a type come into and leave, such as a project's tasks. */
export interface ListRule<TEntity = any> {
  /** The type of its objects. */
  type: string
  /** The type and id of the object that the list is a field of; null for a root list. Undefined: in no list. */
  parent(entity: TEntity): { type: string; id: string } | null | undefined
  /** The field of the list, such as `tasks`. */
  field: string
  /** Whether the object is in the list with these arguments, such as those of a filter; it is by default. */
  includes?(entity: TEntity, args: Record<string, unknown>): boolean
  /** The order of the list; new objects stand at its end by default. */
  compare?(left: TEntity, right: TEntity): number
}

/** The tasks of a project by rank, the documents of a project by rank, and the first comments of what they are about. */
export const defaultRules: readonly ListRule[] = [
  { type: 'Task', field: 'tasks', parent: inProject, compare: byRank },
  { type: 'Document', field: 'documents', parent: inProject, compare: byRank },
  {
    type: 'Comment',
    field: 'comments',
    parent: ({ subject, parent }) => (subject && !parent ? { type: subject.__typename, id: subject.id } : undefined),
  },
]

function inProject({ project }: { project?: { id: string } | null }): { type: string; id: string } | undefined {
  return project ? { type: 'Project', id: project.id } : undefined
}

function byRank(left: { rank?: string }, right: { rank?: string }): number {
  return left.rank === right.rank ? 0 : (left.rank ?? '') < (right.rank ?? '') ? -1 : 1
}

/** How many objects' versions are remembered at most; the oldest are forgotten. */
const MAX_VERSIONS = 10_000

/** Remembers the newest version of each object that has passed, and takes older ones out of changes. */
export class VersionFilter {
  #versions = new Map<string, number>()

  /** Looks through an answer. */
  note(data: unknown): void {
    if (data === null || typeof data !== 'object') return
    const { id, version } = data as { id?: unknown; version?: unknown }
    if (typeof id === 'string' && typeof version === 'number' && version >= (this.#versions.get(id) ?? 0)) {
      this.#versions.delete(id)
      this.#versions.set(id, version)
      if (this.#versions.size > MAX_VERSIONS) this.#versions.delete(this.#versions.keys().next().value!)
    }
    for (const value of Array.isArray(data) ? data : Object.values(data)) this.note(value)
  }

  /** The result of a subscription, whose fields have no `entity` where it is older than what has passed. */
  filter<TData>(data: TData): TData {
    const fields = Object.entries((data ?? {}) as Record<string, Partial<Change> | null>).map(([name, change]) => {
      const { id = '', version } = change?.entity ?? {}
      const isOlder = typeof version === 'number' && version < (this.#versions.get(id) ?? 0)
      return [name, isOlder ? { ...change, entity: null } : change] as const
    })
    const filtered = Object.fromEntries(fields) as TData
    this.note(filtered)
    return filtered
  }
}
