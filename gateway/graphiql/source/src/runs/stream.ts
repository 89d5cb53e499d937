/// One subscription over a websocket: it is started again whenever the connection is lost, until somebody stops it or it ends.
import { createClient, type Client, type SubscribePayload } from 'graphql-ws'
import { hasCode, tokenRefused, type Answer } from '../http'
import type { Session } from '../session'

export type StreamState =
  | { phase: 'connecting' }
  | { phase: 'open' }
  /** The connection was lost; `retryAt` is on the clock of `Date.now()`. */
  | { phase: 'waiting'; retryAt: number; reason: string }
  | { phase: 'ended'; problem: string | null; errors: Answer['errors'] | null }

export interface StreamRequest {
  query: string
  operationName: string | null
  variables: Record<string, unknown>
  /** The variable that takes the cursor of the last event when the subscription resumes; null where there is none. */
  cursorVariable: string | null
}

export interface StreamOptions {
  url: string
  session: Session
  /** An `Authorization` that somebody typed; it is sent instead of the session's, and never renewed. */
  typedAuthorization: string | null
  request: StreamRequest
  onEvent: (answer: Answer) => void
  onState: (state: StreamState) => void
  /** The subscription runs again after a loss; `resumed` says whether it goes on from the last cursor. */
  onReconnect: (resumed: boolean) => void
}

/** Close codes by which the server says that the token is missing, expired or revoked. */
const TOKEN_CODES = new Set([4401, 4403])

/** Close codes that would come again: what was sent is wrong, or the protocol is. */
const FINAL_CODES = new Set([1002, 1003, 1007, 1008, 1009, 4004, 4005, 4400, 4406, 4409, 4429])

const SERVER_STOPS = new Set<unknown>(['SERVICE_UNAVAILABLE'])

const PING_INTERVAL_MS = 8_000
/** A busy server may take its time. */
const PONG_TIMEOUT_MS = 8_000
/** Browsers themselves wait for minutes. */
const CONNECT_TIMEOUT_MS = 8_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000
/** A connection that lived this long was accepted: what ends it later is something new. */
const ACCEPTED_AFTER_MS = 5_000

type Outcome =
  | { kind: 'completed' }
  | { kind: 'lost'; reason: string; retryAfterMs: number | null }
  | { kind: 'token-refused'; problem: string; errors: Answer['errors'] | null }
  | { kind: 'failed'; problem: string; errors: Answer['errors'] | null }

export class Stream {
  #options: StreamOptions
  #client: Client | null = null
  #socket: WebSocket | null = null
  #stopped = false
  #wake: (() => void) | null = null
  #retryAfterMs: number | null = null
  #removeListeners: (() => void)[] = []

  constructor(options: StreamOptions) {
    this.#options = options
    this.#removeListeners.push(options.session.onRenewal((authorization) => this.#sendToken(authorization)))
    const retry = () => this.retryNow()
    addEventListener('online', retry)
    this.#removeListeners.push(() => removeEventListener('online', retry))
    void this.#run()
  }

  stop(): void {
    this.#end({ phase: 'ended', problem: null, errors: null })
  }

  /** Ends a pause between two tries. */
  retryNow(): void {
    this.#wake?.()
  }

