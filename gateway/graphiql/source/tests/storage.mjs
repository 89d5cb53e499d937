/// The browser's two storages, for modules that remember.

class MemoryStorage {
  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null
  }
  setItem(key, value) {
    this[key] = String(value)
  }
  removeItem(key) {
    delete this[key]
  }
}

/** Begins with nothing remembered. */
export function emptyStorages() {
  globalThis.sessionStorage = new MemoryStorage()
  globalThis.localStorage = new MemoryStorage()
}

/** A new window of the same browser. */
export function openWindow() {
  globalThis.sessionStorage = new MemoryStorage()
}
