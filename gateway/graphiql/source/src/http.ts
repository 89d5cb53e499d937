/// One GraphQL request over HTTP, and what its answer says about the caller's token.
import type { ExecutionResult } from 'graphql'

export interface Request {
  query: string
  variables?: unknown
  operationName?: string | null
}

export type Answer = Pick<ExecutionResult, 'data' | 'errors' | 'extensions'>

/** The request got no GraphQL answer at all; the message is for people. */
export class Unanswered extends Error {
  constructor(message: string) {
    super(message)
    delete this.stack // GraphiQL would show it.
  }
}

export async function post(endpoint: string, request: Request, headers: Record<string, string> = {}): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'content-type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(request),
    })
  } catch {
    throw new Unanswered('The server cannot be reached.')
  }
  const body: unknown = await response.json().catch(() => null)
  if (typeof body !== 'object' || body === null) {
    throw new Unanswered(`The server answered ${response.status} ${response.statusText}`.trimEnd() + ', without JSON.')
  }
  return body as Answer
}

const TOKEN_REFUSED = new Set<unknown>(['UNAUTHENTICATED', 'TOKEN_EXPIRED'])

/** Whether nothing was executed because the token is missing, ended or withdrawn. */
export function tokenRefused(answer: Answer): boolean {
  const nothing = Object.values(answer.data ?? {}).every((value) => value === null)
  return nothing && (answer.errors ?? []).some((error) => TOKEN_REFUSED.has(error.extensions?.code))
}
