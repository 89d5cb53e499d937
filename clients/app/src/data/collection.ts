/// Rows of one type as the server last said, with the viewer's own unanswered changes on top, and whoever shows them.

export interface Row {
  id: string
  /** Absent where a type has none: then the row that came last counts. */
  version?: number
}

/** A change that shows before the server has answered. */
export interface Patch<T extends Row = Row> {
  id: string
  /** Attributes that differ, a whole row that is new, or null for one that is gone. */
  changes: Partial<T> | null
}

const MAX_REMEMBERED_REMOVALS = 2_000

export class Collection<T extends Row> {
  #rows = new Map<string, T>()
  /** By mutation, in the order of the mutations. */
  #patches = new Map<string, Patch<T>>()
  #removed = new Set<string>()
  #listeners = new Set<() => void>()
  #shown: readonly T[] | null = null
  #shownById: Map<string, T> | null = null

  /** Takes what the server said; a row that is older than the one that is here changes nothing. */
  put(...rows: T[]): void {
    for (const row of rows) {
      if (this.#removed.has(row.id)) continue
      const known = this.#rows.get(row.id)
      if (known?.version !== undefined && row.version !== undefined && row.version < known.version) continue
      this.#rows.set(row.id, known ? { ...known, ...row } : row)
    }
    if (rows.length > 0) this.#changed()
  }

  /** Changes attributes that have no version of their own, such as counts. */
  amend(id: string, changes: Partial<T>): void {
    const known = this.#rows.get(id)
    if (!known) return
    this.#rows.set(id, { ...known, ...changes })
    this.#changed()
  }

  /** Removes a row that is deleted or no longer visible; an answer that was on its way does not bring it back. */
  remove(id: string): void {
    this.#removed.add(id)
    if (this.#removed.size > MAX_REMEMBERED_REMOVALS)
      this.#removed.delete(this.#removed.values().next().value as string)
    if (this.#rows.delete(id)) this.#changed()
  }

  /** The row is there again. */
  restore(row: T): void {
    this.#removed.delete(row.id)
    this.put(row)
  }

  patch(mutationId: string, patch: Patch<T>): void {
    this.#patches.set(mutationId, patch)
    this.#changed()
  }

  unpatch(mutationId: string): void {
    if (this.#patches.delete(mutationId)) this.#changed()
  }

  /** All rows as they are to be shown; the same array until something changes. */
  readonly all = (): readonly T[] => {
    this.#shown ??= [...this.#byId().values()]
    return this.#shown
  }

  get(id: string | null | undefined): T | undefined {
    return id ? this.#byId().get(id) : undefined
  }

  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Forgets what the server said: it is read again. Unanswered changes stay. */
  clear(): void {
    this.#rows.clear()
    this.#removed.clear()
    this.#changed()
  }

  #byId(): Map<string, T> {
    if (this.#shownById) return this.#shownById
    const shown = new Map(this.#rows)
    for (const { id, changes } of this.#patches.values()) {
      const row = shown.get(id)
      if (changes === null) shown.delete(id)
      else if (row) shown.set(id, { ...row, ...changes })
      else if ('isNew' in changes) shown.set(id, { ...(changes as T), id })
    }
    return (this.#shownById = shown)
  }

  #changed(): void {
    this.#shown = this.#shownById = null
    for (const listener of [...this.#listeners]) listener()
  }
}
