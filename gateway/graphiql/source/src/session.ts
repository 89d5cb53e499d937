/// Who is signed in: tokens live in this object's memory only, and are renewed before they expire.
import type { Person } from './config'
import { post, type Request } from './http'
import { Refused, type OAuth } from './oauth'
import createOperation from './operations/session-create.graphql?raw'
import refreshOperation from './operations/session-refresh.graphql?raw'
import revokeOperation from './operations/session-revoke.graphql?raw'
import sessionsOperation from './operations/sessions.graphql?raw'
import viewerOperation from './operations/viewer.graphql?raw'
import { Store } from './store'

export type Status =
  | { state: 'starting' }
  | { state: 'signed-out'; problem: string | null }
  | { state: 'signed-in'; email: string; problem: string | null }

export interface Tokens {
  accessToken: string
  refreshToken: string
  expiresIn: number
}

interface SessionData {
  session?: { tokens: Tokens | null; errors: { code: string; message: string }[] } | null
}

interface Current {
  tokens: Tokens
  email: string
  /** On the clock of `performance.now()`, so that setting the machine's clock changes nothing. */
  expiresAt: number
  /** Granted to the page by the authorization server, rather than given for a password. */
  granted: boolean
}

export interface Credentials {
  email: string
  password: string
}

/** How long before tokens expire they are renewed, in milliseconds, and at most a quarter of their life. */
const RENEWAL_MARGIN_MS = 30_000

/** Streams and requests wait for a renewal, which a lost server would never answer. */
const REQUEST_TIMEOUT_MS = 15_000

