/** Sends one operation by HTTP, and says in one kind of error what went wrong. */
import { fromErrors, HiveError, type ServerError } from './errors.ts'

export interface HttpOptions {
  fetch: typeof fetch
  /** The address of `/graphql`. */
  url: string
}

export interface Answer {
  data?: unknown
  errors?: readonly ServerError[]
}

/** The data of an answer without errors. `token` null stands for nobody. */
export async function post(
  { fetch, url }: HttpOptions,
  body: { query: string; variables?: object | undefined },
  token: string | null,
  signal?: AbortSignal,
): Promise<unknown> {
  let response: Response
  let answer: Answer
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    })
    const text = await response.text()
    answer = parse(text, response)
  } catch (cause) {
    if (cause instanceof HiveError || signal?.aborted) throw cause
    throw new HiveError('NETWORK', 'The server was not reached.', { cause })
  }
  if (answer.errors?.length) throw fromErrors(answer.errors, answer.data, retryAfter(response))
  return answer.data
}

/** Throws what an answer that is no success says. */
export async function refuse(response: Response): Promise<never> {
  const { errors = [] } = parse(await response.text(), response)
  throw fromErrors(errors, undefined, retryAfter(response))
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds : undefined
}

function parse(text: string, response: Response): Answer {
  try {
    const answer = JSON.parse(text) as Answer | null
    if (answer && typeof answer === 'object' && ('data' in answer || 'errors' in answer)) return answer
  } catch {
    // Whatever stands between us and the server answered, such as a proxy's page.
  }
  const code = response.status >= 500 || response.status === 429 ? 'SERVICE_UNAVAILABLE' : 'INTERNAL'
  throw new HiveError(code, `The answer (${response.status}) is none of GraphQL.`)
}
