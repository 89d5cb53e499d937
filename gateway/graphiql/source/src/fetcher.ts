/// How GraphiQL reaches the graph: queries and mutations over HTTP, subscriptions over a websocket, as whoever is signed in.
import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit'
import { getOperationAST, parse, type OperationDefinitionNode } from 'graphql'
import { createClient, type Client, type SubscribePayload } from 'graphql-ws'
import { post, tokenRefused, Unanswered, type Answer, type Request } from './http'
import type { Session } from './session'

export type LiveState = 'closed' | 'connecting' | 'open'

/** The state of the one subscription that GraphiQL runs at a time. */
export class Live {
  state: LiveState = 'closed'
  #listeners = new Set<() => void>()

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(state: LiveState): void {
    this.state = state
    for (const listener of this.#listeners) listener()
  }
}

/** Close codes by which a server says that the token is missing, ended or withdrawn. */
const TOKEN_REFUSED = new Set([4401, 4403])

/** A connection that lived this long (milliseconds) was not refused at the door: its token has ended since. */
const ADMITTED = 5000

export function createFetcher(session: Session, subscriptionEndpoint: string, live: Live): Fetcher {
  return (params, options) => {
    const operation = operationOf(params)
    const request = { ...params, operationName: operation ? operation.name?.value : params.operationName }
    const typed = typedAuthorization(options)
    return operation?.operation === 'subscription'
      ? { subscribe: (sink) => subscribe(session, subscriptionEndpoint, live, request, typed, sink as Sink) }
      : ask(session, request, options?.headers ?? {}, typed)
  }
}

async function ask(
  session: Session,
  request: Request,
  headers: Record<string, string>,
  typed: string | null,
): Promise<Answer> {
  const as = (authorization: string | null) =>
    post(session.endpoint, request, authorization && !typed ? { ...headers, authorization } : headers)

  const authorization = typed ? null : await session.authorization()
  const answer = await as(authorization)
  if (authorization && tokenRefused(answer) && (await session.renewAfter(authorization))) {
    return as(await session.authorization())
  }
  return answer
}

/** What GraphiQL subscribes with. */
interface Sink {
  next: (answer: Answer) => void
  error: (error: unknown) => void
  complete: () => void
}

/**
 * Events of a subscription. When the connection is lost or the token ends, it is started again with a new one, after the
 * last change that was seen where the operation has `$after`.
 */
function subscribe(
  session: Session,
  endpoint: string,
  live: Live,
  request: Request,
  typed: string | null,
  sink: Sink,
): { unsubscribe: () => unknown } {
  const url = new URL(endpoint, location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  const payload = {
    query: request.query,
    variables: { ...(request.variables as Record<string, unknown> | undefined) },
    operationName: request.operationName ?? undefined,
  }
  let client: Client | null = null
  let stopped = false
  const tell = (state: LiveState) => stopped || live.tell(state)

  async function follow(): Promise<void> {
    let refusals = 0
    for (;;) {
      const authorization = typed ?? (await session.authorization())
      if (stopped) return
      const since = performance.now()
      client = connect(url.href, authorization, tell)
      const refusal = await listen(client, payload, (answer) => {
        // The client sends the same payload again when it connects again.
        if ('after' in payload.variables) payload.variables.after = cursorOf(answer) ?? payload.variables.after
        if (!stopped) sink.next(answer)
      }).finally(() => client?.dispose())
      if (!refusal || stopped) return
      refusals = performance.now() - since < ADMITTED ? refusals + 1 : 1
      const mayRenew = typed === null && authorization !== null && refusals === 1
      if (!mayRenew || !(await session.renewAfter(authorization))) throw refusal.error
    }
  }

  function stop(): boolean {
    if (stopped) return false
    tell('closed')
    stopped = true
    void client?.dispose()
    return true
  }

  follow().then(
    () => stop() && sink.complete(),
    (error: unknown) => stop() && sink.error(readable(error)),
  )
  return { unsubscribe: stop }
}

/** Resolves when the subscription ends, with the reason when that was the token. */
function listen(
  client: Client,
  payload: SubscribePayload,
  next: (answer: Answer) => void,
): Promise<{ error: unknown } | null> {
  return new Promise((resolve, reject) => {
    client.subscribe(payload, {
      next(event) {
        const answer = event as Answer
        if (tokenRefused(answer)) resolve({ error: answer.errors })
        else next(answer)
      },
      error(error) {
        if (isTokenRefusal(error)) resolve({ error })
        else reject(error)
      },
      complete: () => resolve(null),
    })
  })
}

function connect(url: string, authorization: string | null, tell: (state: LiveState) => void): Client {
  return createClient({
    url,
    lazy: true,
    keepAlive: 15_000,
    retryAttempts: 5,
    connectionParams: authorization ? { authorization } : undefined,
    shouldRetry: (problem) => problem instanceof CloseEvent && !TOKEN_REFUSED.has(problem.code),
    on: {
      connecting: () => tell('connecting'),
      connected: () => tell('open'),
      closed: () => tell('connecting'), // Told only while it is being tried again.
    },
  })
}

function cursorOf(answer: Answer): string | null {
  for (const change of Object.values(answer.data ?? {})) {
    const cursor = (change as { cursor?: unknown } | null)?.cursor
    if (typeof cursor === 'string') return cursor
  }
  return null
}

/** The operation that is meant: just after a change of tabs GraphiQL still names that of the tab before. */
function operationOf({ query, operationName }: FetcherParams): OperationDefinitionNode | null {
  try {
    const document = parse(query)
    return getOperationAST(document, operationName) ?? getOperationAST(document) ?? null
  } catch {
    return null // The server words the mistake.
  }
}

function typedAuthorization(options: FetcherOpts | undefined): string | null {
  for (const [name, value] of Object.entries(options?.headers ?? {})) {
    if (name.toLowerCase() === 'authorization') return String(value)
  }
  return null
}

function isTokenRefusal(error: unknown): boolean {
  if (error instanceof CloseEvent) return TOKEN_REFUSED.has(error.code)
  return Array.isArray(error) && tokenRefused({ errors: error })
}

function readable(error: unknown): unknown {
  if (error instanceof CloseEvent) {
    const reason = error.reason || 'no reason given'
    return new Unanswered(`The server closed the connection: ${error.code}, ${reason}.`)
  }
  if (error instanceof Event) return new Unanswered('The websocket cannot be opened.')
  return error
}
