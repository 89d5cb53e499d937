/// Rows for components: they are drawn again when a row that they show has changed.
import { useMemo, useSyncExternalStore } from 'react'
import type { Rows } from './rows'

/** All rows; derive from them with `useMemo`. */
export function useRows<T extends { id: string }>(rows: Rows<T>): readonly T[] {
  return useSyncExternalStore(rows.listen, rows.all)
}

export function useRow<T extends { id: string }>(rows: Rows<T>, id: string | null | undefined): T | undefined {
  return useSyncExternalStore(rows.listen, () => rows.get(id))
}

/** Rows by id, for lists that name others. */
export function useIndex<T extends { id: string }>(rows: Rows<T>): ReadonlyMap<string, T> {
  const all = useRows(rows)
  return useMemo(() => new Map(all.map((row) => [row.id, row])), [all])
}

/** What is derived from rows and shown in many places at once, such as counts on cards: computed once for each change. */
export function derived<T extends { id: string }, R>(
  rows: Rows<T>,
  derive: (all: readonly T[]) => ReadonlyMap<string, R>,
): (id: string) => R | undefined {
  let from: readonly T[] | undefined
  let found: ReadonlyMap<string, R> = new Map()
  const get = (): ReadonlyMap<string, R> => {
    if (from !== rows.all()) found = derive((from = rows.all()))
    return found
  }
  return (id) => useSyncExternalStore(rows.listen, () => get().get(id))
}
