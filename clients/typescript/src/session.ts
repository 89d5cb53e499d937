/** Who is signed in: one access token for everything, renewed before it expires by one tab for all of them. */
import { HiveError } from './errors.ts'
import type { TokenStorage, Tokens } from './tokens.ts'

/** How long before an access token expires it is renewed, in milliseconds, and at most a quarter of its life. */
const RENEWAL_MARGIN_MS = 60_000

/** After a renewal that failed for now, in milliseconds. */
const RENEWAL_RETRY_MS = 5_000

/** The longest delay that a timer takes, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1

export type SessionListener = (tokens: Tokens | null) => void

/** Asks the server for the successor of tokens; null when it refuses for good. */
export type Renewal = (tokens: Tokens) => Promise<Tokens | null>

export class Session {
  #listeners = new Set<SessionListener>()
  #renewing: Promise<Tokens | null> | null = null
  #last: string | null
  #timer: ReturnType<typeof setTimeout> | undefined
  #unlisten: (() => void) | undefined

  constructor(
    readonly storage: TokenStorage,
    readonly renewal: Renewal,
    /** Names the lock that tabs share: one session of an origin at one server. */
    readonly lockName: string,
  ) {
    this.#last = storage.read()?.accessToken ?? null
    this.#unlisten = storage.listen?.(() => this.#announce())
  }

  get isSignedIn(): boolean {
    return this.storage.read() !== null
  }

  /** The access token, renewed when it is about to expire; null for nobody. */
  async accessToken(): Promise<string | null> {
    const tokens = this.storage.read()
    if (!tokens || Date.now() < renewalTime(tokens)) return tokens?.accessToken ?? null
    try {
      return (await this.#renew(tokens))?.accessToken ?? null
    } catch (error) {
      // It still works for a while, and so may the next attempt.
      if (Date.now() < tokens.expiresAt) return tokens.accessToken
      throw error
    }
  }

  /** Another token than `refused`, which the server no longer takes; null when the session has ended. */
  async accessTokenAfter(refused: string): Promise<string | null> {
    const tokens = this.storage.read()
    if (!tokens || tokens.accessToken !== refused) return tokens?.accessToken ?? null
    return (await this.#renew(tokens))?.accessToken ?? null
  }

  /** Takes tokens of somebody who signed in, or null of somebody who signed out. */
  set(tokens: Tokens | null): void {
    this.storage.write(tokens)
    this.#announce()
  }

  /** Calls `listener` with the tokens after each change; returns what ends that. While anybody listens, tokens are renewed in time. */
  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener)
    this.#schedule()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) clearTimeout(this.#timer)
    }
  }

  dispose(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    this.#unlisten?.()
  }

  #announce(): void {
    const tokens = this.storage.read()
    if ((tokens?.accessToken ?? null) === this.#last) return
    this.#last = tokens?.accessToken ?? null
    for (const listener of [...this.#listeners]) listener(tokens)
    this.#schedule()
  }

  #schedule(delayMs?: number): void {
    clearTimeout(this.#timer)
    const tokens = this.storage.read()
    if (!tokens || this.#listeners.size === 0) return
    const wait = delayMs ?? Math.max(renewalTime(tokens) - Date.now(), 0)
    this.#timer = setTimeout(
      () =>
        void this.accessToken().then(
          () => this.#schedule(),
          () => this.#schedule(RENEWAL_RETRY_MS),
        ),
      Math.min(Math.max(wait, delayMs ?? 100), MAX_DELAY_MS),
    )
    // In Node a pending renewal is no reason to go on running.
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  #renew(tokens: Tokens): Promise<Tokens | null> {
    this.#renewing ??= withLock(this.lockName, () => this.#renewLocked(tokens)).finally(() => {
      this.#renewing = null
      this.#announce()
    })
    return this.#renewing
  }

  async #renewLocked(tokens: Tokens): Promise<Tokens | null> {
    // Another tab may have renewed them, or signed out, while this one waited for the lock.
    const current = this.storage.read()
    if (!current || current.accessToken !== tokens.accessToken) return current
    const renewed = await this.renewal(current)
    // Whoever signed in or out meanwhile has the last word.
    if (this.storage.read()?.accessToken !== current.accessToken) return this.storage.read()
    this.storage.write(renewed)
    return renewed
  }
}

function renewalTime(tokens: Tokens): number {
  return tokens.expiresAt - Math.min(RENEWAL_MARGIN_MS, tokens.lifetimeMs / 4)
}

/** Throws `SIGNED_OUT` instead of going on as nobody. */
export function requireToken(token: string | null): string {
  if (token === null) throw new HiveError('SIGNED_OUT', 'Nobody is signed in.')
  return token
}

const chains = new Map<string, Promise<unknown>>()

/**
 * Runs `work` while nobody else of this origin runs theirs under that name. Where there are no Web Locks (plain http, older
 * browsers) only within this page: the server gives two tabs that renew at once the same successor.
 */
async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks
  if (locks) return (await locks.request(name, work)) as T
  const before = chains.get(name) ?? Promise.resolve()
  const own = before.then(work, work)
  chains.set(
    name,
    own.catch(() => undefined),
  )
  return own
}
