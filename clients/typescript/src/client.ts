/** The one object that a front end holds: who is signed in, `request`, `subscribe`. */
import { toText, type Operation } from './document.ts'
import { HiveError, succeeded, type UserError } from './errors.ts'
import { post, refuse } from './http.ts'
import { Live, type LiveSubscription, type Sink, type SubscribeOptions } from './live.ts'
import { authorizationUrl, redeem, refresh, revoke, type OAuthOptions } from './oauth.ts'
import { Session } from './session.ts'
import { fromGranted, memoryStorage, type GrantedTokens, type TokenStorage } from './tokens.ts'

export interface ClientOptions {
  /** The server's address, such as `https://hive.example.com`; the page's own by default. */
  url?: string
  /** Where tokens lie; in memory by default, so that a reload signs out. `webStorage()` shares them among tabs and reloads. */
  storage?: TokenStorage
  fetch?: typeof fetch
  /** For Node before 22: `import WebSocket from 'ws'`. */
  webSocketImpl?: unknown
}

export interface Credentials {
  email: string
  password: string
  /** Of the authenticator app, or a recovery code; needed when `signIn` throws `SECOND_FACTOR_REQUIRED`. */
  code?: string
  /** What a passkey has signed, in place of the code: the JSON of a `PublicKeyCredential`. */
  credential?: unknown
}

export interface RequestOptions {
  signal?: AbortSignal
}

/** Variables may be left out where all of them may. */
export type VariablesOf<TVariables> = {} extends TVariables ? [variables?: TVariables] : [variables: TVariables]

export interface HiveClient {
  /** The server's address, without a slash at the end. */
  readonly url: string
  readonly session: Session
  /** The data of a query or mutation; throws `HiveError` when the answer has errors. A token that expired on the way is renewed once. */
  request<TData, TVariables>(
    document: Operation<TData, TVariables>,
    ...variables: VariablesOf<TVariables>
  ): Promise<TData>
  request<TData, TVariables>(
    document: Operation<TData, TVariables>,
    variables: TVariables,
    options: RequestOptions,
  ): Promise<TData>
  /** Fetches an address of the server, such as that of a snapshot, with the access token. Throws `HiveError` unless the answer is a success. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Results of a subscription, across renewals and breaks. */
  subscribe<TData, TVariables>(
    document: Operation<TData, TVariables>,
    variables: TVariables,
    sink: Sink<TData>,
    options?: SubscribeOptions<TData>,
  ): LiveSubscription
  /** Signs in with a password; throws what was refused. */
  signIn(credentials: Credentials): Promise<void>
  /** Leaves for the server's pages; `finishSignIn` is called on the page of the redirect URI. */
  startSignIn(options: OAuthOptions): Promise<void>
  /** Whether the page's address was the answer to `startSignIn`; then somebody is signed in, and the address is clean again. */
  finishSignIn(returned?: string): Promise<boolean>
  /** Drops the tokens at once, and asks the server to end the session. */
  signOut(): Promise<void>
  /** Ends all subscriptions and timers; tokens stay where they are. */
  dispose(): Promise<void>
}

const TOKENS = 'tokens { accessToken refreshToken expiresIn } errors { code message path }'
const SIGN_IN = `mutation SignIn($input: SessionCreateInput!) { session: sessionCreate(input: $input) { ${TOKENS} } }`
const RENEW = `mutation RenewSession($input: SessionRefreshInput!) { session: sessionRefresh(input: $input) { ${TOKENS} } }`
const SIGN_OUT = 'mutation SignOut { sessionRevoke(input: {}) { errors { code message path } } }'

/** What ends a session for good when its renewal is answered by it. */
const ENDING = new Set(['UNAUTHENTICATED', 'TOKEN_EXPIRED', 'FORBIDDEN', 'INVALID', 'BAD_USER_INPUT'])

interface SessionData {
  session: { tokens: GrantedTokens | null; errors: UserError[] } | null
}

