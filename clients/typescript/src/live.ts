/** Subscriptions over one websocket that renews its token in band, comes back by itself and goes on where each of them was. */
import { createClient, type Client as SocketClient } from 'graphql-ws'

import { declares, toText, type Operation } from './document.ts'
import { fromErrors, HiveError, type ServerError } from './errors.ts'
import type { Session } from './session.ts'
import type { Tokens } from './tokens.ts'

/**
 * `offline`: not connected. `catching up`: connected, and what was missed is arriving. `live`: what happens arrives at once.
 *
 * Only a subscription with `withCaughtUp: true` that selects `isCaughtUp` catches up; any other is live as soon as it is connected.
 */
export type LiveState = 'offline' | 'catching up' | 'live'

export interface Sink<TData> {
  next(data: TData): void
  /** It has ended, and will not come back by itself: `CURSOR_EXPIRED` means to load everything again. */
  error?(error: HiveError): void
  complete?(): void
  state?(state: LiveState): void
}

export interface SubscribeOptions<TData> {
  /**
   * The position after a result, to go on from; `cursor` of the first field by default. It is sent as the variable `$after`: without
   * that variable a subscription begins anew after each break.
   */
  cursor?(data: TData): string | null | undefined
}

export interface LiveSubscription {
  unsubscribe(): void
  readonly state: LiveState
  /** Where it would go on. */
  readonly cursor: string | null
}

export interface LiveOptions {
  /** The address of `/graphql`, ws or wss. */
  url: string
  session: Session
  webSocketImpl?: unknown
}

/** Pings are sent after this long without a pong, and a pong is waited for this long, in milliseconds. */
const KEEP_ALIVE_MS = 10_000
const PONG_TIMEOUT_MS = 5_000

/** The first wait before coming back, and the longest, in milliseconds; each is drawn between half of it and all. */
const FIRST_WAIT_MS = 300
const LONGEST_WAIT_MS = 20_000

/** Codes of single operations after which the same may be asked again. */
const RETRIED = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'SUBSCRIPTION_LAGGED', 'TIMEOUT', 'TOKEN_EXPIRED'])

/** Close codes that graphql-ws ends at, but that pass: a bug of the server that was logged, too many messages. */
const PASSING_CLOSE_CODES = new Set([4429, 4500])

type RawSocket = Pick<WebSocket, 'send' | 'readyState'>

export class Live {
  #socket: SocketClient | null = null
  #raw: RawSocket | null = null
  #subscriptions = new Set<Running<any>>()
  #unlisten: (() => void) | undefined
  #retryAfterMs = 0
  #wake: (() => void) | undefined
  #pongTimer: ReturnType<typeof setTimeout> | undefined
  #renewalTimer: ReturnType<typeof setTimeout> | undefined
  #subject: string | undefined
  #lastToken: string | null = null
  #isConnected = false
  #isDisposed = false

