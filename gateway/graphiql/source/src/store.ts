/// A value that can be watched: the page's state lives in a few of these, outside of the components that show it.
import { useEffect, useReducer, useRef } from 'preact/hooks'

export class Store<T> {
  #value: T
  #listeners = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  get value(): T {
    return this.#value
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) listener()
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value))
  }

  /** Calls `listener` after every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

/** The store's value in a component, which is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T
/** A part of the store's value; the component is drawn again only when that part changes. */
export function useStore<T, S>(store: Store<T>, select: (value: T) => S): S
export function useStore<T, S>(store: Store<T>, select?: (value: T) => S): T | S {
  const [, redraw] = useReducer<number, void>((count) => count + 1, 0)
  const read = () => (select ? select(store.value) : store.value)
  const shown = read()
  const latest = useRef({ shown, read })
  latest.current = { shown, read }
  useEffect(() => {
    const check = () => {
      if (!Object.is(latest.current.read(), latest.current.shown)) redraw()
    }
    check() // It may have changed between drawing and this effect.
    return store.subscribe(check)
  }, [store])
  return shown
}
