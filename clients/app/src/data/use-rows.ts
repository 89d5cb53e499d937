/// Rows for components: they are drawn again when a row that they show has changed.
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import type { Collection, Row } from './collection'
import { epoch } from './live'
import { useStore } from './store'

/** All rows; derive from them with `useMemo`. */
export function useRows<T extends Row>(collection: Collection<T>): readonly T[] {
  return useSyncExternalStore(collection.listen, collection.all)
}

export function useRow<T extends Row>(collection: Collection<T>, id: string | null | undefined): T | undefined {
  return useSyncExternalStore(collection.listen, () => collection.get(id))
}

/** Rows by id, for lists that name others. */
export function useIndex<T extends Row>(collection: Collection<T>): ReadonlyMap<string, T> {
  const rows = useRows(collection)
  return useMemo(() => new Map(rows.map((row) => [row.id, row])), [rows])
}

export interface Loading {
  isLoading: boolean
  problem: string | null
  retry: () => void
}

const loaded = new Set<string>()

/** Loads once what live changes keep true afterwards; again only when too much was missed. */
export function useLoadOnce(key: string, load: () => Promise<unknown>): Loading {
  const current = useStore(epoch)
  const [attempt, setAttempt] = useState(0)
  const name = `${current} ${key}`
  const [state, setState] = useState({ name: '', problem: null as string | null })
  useEffect(() => {
    if (loaded.has(name)) return
    let isCurrent = true
    load().then(
      () => {
        loaded.add(name)
        if (isCurrent) setState({ name, problem: null })
      },
      (error: unknown) =>
        isCurrent && setState({ name, problem: error instanceof Error ? error.message : String(error) }),
    )
    return () => {
      isCurrent = false
    }
  }, [name, attempt]) // eslint-disable-line -- `load` belongs to `key`
  return {
    isLoading: !loaded.has(name) && state.name !== name,
    problem: state.name === name ? state.problem : null,
    retry: () => {
      setState({ name: '', problem: null })
      setAttempt(attempt + 1)
    },
  }
}

/** Another person signs in: nothing is loaded for them yet. */
export function forgetLoaded(): void {
  loaded.clear()
}
