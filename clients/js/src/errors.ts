import type { Error as ErrorBody } from './openapi.js'

/** The codes of the server, and two of the client: `network` (no answer) and `aborted` (the caller gave up). */
export type Code = ErrorBody['code'] | 'network' | 'aborted'

/** An error of the server, or of the way to it. */
export class PullchatError extends Error {
  override readonly name = 'PullchatError'
  readonly code: Code
  /** The HTTP status, or 0 without an answer. */
  readonly status: number
  /** Seconds to wait, where the server names them. */
  readonly retryAfter: number
  /** The request's id in the server's log. */
  readonly requestId: string

  constructor(code: Code, message: string, about: { status?: number; retryAfter?: number; requestId?: string; cause?: unknown } = {}) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause })
    this.code = code
    this.status = about.status ?? 0
    this.retryAfter = about.retryAfter ?? 0
    this.requestId = about.requestId ?? ''
  }

  /** Whether the same request may succeed later. */
  get temporary(): boolean {
    return ['network', 'resource_exhausted', 'internal', 'unavailable', 'deadline_exceeded'].includes(this.code)
  }

  /** Whether the token is missing or no longer good. */
  get unauthenticated(): boolean {
    return ['unauthenticated', 'token_invalid', 'token_expired'].includes(this.code)
  }
}

/** Reads the error of an answer. An answer of something in between, such as a proxy, has no error shape. */
export async function errorOf(response: Response): Promise<PullchatError> {
  const about = {
    status: response.status,
    retryAfter: Number(response.headers.get('Retry-After')) || 0,
    requestId: response.headers.get('X-Request-Id') ?? '',
  }
  const body = (await response.json().catch(() => undefined)) as Partial<ErrorBody> | undefined
  if (typeof body?.code === 'string') return new PullchatError(body.code, body.message ?? body.code, about)
  return new PullchatError(codeOfStatus(response.status), `the server answered ${response.status}`, about)
}

function codeOfStatus(status: number): Code {
  const codes: Record<number, Code> = {
    401: 'unauthenticated', 403: 'permission_denied', 404: 'not_found', 409: 'conflict', 413: 'too_large', 429: 'resource_exhausted',
    500: 'internal', 504: 'deadline_exceeded',
  }
  return codes[status] ?? (status >= 500 ? 'unavailable' : 'invalid_argument')
}

/** Converts the errors of fetch. */
export function networkError(cause: unknown, signal?: AbortSignal | null): PullchatError {
  if (cause instanceof PullchatError) return cause
  if (signal?.aborted && signal.reason?.name === 'TimeoutError') return new PullchatError('network', 'the server did not answer in time', { cause })
  if (signal?.aborted) return new PullchatError('aborted', 'the request was aborted', { cause })
  return new PullchatError('network', 'the server cannot be reached', { cause })
}
