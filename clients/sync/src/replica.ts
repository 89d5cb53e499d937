/** What is known here: rows as the server last told them, and on top of them what was written here and is on its way. */
import { applied, type Operation } from './operations.ts'
import { TYPE_NAMES, type AnyRow, type TypeName } from './rows.ts'
import type { Batch, Contents } from './storage.ts'

/** A row as it is to be shown from now on; undefined for one that is gone. */
export type ViewListener = (changes: ReadonlyMap<string, AnyRow | undefined>) => void

/** How many ids of removed objects are remembered at most. */
const MAX_REMOVED = 10_000

export class Replica {
  cursor: string | null = null
  queue: Operation[] = []
  #rows = new Map<TypeName, Map<string, AnyRow>>(TYPE_NAMES.map((type) => [type, new Map()]))
  #views = new Map<TypeName, Map<string, AnyRow>>(TYPE_NAMES.map((type) => [type, new Map()]))
  #listeners = new Map<TypeName, Set<ViewListener>>()
  #removed = new Set<string>()
  #watchers = new Set<(ids: ReadonlySet<string>) => void>()

  /** Rows as the server told them. */
  rows(type: TypeName): ReadonlyMap<string, AnyRow> {
    return this.#rows.get(type)!
  }

  /** Rows as they are to be shown. */
  view(type: TypeName): ReadonlyMap<string, AnyRow> {
    return this.#views.get(type)!
  }

  /** Calls `listener` with everything that is there, and then with each change. */
  listen(type: TypeName, listener: ViewListener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
    listener(this.view(type))
    return () => listeners.delete(listener)
  }

  /** Calls `watcher` with the ids of objects after something has happened to them. */
  watch(watcher: (ids: ReadonlySet<string>) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Takes over what storage holds. */
  reset({ rows, cursor, queue }: Contents): void {
    this.queue = []
    this.apply({ clear: true, put: rows, cursor, enqueue: queue })
  }

  /** Whether it was here and is gone: answers that were sent before may still say how it was. */
  wasRemoved(id: string): boolean {
    return this.#removed.has(id)
  }

  apply(batch: Batch): void {
    const touched = new Map<TypeName, Set<string>>(TYPE_NAMES.map((type) => [type, new Set()]))
    if (batch.clear) {
      for (const [type, rows] of this.#rows) {
        for (const id of rows.keys()) touched.get(type)!.add(id)
        rows.clear()
      }
    }
    for (const { type, row } of batch.put ?? []) {
      this.#rows.get(type)!.set(row.id, row)
      this.#removed.delete(row.id)
      touched.get(type)!.add(row.id)
    }
    for (const { type, id } of batch.remove ?? []) {
      this.#rows.get(type)!.delete(id)
      this.#removed.add(id)
      touched.get(type)!.add(id)
    }
    if (this.#removed.size > MAX_REMOVED) this.#removed = new Set([...this.#removed].slice(-MAX_REMOVED / 2))
    if (batch.cursor !== undefined) this.cursor = batch.cursor
    this.#applyQueue(batch, touched)
    for (const [type, ids] of touched) this.#show(type, ids)
    if (!batch.touched?.length) return
    const ids = new Set(batch.touched)
    for (const watcher of [...this.#watchers]) watcher(ids)
  }

  /** Operations on one object, in their order. */
  operationsOn(key: string): Operation[] {
    return this.queue.filter((each) => each.key === key)
  }

  #applyQueue({ enqueue = [], dequeue = [] }: Batch, touched: ReadonlyMap<TypeName, Set<string>>): void {
    if (enqueue.length === 0 && dequeue.length === 0) return
    const bySeq = new Map(this.queue.map((each) => [each.seq!, each]))
    for (const each of enqueue) {
      bySeq.set(each.seq!, each)
      touched.get(each.type)!.add(each.key)
    }
    for (const seq of dequeue) {
      const each = bySeq.get(seq)
      if (!each) continue
      bySeq.delete(seq)
      touched.get(each.type)!.add(each.key)
    }
    this.queue = [...bySeq.values()].sort((left, right) => left.seq! - right.seq!)
  }

  #show(type: TypeName, ids: ReadonlySet<string>): void {
    const view = this.#views.get(type)!
    const rows = this.#rows.get(type)!
    const waiting = new Map<string, Operation[]>()
    for (const each of this.queue) {
      if (each.type !== type) continue
      waiting.set(each.key, [...(waiting.get(each.key) ?? []), each])
    }
    const changes = new Map<string, AnyRow | undefined>()
    for (const id of ids) {
      const shown = (waiting.get(id) ?? []).reduce<AnyRow | undefined>(applied, rows.get(id))
      if (shown === view.get(id)) continue
      if (shown) view.set(id, shown)
      else view.delete(id)
      changes.set(id, shown)
    }
    if (changes.size) for (const listener of [...(this.#listeners.get(type) ?? [])]) listener(changes)
  }
}