/** The longest delay that a timer takes, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1

export class Session {
  readonly status = new Store<Status>({ state: 'starting' })
  #current: Current | null = null
  #renewing: Promise<void> | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #renewalListeners = new Set<(authorization: string) => void>()
  #started: Promise<void>

  #wasSignedOut = false

  /**
   * `first` is signed in at once; one of `people` whose session has ended is signed in again. With `oauth` whoever else signs in
   * does so on the server's pages.
   */
  constructor(
    readonly endpoint: string,
    readonly people: readonly Person[],
    first: Person | null,
    readonly oauth: OAuth | null = null,
  ) {
    if (oauth && (hasAnswer() || oauth.wasSignedIn)) {
      this.#started = this.#resume(oauth, first)
    } else if (first) {
      this.#started = this.#signInAgain(first)
    } else {
      this.#started = Promise.resolve()
      this.status.set({ state: 'signed-out', problem: null })
    }
  }

  /** Null when it worked; else what went wrong, in words, and then everything stays as it was. */
  async signIn({ email, password }: Credentials): Promise<string | null> {
    try {
      this.#accept(
        await this.#requestTokens({ query: createOperation, variables: { input: { email, password } } }),
        email,
      )
      return null
    } catch (error) {
      return inWords(error)
    }
  }

  /** Leaves for the server's pages, where somebody signs in. Only with `oauth`. */
  async leaveToSignIn(): Promise<void> {
    await this.oauth?.begin(this.#current || this.#wasSignedOut ? 'select_account' : undefined)
  }

  /** Takes what the page has come back with; a window that was signed in before a reload asks again, without questions. */
  async #resume(oauth: OAuth, first: Person | null): Promise<void> {
    try {
      const returned = hasAnswer()
      const tokens = await oauth.finish()
      if (tokens) return this.#accept(tokens, await this.#emailOf(tokens), true)
      if (!returned) return await oauth.begin('none')
      if (first) await this.#signInAgain(first)
      else this.#drop(null)
    } catch (error) {
      this.#drop(inWords(error))
    }
  }

  async #emailOf(tokens: Tokens): Promise<string> {
    const { answer } = await post(this.endpoint, { query: viewerOperation }, { authorization: bearer(tokens) })
    return (answer.data as { viewer?: { email?: string } } | null)?.viewer?.email ?? 'unknown'
  }

  /** Drops the tokens at once, and asks the server to end the session, which may fail. */
  async signOut(): Promise<void> {
    const before = this.#current
    this.#drop(null)
    this.#wasSignedOut = true
    if (before?.granted) return await this.oauth?.revoke(before.tokens).catch(() => undefined)
    const token = before?.tokens.accessToken
    if (!token) return
    const headers = { authorization: `Bearer ${token}` }
    try {
      const { answer } = await post(this.endpoint, { query: sessionsOperation }, headers)
      const data = answer.data as { viewer?: { account?: { sessions: { id: string; isCurrent: boolean }[] } } } | null
      const current = data?.viewer?.account?.sessions.find((session) => session.isCurrent)
      if (!current) return
      await post(this.endpoint, { query: revokeOperation, variables: { input: { sessionId: current.id } } }, headers)
    } catch {
      // Without the server the session ends when its tokens expire.
    }
  }

  /** The value for `Authorization`, renewed when it is about to expire; null for nobody. */
  async authorization(): Promise<string | null> {
    await this.#started
    if (this.#current && performance.now() > this.#current.expiresAt - margin(this.#current.tokens)) await this.renew()
    return this.#current && bearer(this.#current.tokens)
  }

  /** After the server refused `authorization`: true when there is a newer one to try with. */
  async renewAfter(authorization: string): Promise<boolean> {
    if (this.#current && bearer(this.#current.tokens) === authorization) await this.renew()
    return this.#current !== null && bearer(this.#current.tokens) !== authorization
  }

  /** Calls `listener` with every newer token of the same person, for connections that outlive a token. */
  onRenewal(listener: (authorization: string) => void): () => void {
    this.#renewalListeners.add(listener)
    return () => void this.#renewalListeners.delete(listener)
  }

  /** Renews once, however many ask at the same time. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const before = this.#current
    if (!before) return
    const input = { refreshToken: before.tokens.refreshToken }
    try {
      const tokens =
        before.granted && this.oauth
          ? await this.oauth.renew(input.refreshToken)
          : await this.#requestTokens({ query: refreshOperation, variables: { input } })
      if (this.#current !== before) return
      this.#accept(tokens, before.email, before.granted)
      for (const listener of this.#renewalListeners) listener(bearer(tokens))
    } catch (error) {
      if (this.#current !== before) return
      const person = this.people.find((each) => each.email === before.email)
      if (!(error instanceof Refused)) {
        this.status.set({ state: 'signed-in', email: before.email, problem: inWords(error) })
      } else if (person) {
        await this.#signInAgain(person)
      } else {
        this.#drop('Your session has ended.')
      }
    }
  }

  async #signInAgain(person: Person): Promise<void> {
    const problem = await this.signIn(person)
    if (problem !== null) this.#drop(problem)
  }

  async #requestTokens(request: Request): Promise<Tokens> {
    const { answer } = await post(this.endpoint, request, {}, AbortSignal.timeout(REQUEST_TIMEOUT_MS))
    const outcome = (answer.data as SessionData | null | undefined)?.session
    if (outcome?.tokens) return outcome.tokens
    const problems = [...(outcome?.errors ?? []), ...(answer.errors ?? [])].map((error) => error.message)
    throw new Refused(problems.join(' ') || 'The server sent no tokens.')
  }

  #accept(tokens: Tokens, email: string, granted = false): void {
    const lifetime = tokens.expiresIn * 1000
    this.#current = { tokens, email, expiresAt: performance.now() + lifetime, granted }
    if (!granted) this.oauth?.forget()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.renew(), Math.min(lifetime - margin(tokens), MAX_DELAY_MS))
    this.status.set({ state: 'signed-in', email, problem: null })
  }

  #drop(problem: string | null): void {
    this.#current = null
    this.oauth?.forget()
    clearTimeout(this.#timer)
    this.status.set({ state: 'signed-out', problem })
  }
}

/** Whether the page was opened by an answer of the authorization server. */
function hasAnswer(): boolean {
  const given = new URLSearchParams(location.search)
  return given.has('state') && (given.has('code') || given.has('error'))
}

function bearer(tokens: Tokens): string {
  return `Bearer ${tokens.accessToken}`
}

function margin(tokens: Tokens): number {
  return Math.min(RENEWAL_MARGIN_MS, (tokens.expiresIn * 1000) / 4)
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
