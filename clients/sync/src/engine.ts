/**
 * Keeps a replica in step with the server: snapshot, then changes, and what was written here, in its order, once each.
 *
 * Of the tabs that share a storage one does so for all (Web Locks); the others are told by it what it stored. Every step is one
 * write to the storage, and only then shown: whatever is killed at whatever moment begins again where the storage is.
 */
import { fromGlobalId, HiveError, type HiveClient, type LiveState, type LiveSubscription } from '@pantherahive/client'

import { CHANGES, toBatch, type Change } from './changes.ts'
import { sendNext, type ConflictHandler } from './queue.ts'
import type { Operation } from './operations.ts'
import { Replica } from './replica.ts'
import { Traces } from './traces.ts'
import { loadNotifications, loadSnapshot, type ChangeScope } from './snapshot.ts'
import type { Batch, SyncStorage } from './storage.ts'

export interface EngineOptions {
  storage: SyncStorage
  /** Names what tabs share; null for a storage of this tab's own. */
  name: string | null
  scope: ChangeScope | null
  onConflict: ConflictHandler | undefined
  /** A write that the server refuses for good, as every tab is told, or that could not be stored: it is no longer shown. */
  onRejected: ((operation: Operation, error: HiveError) => void) | undefined
  /** A write that the server has done, and the change in the log that it is. Every tab is told. */
  onDone: ((operation: Operation, changeId: string) => void) | undefined
}

export interface SyncStatus {
  state: LiveState
  /** How many writes are on their way. */
  pending: number
  /** Whether there is anything to show: from here, or from the server. */
  isReady: boolean
  /** Why nothing more arrives until somebody signs in again or the scope is changed. */
  error: HiveError | null
}

/** Waits after a failure: the first, and the longest, in milliseconds. */
const FIRST_WAIT_MS = 300
const LONGEST_WAIT_MS = 30_000
/** Writes that wait at most: more than a person does offline in a day. */
export const MAX_QUEUED = 1_000
const CLOSED = 'Another tab has a newer version, or removed what was stored. Reload this page.'
/** Changes that arrive within this time are stored at once, in milliseconds. */
const GATHER_MS = 5

