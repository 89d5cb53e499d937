/// Signs in through the server's own pages: the authorization code flow with PKCE, by redirects of the whole page.
import type { Config } from './config'
import type { Tokens } from './session'
import { forget, isObject, recall, remember } from './storage'

/** What must be known again of a request when the page comes back from it. */
interface Asked {
  state: string
  verifier: string
}

const ASKED = 'oauth-request'
const SIGNED_IN = 'oauth-signed-in'

/** The server answered, and refused. */
export class Refused extends Error {}

export class OAuth {
  readonly #issuer: string
  readonly #clientId: string

  private constructor(issuer: string, clientId: string) {
    this.#issuer = issuer
    this.#clientId = clientId
  }

  /** Null where the flow cannot be used: the page has another origin than the issuer, or no cryptography. */
  static of({ oauth }: Config): OAuth | null {
    if (!oauth || new URL(oauth.issuer).origin !== location.origin || !globalThis.crypto?.subtle) return null
    return new OAuth(oauth.issuer, oauth.clientId)
  }

  /** Leaves the page. `prompt`: `none` asks nothing of anybody, `select_account` lets another person sign in. */
  async begin(prompt?: 'none' | 'select_account'): Promise<void> {
    const asked = { state: random(), verifier: random() }
    remember(ASKED, asked, sessionStorage)
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(asked.verifier))
    const parameters = new URLSearchParams({
      response_type: 'code',
      client_id: this.#clientId,
      redirect_uri: this.#redirectUri,
      state: asked.state,
      code_challenge: encode(new Uint8Array(digest)),
      code_challenge_method: 'S256',
      ...(prompt ? { prompt } : {}),
    })
    location.assign(`${this.#issuer}/oauth/authorize?${parameters}`)
  }

  /** Whether this window was signed in before it was reloaded. */
  get wasSignedIn(): boolean {
    return recall(SIGNED_IN, (value) => value === true, false as boolean)
  }

  /** The tokens that the page came back for; null when it did not. Raises `Refused` in words for people. */
  async finish(): Promise<Tokens | null> {
    const given = new URLSearchParams(location.search)
    if (!given.has('state') || !(given.has('code') || given.has('error'))) return null
    history.replaceState(null, '', location.pathname)
    const asked = recall(ASKED, isAsked, null)
    forget(ASKED)
    const isOurs = asked !== null && given.get('state') === asked.state && given.get('iss') === this.#issuer
    if (!isOurs) throw new Refused('This sign-in was not begun in this window.')
    const code = given.get('code')
    if (code === null) {
      forget(SIGNED_IN)
      if (given.get('error') === 'login_required') return null
      throw new Refused(given.get('error_description') ?? 'You were not signed in.')
    }
    const form = { code, redirect_uri: this.#redirectUri, code_verifier: asked.verifier }
    const tokens = await this.#request({ grant_type: 'authorization_code', ...form })
    remember(SIGNED_IN, true, sessionStorage)
    return tokens
  }

  renew(refreshToken: string): Promise<Tokens> {
    return this.#request({ grant_type: 'refresh_token', refresh_token: refreshToken })
  }

  /** Somebody has signed in to this window in another way, or nobody is signed in any more. */
  forget(): void {
    forget(SIGNED_IN)
  }

  /** Ends the session of these tokens. */
  async revoke({ refreshToken }: Tokens): Promise<void> {
    this.forget()
    await this.#post('revoke', { token: refreshToken })
  }

  get #redirectUri(): string {
    return `${this.#issuer}/`
  }

  async #request(form: Record<string, string>): Promise<Tokens> {
    const response = await this.#post('token', form)
    const body: unknown = await response.json().catch(() => null)
    const { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn } = isObject(body) ? body : {}
    if (typeof accessToken === 'string' && typeof refreshToken === 'string' && typeof expiresIn === 'number')
      return { accessToken, refreshToken, expiresIn }
    if (response.status >= 500) throw new Error('The server cannot sign you in now.')
    throw new Refused('Your session has ended.')
  }

  async #post(endpoint: string, form: Record<string, string>): Promise<Response> {
    try {
      return await fetch(`${this.#issuer}/oauth/${endpoint}`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: this.#clientId, ...form }),
        signal: AbortSignal.timeout(15_000),
      })
    } catch {
      throw new Error('The server cannot be reached.')
    }
  }
}

function isAsked(value: unknown): value is Asked | null {
  return isObject(value) && typeof value.state === 'string' && typeof value.verifier === 'string'
}

function random(): string {
  return encode(crypto.getRandomValues(new Uint8Array(32)))
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
