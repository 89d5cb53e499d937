/// GraphQL requests over HTTP, and what a response says about the caller's token.
import type { ExecutionResult } from 'graphql'

export interface Request {
  query: string
  variables?: Record<string, unknown>
  operationName?: string | null
}

export type Answer = Pick<ExecutionResult, 'data' | 'errors' | 'extensions'>

/** An answer with what the browser's network panel would say about it. */
export interface Response {
  answer: Answer
  status: number
  bytes: number
  milliseconds: number
}

/** The request got no GraphQL answer at all; the message is for people. */
export class NoAnswer extends Error {}

export async function post(
  endpoint: string,
  request: Request,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const started = performance.now()
  let response: globalThis.Response
  let text: string
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'content-type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(request),
      signal,
    })
    text = await response.text()
  } catch (error) {
    if (signal?.aborted && !(signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'))
      throw error
    if (error instanceof TypeError && /header/i.test(error.message))
      throw new NoAnswer(`Request not sent. ${error.message}`)
    throw new NoAnswer('The server cannot be reached.')
  }
  const milliseconds = performance.now() - started
  const answer = parseAnswer(text)
  if (answer === null) {
    throw new NoAnswer(`The server answered ${response.status} ${response.statusText}`.trimEnd() + ', without JSON.')
  }
  return { answer, status: response.status, bytes: new TextEncoder().encode(text).length, milliseconds }
}

function parseAnswer(text: string): Answer | null {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? (body as Answer) : null
  } catch {
    return null
  }
}

const TOKEN_REFUSED = new Set<unknown>(['UNAUTHENTICATED', 'TOKEN_EXPIRED'])

/** Whether nothing was executed because the token is missing, expired or revoked. */
export function tokenRefused(answer: Answer): boolean {
  const nothing = Object.values(answer.data ?? {}).every((value) => value === null)
  return nothing && hasCode(answer, TOKEN_REFUSED)
}

export function hasCode(answer: Answer, codes: ReadonlySet<unknown>): boolean {
  return (answer.errors ?? []).some((error) => codes.has(error.extensions?.code))
}

/** The value of `Authorization` among headers that somebody typed. */
export function authorizationIn(headers: Record<string, string>): string | null {
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'authorization')
  return name === undefined ? null : (headers[name] ?? null)
}
