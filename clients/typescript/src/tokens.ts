/** Tokens of a session, and where they lie between calls, tabs and reloads. */

export interface Tokens {
  accessToken: string
  refreshToken: string
  /** When the access token expires, in milliseconds since 1970 on this machine's clock. */
  expiresAt: number
  /** How long an access token lives, in milliseconds. */
  lifetimeMs: number
  /** The OAuth client that they were granted to; absent for those that `sessionCreate` gave. */
  clientId?: string
}

export interface TokenStorage {
  read(): Tokens | null
  write(tokens: Tokens | null): void
  /** Calls `listener` when another tab has written; returns what ends that. */
  listen?(listener: () => void): () => void
}

/** Tokens as the server gives them, in `TokenPair` or at `/oauth/token`. */
export interface GrantedTokens {
  accessToken: string
  refreshToken: string
  expiresIn: number
}

export function fromGranted(granted: GrantedTokens, clientId?: string, now: number = Date.now()): Tokens {
  const lifetimeMs = granted.expiresIn * 1000
  const { accessToken, refreshToken } = granted
  return { accessToken, refreshToken, lifetimeMs, expiresAt: now + lifetimeMs, ...(clientId ? { clientId } : {}) }
}

/** In memory: whoever reloads the page signs in again. */
export function memoryStorage(tokens: Tokens | null = null): TokenStorage {
  let current = tokens
  return {
    read: () => current,
    write: (written) => void (current = written),
  }
}

/** In `localStorage`, shared by all tabs of the origin. Scripts of the page can read it: no foreign ones, then. */
export function webStorage(key: string = 'pantherahive', storage: Storage = globalThis.localStorage): TokenStorage {
  return {
    read: () => parse(storage.getItem(key)),
    write: (tokens) => (tokens ? storage.setItem(key, JSON.stringify(tokens)) : storage.removeItem(key)),
    listen(listener) {
      const heed = (event: StorageEvent): void => {
        // A null key stands for `clear`.
        if (event.storageArea === storage && (event.key === key || event.key === null)) listener()
      }
      globalThis.addEventListener?.('storage', heed)
      return () => globalThis.removeEventListener?.('storage', heed)
    },
  }
}

function parse(text: string | null): Tokens | null {
  try {
    const tokens = JSON.parse(text ?? 'null') as Tokens | null
    return typeof tokens?.accessToken === 'string' && typeof tokens.refreshToken === 'string' ? tokens : null
  } catch {
    return null
  }
}