  async #run(): Promise<void> {
    const { session, typedAuthorization, request, onState, onReconnect } = this.#options
    let losses = 0
    let refusals = 0
    for (let tries = 0; !this.#stopped; tries++) {
      onState({ phase: 'connecting' })
      const authorization = typedAuthorization ?? (await session.authorization())
      if (this.#stopped) return
      const since = performance.now()
      const outcome = await this.#follow(authorization, () => {
        if (tries > 0) onReconnect(request.cursorVariable !== null && request.variables[request.cursorVariable] != null)
      })
      if (this.#stopped) return
      if (performance.now() - since > ACCEPTED_AFTER_MS) losses = refusals = 0
      if (outcome.kind === 'completed') return this.#end({ phase: 'ended', problem: null, errors: null })
      if (outcome.kind === 'failed') return this.#end({ phase: 'ended', ...problemOf(outcome) })
      if (outcome.kind === 'token-refused') {
        const mayRenew = typedAuthorization === null && authorization !== null && refusals++ === 0
        if (mayRenew && (await session.renewAfter(authorization))) continue
        return this.#end({ phase: 'ended', ...problemOf(outcome) })
      }
      await this.#pause(outcome.retryAfterMs ?? pauseAfter(losses++), outcome.reason)
    }
  }

  /** Subscribes once, on a connection of its own; how that ended. */
  #follow(authorization: string | null, onSubscribed: () => void): Promise<Outcome> {
    const { request, onEvent, onState } = this.#options
    return new Promise((resolve) => {
      const client = this.#connect(authorization, () => {
        onState({ phase: 'open' })
        onSubscribed()
      })
      const settle = (outcome: Outcome) => {
        resolve(outcome)
        this.#client = this.#socket = null
        void client.dispose()
      }
      this.#client = client
      const payload: SubscribePayload = {
        query: request.query,
        operationName: request.operationName ?? undefined,
        variables: request.variables,
      }
      client.subscribe(payload, {
        next: (event) => {
          const answer = event as Answer
          if (tokenRefused(answer)) return settle(refusalOf(answer))
          if (!answer.data && hasCode(answer, SERVER_STOPS)) return settle(this.#lost('The server is not available.'))
          this.#resumeAfter(cursorOf(answer))
          if (!this.#stopped) onEvent(answer)
        },
        error: (error) => settle(this.#outcomeOf(error)),
        complete: () => settle({ kind: 'completed' }),
      })
    })
  }

  #connect(authorization: string | null, onConnected: () => void): Client {
    const url = new URL(this.#options.url, location.href)
    url.protocol = url.protocol.replace('http', 'ws')
    let timer = setTimeout(() => client.terminate(), CONNECT_TIMEOUT_MS)
    const client = createClient({
      url: url.href,
      lazy: true,
      retryAttempts: 0,
      keepAlive: PING_INTERVAL_MS,
      generateID: () => 'stream',
      connectionParams: authorization ? { authorization } : undefined,
      on: {
        opened: (socket) => {
          this.#socket = socket as WebSocket
        },
        connected: () => {
          clearTimeout(timer)
          onConnected()
        },
        ping: (received, payload) => {
          if (received) this.#heedHint(payload)
          else timer = setTimeout(() => client.terminate(), PONG_TIMEOUT_MS)
        },
        pong: (received) => {
          if (received) clearTimeout(timer)
        },
        closed: () => clearTimeout(timer),
      },
    })
    return client
  }

  /** A server that is about to stop says from which cursor each subscription goes on, and when to try again. */
  #heedHint(payload: Record<string, unknown> | undefined): void {
    const resume = payload?.resume as Record<string, unknown> | undefined
    if (typeof resume?.stream === 'string') this.#resumeAfter(resume.stream)
    if (typeof payload?.retryAfter === 'number') this.#retryAfterMs = payload.retryAfter * 1000
  }

  #resumeAfter(cursor: string | null): void {
    const { cursorVariable, variables } = this.#options.request
    if (cursorVariable !== null && cursor !== null) variables[cursorVariable] = cursor
  }

  /** The connection goes on with a newer token of the same session. */
  #sendToken(authorization: string): void {
    if (this.#options.typedAuthorization !== null || this.#socket?.readyState !== WebSocket.OPEN) return
    this.#socket.send(JSON.stringify({ type: 'ping', payload: { authorization } }))
  }

  #outcomeOf(error: unknown): Outcome {
    if (Array.isArray(error)) {
      const answer: Answer = { errors: error as Answer['errors'] }
      if (tokenRefused(answer)) return refusalOf(answer)
      if (hasCode(answer, SERVER_STOPS)) return this.#lost('The server is not available.')
      return { kind: 'failed', problem: 'The server refused the subscription.', errors: answer.errors ?? null }
    }
    if (isClosing(error)) {
      const reason = error.reason ? `${error.code}, ${error.reason}` : String(error.code)
      const problem = `The server closed the connection: ${reason}.`
      if (TOKEN_CODES.has(error.code)) return { kind: 'token-refused', problem, errors: null }
      if (FINAL_CODES.has(error.code)) return { kind: 'failed', problem, errors: null }
      return this.#lost(error.code === 1006 || error.code === 4499 ? 'Connection lost.' : problem)
    }
    return this.#lost('The server cannot be reached.')
  }

  #lost(reason: string): Outcome {
    const retryAfterMs = this.#retryAfterMs
    this.#retryAfterMs = null
    return { kind: 'lost', reason, retryAfterMs }
  }

  async #pause(milliseconds: number, reason: string): Promise<void> {
    this.#options.onState({ phase: 'waiting', retryAt: Date.now() + milliseconds, reason })
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = null
  }

  #end(state: StreamState): void {
    if (this.#stopped) return
    this.#stopped = true
    for (const remove of this.#removeListeners) remove()
    void this.#client?.dispose()
    this.#wake?.()
    this.#options.onState(state)
  }
}

/** How long to wait after that many losses in a row: twice as long each time, and never exactly when everybody else tries. */
export function pauseAfter(losses: number, random: () => number = Math.random): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(losses, 10)) * (0.5 + random() / 2)
}

export function cursorOf(answer: Answer): string | null {
  for (const change of Object.values(answer.data ?? {})) {
    const cursor = (change as { cursor?: unknown } | null)?.cursor
    if (typeof cursor === 'string') return cursor
  }
  return null
}

/** The browser's close event, or what stands for one after the client gave the connection up. */
function isClosing(error: unknown): error is { code: number; reason: string } {
  return typeof error === 'object' && error !== null && 'code' in error && 'reason' in error
}

function refusalOf(answer: Answer): Outcome {
  return { kind: 'token-refused', problem: 'The server refused the token.', errors: answer.errors ?? null }
}

function problemOf(outcome: Extract<Outcome, { problem: string }>): {
  problem: string
  errors: Answer['errors'] | null
} {
  return { problem: outcome.problem, errors: outcome.errors }
}
