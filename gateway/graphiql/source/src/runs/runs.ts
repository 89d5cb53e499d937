/// What runs or has run in each tab. A run belongs to its tab, not to the screen: whichever tab is shown, streams go on.
import { toJson } from '../documents'
import { authorizationIn, NoAnswer, post, tokenRefused, type Answer, type Request, type Response } from '../http'
import type { Session } from '../session'
import { Store } from '../store'
import { Stream, type StreamState } from './stream'
import { summarize } from './summary'

export type Entry =
  | { kind: 'event'; number: number; at: number; summary: string; answer: Answer; failed: boolean }
  | { kind: 'note'; number: number; at: number; summary: string }

export interface StreamRun {
  readonly kind: 'stream'
  readonly title: string
  readonly state: StreamState
  /** The oldest first; no more than `MAX_ENTRIES`. */
  readonly entries: readonly Entry[]
  readonly dropped: number
  readonly received: number
}

export interface RequestRun {
  readonly kind: 'request'
  readonly title: string
  readonly busy: boolean
  /** The response as it is shown. */
  readonly text: string
  readonly response: Omit<Response, 'answer'> | null
  readonly failed: boolean
}

export type Run = StreamRun | RequestRun
export type RunsState = ReadonlyMap<string, Run>

export interface Job {
  query: string
  operationName: string | null
  title: string
  variables: Record<string, unknown>
  headers: Record<string, string>
  isSubscription: boolean
  isMutation: boolean
  cursorVariable: string | null
}

/** How many events of one stream can be looked at; older ones are dropped. */
export const MAX_ENTRIES = 500

/** Events are shown together when they come faster than this. */
const SHOW_INTERVAL_MS = 50

export class Runs extends Store<RunsState> {
  #active = new Map<string, { stop: () => void; retry?: () => void }>()

  constructor(
    readonly session: Session,
    readonly subscriptionEndpoint: string,
  ) {
    super(new Map())
  }

  isRunning(tabId: string): boolean {
    return this.#active.has(tabId)
  }

  start(tabId: string, job: Job): void {
    this.stop(tabId)
    if (job.isSubscription) this.#startStream(tabId, job)
    else void this.#startRequest(tabId, job)
  }

  stop(tabId: string): void {
    this.#active.get(tabId)?.stop()
  }

  /** Shows why the request was not sent. */
  fail(tabId: string, title: string, message: string): void {
    const text = toJson({ errors: [{ message }] })
    this.#put(tabId, { kind: 'request', title, busy: false, text, response: null, failed: true })
  }

  retryNow(tabId: string): void {
    this.#active.get(tabId)?.retry?.()
  }

  /** A stream goes on as who began it, so it ends with them. */
  stopAll(): void {
    for (const each of [...this.#active.values()]) each.stop()
  }

  forget(tabId: string): void {
    this.stop(tabId)
    this.update((runs) => {
      const rest = new Map(runs)
      rest.delete(tabId)
      return rest
    })
  }

  clearEntries(tabId: string): void {
    const run = this.value.get(tabId)
    if (run?.kind === 'stream') this.#put(tabId, { ...run, entries: [], dropped: 0 })
  }

  /** A request as the signed-in person; sent again once, with a newer token, when the token had expired. */
  async ask(request: Request, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    const typed = authorizationIn(headers)
    const as = (authorization: string | null) =>
      post(
        this.session.endpoint,
        request,
        authorization && typed === null ? { ...headers, authorization } : headers,
        signal,
      )
    const authorization = typed === null ? await this.session.authorization() : null
    const response = await as(authorization)
    if (authorization && tokenRefused(response.answer) && (await this.session.renewAfter(authorization))) {
      return as(await this.session.authorization())
    }
    return response
  }

  async #startRequest(tabId: string, { query, operationName, title, variables, headers }: Job): Promise<void> {
    const aborter = new AbortController()
    const handle = { stop: () => aborter.abort() }
    this.#active.set(tabId, handle)
    const blank = { kind: 'request', title, text: '', response: null, failed: false } as const
    this.#put(tabId, { ...blank, busy: true })
    let done: RequestRun
    try {
      const { answer, ...response } = await this.ask({ query, operationName, variables }, headers, aborter.signal)
      done = { ...blank, busy: false, text: toJson(answer), response, failed: Boolean(answer.errors?.length) }
    } catch (error) {
      const message = aborter.signal.aborted ? 'Stopped before the answer arrived.' : messageOf(error)
      done = { ...blank, busy: false, text: toJson({ errors: [{ message }] }), failed: true }
    }
    if (this.#active.get(tabId) !== handle) return
    this.#active.delete(tabId)
    this.#put(tabId, done)
  }

  #startStream(tabId: string, job: Job): void {
    const { query, operationName, title, variables, headers, cursorVariable } = job
    let state: StreamState = { phase: 'connecting' }
    let number = 0
    let waiting: Entry[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = () => {
      clearTimeout(timer)
      timer = undefined
      const before = this.value.get(tabId)
      if (this.#active.get(tabId) !== handle || before?.kind !== 'stream') return
      const entries = [...before.entries, ...waiting]
      const over = Math.max(0, entries.length - MAX_ENTRIES)
      const received = before.received + waiting.filter((each) => each.kind === 'event').length
      waiting = []
      this.#put(tabId, { ...before, state, entries: entries.slice(over), dropped: before.dropped + over, received })
    }
    const add = (entry: Entry) => {
      waiting.push(entry)
      if (waiting.length === MAX_ENTRIES)
        show() // Timers are slow in a window that is not in front.
      else timer ??= setTimeout(show, SHOW_INTERVAL_MS)
    }
    const handle = { stop: () => stream.stop(), retry: () => stream.retryNow() }
    this.#active.set(tabId, handle)
    this.#put(tabId, { kind: 'stream', title, state, entries: [], dropped: 0, received: 0 })
    const stream = new Stream({
      url: this.subscriptionEndpoint,
      session: this.session,
      typedAuthorization: authorizationIn(headers),
      request: { query, operationName, variables: { ...variables }, cursorVariable },
      onEvent: (answer) => add(event(++number, answer)),
      onReconnect: (resumed) => add(note(++number, resumed ? RESUMED : NOT_RESUMED)),
      onState: (now) => {
        state = now
        if (now.phase === 'ended' && now.problem) waiting.push(ending(++number, now))
        show()
        if (now.phase === 'ended' && this.#active.get(tabId) === handle) this.#active.delete(tabId)
      },
    })
  }

  #put(tabId: string, run: Run): void {
    this.update((runs) => new Map(runs).set(tabId, run))
  }
}

const RESUMED = 'Reconnected. Events continue after the last cursor, none are missing.'
const NOT_RESUMED = 'Reconnected. Events from the time in between may be missing: there is no cursor to resume from.'

function event(number: number, answer: Answer): Entry {
  const failed = Boolean(answer.errors?.length)
  return { kind: 'event', number, at: Date.now(), summary: summarize(answer), answer, failed }
}

function note(number: number, summary: string): Entry {
  return { kind: 'note', number, at: Date.now(), summary }
}

function ending(number: number, state: Extract<StreamState, { phase: 'ended' }>): Entry {
  if (!state.errors?.length) return note(number, state.problem ?? '')
  return event(number, { errors: state.errors })
}

function messageOf(error: unknown): string {
  if (error instanceof NoAnswer) return error.message
  return error instanceof Error ? error.message : String(error)
}
