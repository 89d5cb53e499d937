/** Where rows and unsent writes lie between reloads: in IndexedDB, or in memory for a session only. */
import type { Operation } from './operations.ts'
import type { AnyRow, TypeName } from './rows.ts'

export interface StoredRow {
  type: TypeName
  row: AnyRow
}

/** What is written at once, or not at all. */
export interface Batch {
  /** Everything but the queue goes first. */
  clear?: boolean
  put?: StoredRow[]
  remove?: { type: TypeName; id: string }[]
  /** The position in the log that the rows are of. */
  cursor?: string | null
  /** New or changed operations; one without `seq` is put at the end. */
  enqueue?: Operation[]
  /** Operations by `seq` that are done. */
  dequeue?: number[]
  /** Ids of objects that something has happened to, whether or not it shows in a row. Told, and not stored. */
  touched?: string[]
}

export interface Contents {
  rows: StoredRow[]
  cursor: string | null
  queue: Operation[]
}

export interface SyncStorage {
  load(): Promise<Contents>
  /** Resolves when the batch is durable; operations have their `seq` then. */
  write(batch: Batch): Promise<void>
  close(): void
  /** Calls `listener` when it was closed by others for good: it was removed, or a newer version of this code has opened it. */
  onClosed?(listener: () => void): void
}

export function memoryStorage(): SyncStorage {
  const rows = new Map<string, StoredRow>()
  const queue = new Map<number, Operation>()
  let cursor: string | null = null
  let last = 0
  return {
    load: async () => structuredClone({ rows: [...rows.values()], cursor, queue: [...queue.values()] }),
    async write(batch) {
      if (batch.clear) rows.clear()
      for (const each of batch.put ?? []) rows.set(rowKey(each.type, each.row.id), structuredClone(each))
      for (const { type, id } of batch.remove ?? []) rows.delete(rowKey(type, id))
      if (batch.cursor !== undefined) cursor = batch.cursor
      for (const each of batch.enqueue ?? []) {
        each.seq ??= last += 1
        queue.set(each.seq, structuredClone(each))
      }
      for (const seq of batch.dequeue ?? []) queue.delete(seq)
    },
    close: () => undefined,
  }
}

/** Raised when rows change their shape: older ones are loaded anew, while writes that wait stay. */
const VERSION = 2

/** One database for each person at each server, so that nobody sees what another left on the machine. */
export function indexedDbStorage(name: string, factory: IDBFactory = globalThis.indexedDB): SyncStorage {
  let opening: Promise<IDBDatabase> | null = null
  const closed = new Set<() => void>()
  const database = (): Promise<IDBDatabase> =>
    (opening ??= new Promise((resolve, reject) => {
      const request = factory.open(name, VERSION)
      request.onupgradeneeded = () => {
        const { result: opened } = request
        for (const store of ['rows', 'meta']) {
          if (opened.objectStoreNames.contains(store)) opened.deleteObjectStore(store)
          opened.createObjectStore(store)
        }
        if (!opened.objectStoreNames.contains('queue'))
          opened.createObjectStore('queue', { keyPath: 'seq', autoIncrement: true })
      }
      request.onsuccess = () => {
        const { result: opened } = request
        const end = () => {
          opened.close()
          for (const listener of closed) listener()
        }
        opened.onversionchange = end
        opened.onclose = end
        resolve(opened)
      }
      request.onerror = () => ((opening = null), reject(request.error))
    }))
  return {
    async load() {
      const transaction = (await database()).transaction(['rows', 'meta', 'queue'], 'readonly')
      const [rows, cursor, queue] = await Promise.all([
        done(transaction.objectStore('rows').getAll()),
        done(transaction.objectStore('meta').get('cursor')),
        done(transaction.objectStore('queue').getAll()),
      ])
      return { rows: rows as StoredRow[], cursor: (cursor as string | undefined) ?? null, queue: queue as Operation[] }
    },
    async write(batch) {
      // Strict: a write of the person's that was confirmed outlives a crash of the machine. What the server said it says again.
      const transaction = (await database()).transaction(['rows', 'meta', 'queue'], 'readwrite', {
        durability: batch.enqueue?.length ? 'strict' : 'relaxed',
      })
      const finished = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve()
        transaction.onerror = transaction.onabort = () => reject(transaction.error)
      })
      const [rows, meta, queue] = ['rows', 'meta', 'queue'].map((store) => transaction.objectStore(store))
      if (batch.clear) rows!.clear()
      for (const each of batch.put ?? []) rows!.put(each, rowKey(each.type, each.row.id))
      for (const { type, id } of batch.remove ?? []) rows!.delete(rowKey(type, id))
      if (batch.cursor !== undefined) meta!.put(batch.cursor, 'cursor')
      for (const each of batch.enqueue ?? []) {
        const request = queue!.put({ ...each })
        request.onsuccess = () => (each.seq = request.result as number)
      }
      for (const seq of batch.dequeue ?? []) queue!.delete(seq)
      await finished
    },
    close: () => void opening?.then((opened) => opened.close()),
    onClosed: (listener) => void closed.add(listener),
  }
}

/** Removes what `indexedDbStorage` of that name has stored; resolves when nothing is left. Tabs that have it open let it go. */
export function removeIndexedDb(name: string, factory: IDBFactory = globalThis.indexedDB): Promise<void> {
  return done(factory.deleteDatabase(name)).then(() => undefined)
}

function rowKey(type: TypeName, id: string): string {
  return `${type}:${id}`
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
