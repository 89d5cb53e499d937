/// Who is signed in: tokens live in this object's memory only, and are renewed before they end.
import type { SignIn } from './config'
import { post, type Request } from './http'
import createOperation from './operations/session-create.graphql?raw'
import refreshOperation from './operations/session-refresh.graphql?raw'
import revokeOperation from './operations/session-revoke.graphql?raw'
import sessionsOperation from './operations/sessions.graphql?raw'

export type Status =
  | { state: 'starting' }
  | { state: 'signed-out'; problem: string | null }
  | { state: 'signed-in'; email: string; problem: string | null }

interface Tokens {
  accessToken: string
  refreshToken: string
  expiresIn: number
}

interface SessionData {
  session?: { tokens: Tokens | null; errors: { code: string; message: string }[] } | null
}

interface Held {
  tokens: Tokens
  email: string
  /** On the clock of `performance.now()`, so that setting the machine's clock changes nothing. */
  expiresAt: number
}

/** The server heard us and said no; anything else that goes wrong is passing. */
class Refused extends Error {}

export class Session {
  #status: Status = { state: 'starting' }
  #held: Held | null = null
  #renewing: Promise<void> | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #listeners = new Set<() => void>()
  #started: Promise<void>

  constructor(
    readonly endpoint: string,
    readonly demo: SignIn | null,
  ) {
    if (demo) {
      this.#started = this.#signInAgain(demo)
    } else {
      this.#started = Promise.resolve()
      this.#tell({ state: 'signed-out', problem: null })
    }
  }

  get status(): Status {
    return this.#status
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Answers what went wrong, in words, and then leaves everything as it was; null when nothing did. */
  async signIn({ email, password }: SignIn): Promise<string | null> {
    try {
      this.#hold(await this.#askForTokens({ query: createOperation, variables: { input: { email, password } } }), email)
      return null
    } catch (error) {
      return inWords(error)
    }
  }

  /** Forgets the tokens at once, and asks the server to end the session, which may fail. */
  async signOut(): Promise<void> {
    const token = this.#held?.tokens.accessToken
    this.#forget(null)
    if (!token) return
    const headers = { authorization: `Bearer ${token}` }
    try {
      const answer = await post(this.endpoint, { query: sessionsOperation }, headers)
      const data = answer.data as { viewer?: { account?: { sessions: { id: string; isCurrent: boolean }[] } } } | null
      const current = data?.viewer?.account?.sessions.find((session) => session.isCurrent)
      if (!current) return
      await post(this.endpoint, { query: revokeOperation, variables: { input: { sessionId: current.id } } }, headers)
    } catch {
      // Without the server the session ends when its tokens do.
    }
  }

  /** The value for `Authorization`, renewed when it is about to end; null for nobody. */
  async authorization(): Promise<string | null> {
    await this.#started
    if (this.#held && performance.now() > this.#held.expiresAt - margin(this.#held.tokens)) await this.renew()
    return this.#held && `Bearer ${this.#held.tokens.accessToken}`
  }

  /** After the server refused `authorization`: true when there is a newer one to try with. */
  async renewAfter(authorization: string): Promise<boolean> {
    if (this.#held && `Bearer ${this.#held.tokens.accessToken}` === authorization) await this.renew()
    return this.#held !== null && `Bearer ${this.#held.tokens.accessToken}` !== authorization
  }

  /** Renews once, however many ask at the same time. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const held = this.#held
    if (!held) return
    const input = { refreshToken: held.tokens.refreshToken }
    try {
      const tokens = await this.#askForTokens({ query: refreshOperation, variables: { input } })
      if (this.#held === held) this.#hold(tokens, held.email)
    } catch (error) {
      if (this.#held !== held) return
      if (!(error instanceof Refused)) {
        this.#tell({ state: 'signed-in', email: held.email, problem: inWords(error) })
      } else if (this.demo?.email === held.email) {
        await this.#signInAgain(this.demo)
      } else {
        this.#forget('Your session has ended.')
      }
    }
  }

  async #signInAgain(demo: SignIn): Promise<void> {
    const problem = await this.signIn(demo)
    if (problem !== null) this.#forget(problem)
  }

  async #askForTokens(request: Request): Promise<Tokens> {
    const answer = await post(this.endpoint, request)
    const outcome = (answer.data as SessionData | null | undefined)?.session
    if (outcome?.tokens) return outcome.tokens
    const problems = [...(outcome?.errors ?? []), ...(answer.errors ?? [])].map((error) => error.message)
    throw new Refused(problems.join(' ') || 'The server gave no tokens.')
  }

  #hold(tokens: Tokens, email: string): void {
    const lifetime = tokens.expiresIn * 1000
    this.#held = { tokens, email, expiresAt: performance.now() + lifetime }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.renew(), Math.min(lifetime - margin(tokens), 2 ** 31 - 1))
    this.#tell({ state: 'signed-in', email, problem: null })
  }

  #forget(problem: string | null): void {
    this.#held = null
    clearTimeout(this.#timer)
    this.#tell({ state: 'signed-out', problem })
  }

  #tell(status: Status): void {
    this.#status = status
    for (const listener of this.#listeners) listener()
  }
}

/** How long before their end tokens are renewed, in milliseconds. */
function margin(tokens: Tokens): number {
  return Math.min(30, tokens.expiresIn / 4) * 1000
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