export function createClient(options: ClientOptions = {}): HiveClient {
  const url = (options.url ?? globalThis.location?.origin ?? '').replace(/\/+$/, '')
  if (!url) throw new TypeError('`url` is the address of the server, such as https://hive.example.com')
  const fetcher = options.fetch ?? ((...given) => globalThis.fetch(...given))
  const http = { fetch: fetcher, url: `${url}/graphql` }

  const session = new Session(
    options.storage ?? memoryStorage(),
    async (tokens) => {
      if (tokens.clientId !== undefined) return refresh(url, fetcher, tokens)
      try {
        const variables = { input: { refreshToken: tokens.refreshToken } }
        const { session } = (await post(http, { query: RENEW, variables }, null)) as SessionData
        const granted = succeeded(session).tokens
        return granted && fromGranted(granted)
      } catch (error) {
        if (error instanceof HiveError && ENDING.has(error.code)) return null
        throw error
      }
    },
    `pantherahive ${url}`,
  )

  const socketUrl = http.url.replace(/^http/, 'ws')
  const live = new Live({ url: socketUrl, session, webSocketImpl: options.webSocketImpl })

  async function request(
    document: Operation<any, any>,
    variables?: unknown,
    { signal }: RequestOptions = {},
  ): Promise<any> {
    const body = { query: toText(document), variables: variables as object | undefined }
    const token = await session.accessToken()
    try {
      return await post(http, body, token, signal)
    } catch (error) {
      if (token === null || !(error instanceof HiveError) || error.code !== 'TOKEN_EXPIRED') throw error
      // Nothing of the operation was run: the token is looked at first.
      const renewed = await session.accessTokenAfter(token)
      if (renewed === null || renewed === token) throw error
      return await post(http, body, renewed, signal)
    }
  }

  async function fetchWith(token: string | null, path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    if (token !== null) headers.set('authorization', `Bearer ${token}`)
    let response: Response
    try {
      response = await fetcher(`${url}${path}`, { ...init, headers })
    } catch (cause) {
      throw new HiveError('NETWORK', 'The server was not reached.', { cause })
    }
    return response.ok ? response : await refuse(response)
  }

  return {
    url,
    session,
    request,
    async fetch(path, init = {}) {
      const token = await session.accessToken()
      try {
        return await fetchWith(token, path, init)
      } catch (error) {
        if (token === null || !(error instanceof HiveError) || error.code !== 'TOKEN_EXPIRED') throw error
        return await fetchWith(await session.accessTokenAfter(token), path, init)
      }
    },
    subscribe: (document, variables, sink, more) => live.subscribe(document, variables, sink, more),
    async signIn(credentials) {
      const data = (await post(http, { query: SIGN_IN, variables: { input: credentials } }, null)) as SessionData
      const { tokens } = succeeded(data.session)
      if (!tokens) throw new HiveError('INTERNAL', 'No tokens came.')
      session.set(fromGranted(tokens))
    },
    async startSignIn(oauth) {
      globalThis.location.assign(await authorizationUrl(url, oauth))
    },
    async finishSignIn(returned = globalThis.location.href) {
      const tokens = await redeem(url, returned, fetcher)
      if (!tokens) return false
      session.set(tokens)
      const clean = new URL(returned)
      for (const name of ['code', 'state', 'iss']) clean.searchParams.delete(name)
      globalThis.history?.replaceState(globalThis.history.state, '', clean)
      return true
    },
    async signOut() {
      const tokens = session.storage.read()
      session.set(null)
      if (!tokens) return
      try {
        if (tokens.clientId !== undefined) await revoke(url, fetcher, tokens)
        else await post(http, { query: SIGN_OUT }, tokens.accessToken)
      } catch {
        // Without the server the session ends when its refresh token expires.
      }
    },
    async dispose() {
      session.dispose()
      await live.dispose()
    },
  }
}