export class Engine {
  readonly replica = new Replica()
  status: SyncStatus = { state: 'offline', pending: 0, isReady: false, error: null }
  #listeners = new Set<(status: SyncStatus) => void>()
  #steps: Promise<unknown> = Promise.resolve()
  #channel: BroadcastChannel | null = null
  #early: Batch[] | null = []
  #isDisposed = false
  #isLeader = false
  #release: (() => void) | undefined
  #live: LiveSubscription | null = null
  #gathered: Change[] = []
  #gatherTimer: ReturnType<typeof setTimeout> | undefined
  #failures = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #isSending = false
  #sendFailures = 0
  #sendTimer: ReturnType<typeof setTimeout> | undefined
  #loading: Promise<void> | null = null
  #unstored = 0
  #unlisten: (() => void) | undefined
  readonly #traces = new Traces((operation, changeId) => {
    this.#post({ done: { operation, changeId } })
    this.options.onDone?.(operation, changeId)
  })

  constructor(
    readonly client: HiveClient,
    readonly options: EngineOptions,
  ) {}

  /** Shows what is stored, and goes on from there. Resolves when there is something to show, or nothing stored. */
  async start(): Promise<void> {
    const { name, storage } = this.options
    if (name !== null && globalThis.BroadcastChannel) {
      this.#channel = new BroadcastChannel(`pantherahive ${name}`)
      this.#channel.onmessage = ({ data }) => this.#heed(data as Message)
    }
    await this.#step(async () => {
      this.replica.reset(await storage.load())
      for (const batch of this.#early ?? []) this.replica.apply(batch)
      this.#early = null
    })
    this.#set({ isReady: this.replica.cursor !== null, pending: this.#pending })
    storage.onClosed?.(() => {
      this.#set({ state: 'offline', error: new HiveError('STORAGE_CLOSED', CLOSED) })
      void this.dispose()
    })
    // Whoever signs in again is let on.
    this.#unlisten = this.client.session.listen((tokens) => tokens && this.#isLeader && this.wake())
    const locks = (globalThis.navigator as Navigator | undefined)?.locks
    if (name === null || !locks) this.#lead()
    else {
      void locks.request(`pantherahive sync ${name}`, async () => {
        if (this.#isDisposed) return
        // What the leader before stored with its last breath may not have been told.
        await this.#step(async () => this.replica.reset(await storage.load()))
        const ended = new Promise<void>((resolve) => (this.#release = resolve))
        this.#lead()
        await ended
      })
    }
  }

  listen(listener: (status: SyncStatus) => void): () => void {
    this.#listeners.add(listener)
    listener(this.status)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Stores writes; they are shown, and sure to be sent, when it resolves. Throws, and tells `onRejected`, when none of them is
   * stored: `QUEUE_FULL`, `STORAGE_CLOSED`, or `STORAGE_FAILED` as where the disk has no room.
   */
  async enqueue(operations: Operation[]): Promise<void> {
    const count = operations.length
    const isFull = this.#pending + count > MAX_QUEUED
    this.#unstored += count
    let isTaken = false
    try {
      if (isFull) throw new HiveError('QUEUE_FULL', `${MAX_QUEUED} changes wait for the server already.`)
      if (!this.#isDisposed) this.#set({ pending: this.#pending })
      await this.#write(() => {
        isTaken = true
        this.#unstored -= count
        return { enqueue: operations }
      })
      if (!isTaken) throw new HiveError('STORAGE_CLOSED', CLOSED)
    } catch (cause) {
      const error = cause instanceof HiveError ? cause : new HiveError('STORAGE_FAILED', String(cause), { cause })
      for (const operation of operations) this.options.onRejected?.(operation, error)
      throw error
    } finally {
      if (!isTaken) this.#unstored -= count
      this.#set({ pending: this.#pending })
    }
    this.wake()
  }

  /** Tries at once what waits for its next attempt. */
  wake(): void {
    if (!this.#isLeader) return this.#post({ wake: true })
    clearTimeout(this.#sendTimer)
    clearTimeout(this.#retryTimer)
    void this.#send()
    if (!this.#live) void this.#follow()
  }

  /** Forgets all rows, here and in the storage; writes that wait stay, and are sent when their author signs in again. */
  async forget(): Promise<void> {
    this.#unfollow()
    await this.#write(() => ({ clear: true, cursor: null }))
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true
    this.#stop()
    this.#unlisten?.()
    for (const timer of [this.#retryTimer, this.#sendTimer]) clearTimeout(timer)
    await this.#steps.catch(() => undefined)
    this.#release?.()
    this.#channel?.close()
    this.options.storage.close()
    this.#listeners.clear()
  }

  // ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** One step after the other: each sees what the one before has stored. */
  #step<T>(work: () => Promise<T>): Promise<T> {
    const step = this.#steps.then(work)
    this.#steps = step.catch(() => undefined)
    return step
  }

  #write(toBatch: () => Batch | null): Promise<void> {
    return this.#step(async () => {
      const batch = this.#isDisposed ? null : toBatch()
      if (!batch) return
      await this.options.storage.write(batch)
      this.#apply(batch)
      this.#post({ batch })
      this.#set({ isReady: this.replica.cursor !== null })
    })
  }

  /** The queue is told of whenever it has changed, also where as many writes wait as before. */
  #apply(batch: Batch): void {
    const { queue } = this.replica
    this.replica.apply(batch)
    this.#set({ pending: this.#pending }, queue !== this.replica.queue)
  }

  get #pending(): number {
    return this.replica.queue.length + this.#unstored
  }

  #post(message: Message): void {
    if (!this.#isDisposed) this.#channel?.postMessage(message)
  }

  #heed({ batch, status, wake, rejected, done }: Message): void {
    if (done) this.options.onDone?.(done.operation, done.changeId)
    if (rejected) this.options.onRejected?.(rejected.operation, new HiveError(rejected.code, rejected.message))
    if (batch) {
      if (this.#early) this.#early.push(batch)
      else void this.#step(async () => this.#apply(batch))
      if (this.#isLeader && batch.enqueue) this.wake()
    }
    if (status && !this.#isLeader) this.#set(status)
    if (wake && this.#isLeader) this.wake()
  }

  #set(status: Partial<SyncStatus>, isTold = false): void {
    const next = { ...this.status, ...status }
    const isSame = (Object.keys(next) as (keyof SyncStatus)[]).every((name) => next[name] === this.status[name])
    if ((isSame && !isTold) || this.#isDisposed) return
    this.status = next
    if (this.#isLeader && !isSame) this.#post({ status: { ...next, error: null } })
    for (const listener of [...this.#listeners]) listener(next)
  }

  // ── what comes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #lead(): void {
    this.#isLeader = true
    globalThis.addEventListener?.('online', this.#wakeUp)
    this.wake()
  }

  readonly #wakeUp = (): void => this.wake()

  #stop(): void {
    globalThis.removeEventListener?.('online', this.#wakeUp)
    this.#unfollow()
  }

  #unfollow(): void {
    this.#live?.unsubscribe()
    this.#live = null
    clearTimeout(this.#gatherTimer)
    // They come again after the cursor that is stored.
    this.#gathered = []
  }

  /** Loads what was never loaded, and follows the log from there. */
  async #follow(): Promise<void> {
    if (this.#isDisposed || this.#live || this.#loading) return
    if (!this.client.session.isSignedIn) return this.#set({ state: 'offline' })
    if (this.replica.cursor === null) return await this.#load()
    const viewer = viewerOf((await this.client.session.accessToken().catch(() => null)) ?? '')
    if (this.#isDisposed || this.#live || this.#loading) return
    this.#live = this.client.subscribe<{ changes: Change }, object>(
      CHANGES,
      { after: this.replica.cursor, scope: this.options.scope },
      {
        next: ({ changes }) => this.#gather(changes, viewer),
        state: (state) => {
          // What was missed has come by then, but is not stored yet.
          if (state !== 'live') this.#set({ state })
          if (state !== 'offline') this.wake()
        },
        error: (error) => {
          this.#unfollow()
          void this.#recover(error)
        },
      },
    )
  }

  #gather(change: Change, viewer: string): void {
    this.#failures = 0
    this.#traces.noteChange(change)
    this.#gathered.push(change)
    if (this.#gathered.length > 1) return
    this.#gatherTimer = setTimeout(() => {
      let reload: 'nothing' | 'users' | 'everything' = 'nothing'
      let isCaughtUp = false
      const live = this.#live
      void this.#write(() => {
        // A subscription that has ended since would bring what the next one brings again.
        if (this.#live !== live || this.#gathered.length === 0) return null
        isCaughtUp = this.#gathered.some((each) => each.isCaughtUp)
        const outcome = toBatch(this.replica, this.#gathered.splice(0), viewer)
        reload = outcome.reload
        return outcome.batch
      }).then(
        () => {
          this.#reload(reload)
          if (isCaughtUp && this.#live === live && live?.state === 'live') this.#set({ state: 'live' })
        },
        () => this.#unfollowAndRetry(),
      )
    }, GATHER_MS)
  }

  #reload(what: 'nothing' | 'users' | 'everything'): void {
    if (what === 'everything') {
      this.#unfollow()
      void this.#load()
    } else if (what === 'users') {
      void this.#loadUsers().catch(() => undefined)
    }
  }

  /** Replaces all rows by what is there now; what happens meanwhile comes after the cursor. */
  #load(): Promise<void> {
    this.#loading ??= (async () => {
      this.#set({ state: 'catching up' })
      const { rows, cursor } = await loadSnapshot(this.client, this.options.scope)
      const notifications = await loadNotifications(this.client)
      await this.#write(() =>
        // Of somebody who has left meanwhile nothing is stored.
        this.client.session.isSignedIn ? { clear: true, put: [...rows, ...notifications], cursor } : null,
      )
    })().then(
      () => {
        this.#loading = null
        this.#failures = 0
        this.wake()
      },
      (error: unknown) => {
        this.#loading = null
        return this.#recover(error)
      },
    )
    return this.#loading
  }

  async #loadUsers(): Promise<void> {
    const { rows } = await loadSnapshot(this.client, this.options.scope, ['USER'])
    const ids = new Set(rows.map(({ row }) => row.id))
    await this.#write(() => ({
      put: rows,
      remove: [...this.replica.rows('User').keys()]
        .filter((id) => !ids.has(id))
        .map((id) => ({ type: 'User' as const, id })),
    }))
  }

  /** After an error of loading or following. */
  async #recover(given: unknown): Promise<void> {
    const error = given instanceof HiveError ? given : new HiveError('NETWORK', String(given), { cause: given })
    if (this.#isDisposed) return
    if (error.code === 'CURSOR_EXPIRED' || error.code === 'CURSOR_INVALID') return await this.#load()
    this.#set({ state: 'offline' })
    if (error.isTemporary || error.code === 'CONNECTION_CLOSED') return this.#retry(error.details.retryAfter)
    this.#set({ error })
    // Signing in wakes it; everything else may pass too, but is not asked for often.
    if (this.client.session.isSignedIn) this.#retry(LONGEST_WAIT_MS / 1000)
  }

  #unfollowAndRetry(): void {
    this.#unfollow()
    this.#retry()
  }

  #retry(afterSeconds = 0): void {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => void this.#follow(), afterSeconds * 1000 + drawnWait(this.#failures++))
    unref(this.#retryTimer)
  }

  // ── what goes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #send(): Promise<void> {
    if (this.#isSending || !this.#isLeader) return
    this.#isSending = true
    try {
      while (!this.#isDisposed && this.replica.queue.length > 0 && this.client.session.isSignedIn) {
        const first = this.replica.queue[0]!
        const rejected = await sendNext(
          this.client,
          this.replica,
          (batch) => this.#write(() => batch),
          this.options.onConflict,
          (mutationId) => this.#traces.noteAnswer(mutationId, first),
        )
        this.#sendFailures = 0
        for (const [operation, error] of rejected) {
          this.#post({ rejected: { operation, code: error.code, message: error.message } })
          this.options.onRejected?.(operation, error)
        }
      }
    } catch (error) {
      if (this.#isDisposed) return
      const wait = (error instanceof HiveError && error.details.retryAfter) || 0
      clearTimeout(this.#sendTimer)
      this.#sendTimer = setTimeout(() => void this.#send(), wait * 1000 + drawnWait(this.#sendFailures++))
      unref(this.#sendTimer)
    } finally {
      this.#isSending = false
    }
  }
}

interface Message {
  batch?: Batch
  status?: SyncStatus
  wake?: boolean
  rejected?: { operation: Operation; code: string; message: string }
  done?: { operation: Operation; changeId: string }
}

function drawnWait(failures: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures, 10), LONGEST_WAIT_MS)
  return longest / 2 + (Math.random() * longest) / 2
}

/** In Node a pending attempt is no reason to go on running. */
function unref(timer: ReturnType<typeof setTimeout>): void {
  ;(timer as { unref?: () => void }).unref?.()
}

/** The viewer's UUID, by the claims of their token; empty for a token that says nothing. */
export function viewerOf(token: string): string {
  try {
    const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as {
      sub?: string
    }
    const sub = claims.sub ?? ''
    return sub.includes('-') ? sub : fromGlobalId(sub).uuid
  } catch {
    return ''
  }
}
