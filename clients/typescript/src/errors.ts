/** Errors of operations: each has the code that the server gave, or one of `NETWORK` and `SIGNED_OUT`. */

export interface ServerError {
  message: string
  path?: readonly (string | number)[] | undefined
  extensions?: { code?: string; [key: string]: unknown } | undefined
}

/** An expected failure, as mutations return it in `errors` of their payload. */
export interface UserError {
  code: string
  message: string
  path?: readonly string[] | null | undefined
}

export class HiveError extends Error {
  override readonly name = 'HiveError'

  constructor(
    /** A code of the server, `NETWORK` when it was not reached, `SIGNED_OUT` when the session has ended. */
    readonly code: string,
    message: string,
    readonly details: {
      /** All errors of the answer. */
      errors?: readonly ServerError[]
      /** What the answer holds in spite of its errors. */
      data?: unknown
      /** Seconds to wait before trying again, where the server said so. */
      retryAfter?: number
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: details.cause })
  }

  /** Whether the same may succeed a little later: the server was not reached, is busy or starts. */
  get isTemporary(): boolean {
    return TEMPORARY.has(this.code)
  }
}

const TEMPORARY = new Set([
  'NETWORK',
  'RATE_LIMITED',
  'OVERLOADED',
  'SERVICE_UNAVAILABLE',
  'STORAGE_UNAVAILABLE',
  'TIMEOUT',
  'INTERNAL',
])

/** The error that stands for `errors` of an answer. */
export function fromErrors(errors: readonly ServerError[], data?: unknown, retryAfter?: number): HiveError {
  const [first] = errors
  const wait = retryAfter ?? (first?.extensions?.['retryAfter'] as number | undefined)
  return new HiveError(first?.extensions?.code ?? 'INTERNAL', first?.message ?? 'The server gave no reason.', {
    errors,
    data,
    ...(typeof wait === 'number' ? { retryAfter: wait } : {}),
  })
}

/** A mutation's payload if it succeeded; throws its first error otherwise. */
export function succeeded<TPayload extends { errors: readonly UserError[] }>(
  payload: TPayload | null | undefined,
): TPayload {
  const [first] = payload?.errors ?? []
  if (first) throw new HiveError(first.code, first.message, { data: payload })
  if (!payload) throw new HiveError('INTERNAL', 'The mutation has no payload.')
  return payload
}