  constructor(readonly options: LiveOptions) {
    globalThis.addEventListener?.('online', this.#goOn)
  }

  subscribe<TData, TVariables>(
    document: Operation<TData, TVariables>,
    variables: TVariables,
    sink: Sink<TData>,
    options: SubscribeOptions<TData> = {},
  ): LiveSubscription {
    const running = new Running<TData>(
      toText(document),
      { ...variables } as Record<string, unknown>,
      sink,
      options,
      () => this.#subscriptions.delete(running),
    )
    running.isResumable = declares(document, 'after')
    this.#subscriptions.add(running)
    running.start(this.#open())
    if (this.#isConnected) running.connected()
    else running.show('offline')
    return running
  }

  /** Closes the socket; every subscription on it ends. */
  async dispose(): Promise<void> {
    this.#isDisposed = true
    globalThis.removeEventListener?.('online', this.#goOn)
    this.#unlisten?.()
    clearTimeout(this.#renewalTimer)
    clearTimeout(this.#pongTimer)
    for (const running of [...this.#subscriptions]) running.unsubscribe()
    // A connection that is just being made fails by this.
    await Promise.resolve(this.#socket?.dispose()).catch(() => undefined)
  }

  #open(): SocketClient {
    if (this.#isDisposed) throw new HiveError('SIGNED_OUT', 'This client is disposed of.')
    if (this.#socket) return this.#socket
    const { session, url, webSocketImpl } = this.options
    this.#unlisten = session.listen((tokens) => this.#renew(tokens))
    let sent: string | null = null
    this.#socket = createClient({
      url,
      webSocketImpl,
      keepAlive: KEEP_ALIVE_MS,
      connectionAckWaitTimeout: KEEP_ALIVE_MS,
      connectionParams: async () => {
        // After a refusal the clock of this machine may be wrong: the token that was refused is not sent again.
        const token = sent === null ? await session.accessToken() : await session.accessTokenAfter(sent)
        sent = null
        this.#subject = subjectOf(token)
        this.#lastToken = token
        return token === null ? {} : { authorization: `Bearer ${token}` }
      },
      retryAttempts: Number.POSITIVE_INFINITY,
      shouldRetry: () => true,
      retryWait: (retries) => this.#wait(retries),
      on: {
        opened: (socket) => (this.#raw = socket as RawSocket),
        connected: () => {
          this.#isConnected = true
          for (const running of this.#subscriptions) running.connected()
        },
        ping: (received, payload) => (received ? this.#heedStop(payload) : this.#expectPong()),
        pong: (received, payload) => received && this.#heedPong(payload),
        closed: (event) => {
          clearTimeout(this.#pongTimer)
          this.#isConnected = false
          this.#raw = null
          const { code } = event as CloseEvent
          if (code === 4403) sent = this.#lastToken
          for (const running of this.#subscriptions) running.show('offline')
        },
      },
    })
    return this.#socket
  }

  /** Waits before coming back: for as long as the server asked, else longer each time; less when the machine is online again. */
  async #wait(retries: number): Promise<void> {
    const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(retries, 10), LONGEST_WAIT_MS)
    const delay = this.#retryAfterMs + longest / 2 + (Math.random() * longest) / 2
    this.#retryAfterMs = 0
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay)
      this.#wake = () => (clearTimeout(timer), resolve())
    })
    this.#wake = undefined
  }

  readonly #goOn = (): void => this.#wake?.()

  #expectPong(): void {
    clearTimeout(this.#pongTimer)
    this.#pongTimer = setTimeout(() => this.#socket?.terminate(), PONG_TIMEOUT_MS)
  }

  /** Before it stops, the server says how long to stay away, and where each subscription is. */
  #heedStop(payload: unknown): void {
    const { retryAfter } = (payload ?? {}) as { retryAfter?: number }
    if (typeof retryAfter === 'number') this.#retryAfterMs = Math.min(retryAfter * 1000, LONGEST_WAIT_MS)
  }

  #heedPong(payload: unknown): void {
    clearTimeout(this.#pongTimer)
    const { authorization, code } = (payload ?? {}) as { authorization?: string; code?: string }
    if (authorization !== 'refused') return
    if (code === 'RATE_LIMITED' || code === 'SERVICE_UNAVAILABLE') {
      clearTimeout(this.#renewalTimer)
      this.#renewalTimer = setTimeout(() => this.#renew(this.options.session.storage.read()), PONG_TIMEOUT_MS)
    } else {
      // Another session, or other scopes: the socket begins anew with the token of now.
      this.#socket?.terminate()
    }
  }

  #renew(tokens: Tokens | null): void {
    if (!this.#raw || this.#raw.readyState !== 1 || !this.#isConnected) return
    const token = tokens?.accessToken ?? null
    if (token === null || subjectOf(token) !== this.#subject) return this.#socket?.terminate()
    this.#lastToken = token
    this.#raw.send(JSON.stringify({ type: 'ping', payload: { authorization: `Bearer ${token}` } }))
    this.#expectPong()
  }
}

/** One subscription, over all connections that it takes. */
class Running<TData> implements LiveSubscription {
  isResumable = false
  state: LiveState = 'offline'
  cursor: string | null
  #stop: (() => void) | undefined
  #isDone = false
  #failures = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #shown: LiveState | undefined

  constructor(
    readonly query: string,
    readonly variables: Record<string, unknown>,
    readonly sink: Sink<TData>,
    readonly options: SubscribeOptions<TData>,
    readonly ended: () => void,
  ) {
    this.cursor = (variables['after'] as string | null | undefined) ?? null
  }

  start(socket: SocketClient): void {
    // graphql-ws sends this very object again after a break: its variables are moved on with each result.
    const payload = { query: this.query, variables: this.variables }
    this.#stop = socket.subscribe<TData>(payload, {
      next: ({ data, errors }) => {
        if (errors?.length) return this.#fail(fromErrors(errors as readonly ServerError[], data), socket)
        this.#failures = 0
        const [first] = Object.values((data ?? {}) as Record<string, FirstField | null>)
        this.#remember(this.options.cursor ? this.options.cursor(data as TData) : first?.cursor)
        this.sink.next(data as TData)
        if (first?.isCaughtUp && this.state === 'catching up') this.show('live')
      },
      error: (error) => this.#fail(toError(error), socket),
      complete: () => !this.#isDone && this.#end(() => this.sink.complete?.()),
    })
  }

  unsubscribe(): void {
    if (this.#isDone) return
    this.#end(() => undefined)
    this.#stop?.()
  }

  connected(): void {
    this.show(this.query.includes('withCaughtUp') ? 'catching up' : 'live')
  }

  show(state: LiveState): void {
    this.state = state
    if (this.#isDone || this.#shown === state) return
    this.#shown = state
    this.sink.state?.(state)
  }

  #remember(cursor: unknown): void {
    if (typeof cursor !== 'string') return
    this.cursor = cursor
    if (this.isResumable) this.variables['after'] = cursor
  }

  #fail(error: HiveError, socket: SocketClient): void {
    if (this.#isDone) return
    this.#stop?.()
    const since = error.details.errors?.[0]?.extensions?.['since']
    if (RETRIED.has(error.code) || error.code === 'NETWORK') {
      if (typeof since === 'string' && this.isResumable) this.variables['after'] = this.cursor = since
      this.show('offline')
      const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(this.#failures++, 10), LONGEST_WAIT_MS)
      const delay = (error.details.retryAfter ?? 0) * 1000 + longest / 2 + (Math.random() * longest) / 2
      this.#retryTimer = setTimeout(() => {
        this.start(socket)
        this.connected()
      }, delay)
      return
    }
    this.#end(() => this.sink.error?.(error))
  }

  #end(say: () => void): void {
    this.show('offline')
    this.#isDone = true
    clearTimeout(this.#retryTimer)
    this.ended()
    say()
  }
}

interface FirstField {
  cursor?: unknown
  isCaughtUp?: boolean
}

function toError(error: unknown): HiveError {
  if (error instanceof HiveError) return error
  if (Array.isArray(error)) return fromErrors(error as ServerError[])
  const { code, reason } = error as { code?: number; reason?: string }
  if (typeof code === 'number' && !PASSING_CLOSE_CODES.has(code)) {
    return new HiveError('CONNECTION_CLOSED', `The connection was closed: ${code} ${reason ?? ''}`, { cause: error })
  }
  return new HiveError('NETWORK', 'The connection was lost.', { cause: error })
}

/** Whose token it is: the claims of the user and the session; text that is no JWT stands for itself. */
function subjectOf(token: string | null): string {
  if (token === null) return ''
  try {
    const [, payload = ''] = token.split('.')
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { sub?: string; sid?: string }
    return `${claims.sub} ${claims.sid}`
  } catch {
    return token
  }
}
