/// What the page remembers in this browser. Storage that is full, blocked or holds something else never breaks the page.

const PREFIX = 'pantherahive:graphiql:'

export function remember(key: string, value: unknown, ...where: Storage[]): void {
  const text = JSON.stringify(value)
  for (const storage of where.length > 0 ? where : storages()) {
    try {
      storage.setItem(PREFIX + key, text)
    } catch {
      // Remembering is a convenience.
    }
  }
}

/** What was remembered, from this window first and then from the browser; `fallback` where `accept` finds it unusable. */
export function recall<T>(key: string, accept: (value: unknown) => value is T, fallback: T): T {
  for (const storage of storages()) {
    try {
      const value: unknown = JSON.parse(storage.getItem(PREFIX + key) ?? 'null')
      if (accept(value)) return value
    } catch {
      // The next storage, or the fallback.
    }
  }
  return fallback
}

export function forget(key: string): void {
  for (const storage of storages()) storage.removeItem(PREFIX + key)
}

export function forgetEverything(): void {
  for (const storage of storages()) {
    for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key)
  }
}

/** A window keeps its own state when it is reloaded; a new window begins with what the last one left. */
function storages(): Storage[] {
  try {
    return [sessionStorage, localStorage]
  } catch {
    return [] // Cookies and storage are blocked for this page.
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
