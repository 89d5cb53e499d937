/** Signs in with the authorization code and PKCE, as public clients in browsers do. */
import { HiveError } from './errors.ts'
import { fromGranted, type Tokens } from './tokens.ts'

export interface OAuthOptions {
  clientId: string
  /** Where the server sends people back to, exactly as it is registered. */
  redirectUri: string
  /** Such as `['TASKS_WRITE', 'PROJECTS_READ']`; all that the client may have without them. */
  scopes?: readonly string[]
  /** `select_account` asks who signs in even where the browser knows somebody; `none` asks nothing. */
  prompt?: string
}

/** What has to be remembered from leaving to coming back; one sign-in a tab. */
interface Pending {
  state: string
  verifier: string
  redirectUri: string
  clientId: string
}

const PENDING_KEY = 'pantherahive.sign-in'

/** The address to send the browser to. What is needed on return lies in `storage`, this tab's `sessionStorage`. */
export async function authorizationUrl(
  origin: string,
  { clientId, redirectUri, scopes, prompt }: OAuthOptions,
  storage: Pick<Storage, 'setItem'> = sessionStorage,
): Promise<string> {
  const state = random()
  const verifier = random()
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  storage.setItem(PENDING_KEY, JSON.stringify({ state, verifier, redirectUri, clientId } satisfies Pending))
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
    ...(scopes && { scope: scopes.join(' ') }),
    ...(prompt && { prompt }),
  })
  return `${origin}/oauth/authorize?${query}`
}

/** Tokens for the code in `returned`, the address that the browser came back to; null if that is no answer to a question of ours. */
export async function redeem(
  origin: string,
  returned: string,
  fetcher: typeof fetch,
  storage: Pick<Storage, 'getItem' | 'removeItem'> = sessionStorage,
): Promise<Tokens | null> {
  const answer = new URL(returned).searchParams
  const pending = JSON.parse(storage.getItem(PENDING_KEY) ?? 'null') as Pending | null
  if (!pending || answer.get('state') !== pending.state) return null
  storage.removeItem(PENDING_KEY)
  const error = answer.get('error')
  if (error) throw new HiveError(error.toUpperCase(), answer.get('error_description') ?? error)
  const issuer = answer.get('iss')
  const code = answer.get('code')
  if (!code || (issuer !== null && issuer !== origin)) throw new HiveError('INVALID', 'Another server answered.')
  const tokens = await requestTokens(origin, fetcher, pending.clientId, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: pending.redirectUri,
    code_verifier: pending.verifier,
  })
  if (!tokens) throw new HiveError('UNAUTHENTICATED', 'The code is used or has expired.')
  return tokens
}

/** The successor of tokens that were granted to an OAuth client; null when the server refuses for good. */
export async function refresh(origin: string, fetcher: typeof fetch, tokens: Tokens): Promise<Tokens | null> {
  if (!tokens.refreshToken) return null
  const form = { grant_type: 'refresh_token', refresh_token: tokens.refreshToken }
  return requestTokens(origin, fetcher, tokens.clientId ?? '', form)
}

/** Ends the session of tokens that were granted to an OAuth client. */
export async function revoke(origin: string, fetcher: typeof fetch, tokens: Tokens): Promise<void> {
  const body = new URLSearchParams({
    token: tokens.refreshToken || tokens.accessToken,
    client_id: tokens.clientId ?? '',
  })
  await fetcher(`${origin}/oauth/revoke`, { method: 'POST', body })
}

async function requestTokens(
  origin: string,
  fetcher: typeof fetch,
  clientId: string,
  form: Record<string, string>,
): Promise<Tokens | null> {
  let response: Response
  let answer: { access_token?: string; refresh_token?: string; expires_in?: number; error?: string }
  try {
    response = await fetcher(`${origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ ...form, client_id: clientId }),
    })
    answer = await response.json()
  } catch (cause) {
    throw new HiveError('NETWORK', 'The server was not reached.', { cause })
  }
  // A client without the grant of refreshing gets no refresh token: its session ends with the access token.
  const { access_token: accessToken, refresh_token: refreshToken = '', expires_in: expiresIn } = answer
  if (response.ok && accessToken && expiresIn) {
    return fromGranted({ accessToken, refreshToken, expiresIn }, clientId)
  }
  if (response.status === 400 && answer.error === 'invalid_grant') return null
  throw new HiveError(
    response.status === 429 ? 'RATE_LIMITED' : 'SERVICE_UNAVAILABLE',
    answer.error ?? 'No tokens came.',
  )
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
