/// What an operation costs, as the server reckons it before running anything.
import { authorizationIn, type Request } from './http'
import type { Session } from './session'
import { Store } from './store'

/** `limit` is the highest cost that the server runs. */
export interface Cost {
  cost: number
  limit: number
}

const PATH = 'graphiql/cost'
const DELAY_MS = 300

/** Follows the operation that is shown: asks again when it has changed and rested for a moment. */
export class CostMeter extends Store<Cost | null> {
  #timer: ReturnType<typeof setTimeout> | undefined
  #aborter = new AbortController()
  #key = ''

  constructor(readonly session: Session) {
    super(null)
  }

  /** Null where there is nothing that could be run. */
  show(request: Request | null, headers: Record<string, string> = {}): void {
    const key = JSON.stringify([request, authorizationIn(headers), this.session.status.value])
    if (key === this.#key) return
    this.#key = key
    clearTimeout(this.#timer)
    this.#aborter.abort()
    this.#aborter = new AbortController()
    if (request === null) this.set(null)
    else this.#timer = setTimeout(() => void this.#ask(request, headers, this.#aborter.signal), DELAY_MS)
  }

  async #ask(request: Request, headers: Record<string, string>, signal: AbortSignal): Promise<void> {
    const authorization = authorizationIn(headers) ?? (await this.session.authorization())
    try {
      const response = await fetch(PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
        body: JSON.stringify(request),
        signal,
      })
      const found = (await response.json()) as Partial<Cost>
      if (!signal.aborted) this.set(typeof found.cost === 'number' ? (found as Cost) : null)
    } catch {
      if (!signal.aborted) this.set(null)
    }
  }
}
