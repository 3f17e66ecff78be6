import { errorOf, networkError, PullchatError } from './errors.js'
import type { Tokens } from './session.js'
import { Backoff, pause } from './wait.js'

export type Query = Record<string, string | number | boolean | readonly string[] | undefined>

export interface Call {
  query?: Query
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Attempts after temporary errors; the default is 4. A call that must not be repeated has 1. */
  attempts?: number
  /** No token is sent. */
  anonymous?: boolean
}

/** Requests with a token, repeated where that is safe. */
export class Http {
  readonly base: string

  constructor(url: string, private readonly fetcher: typeof fetch, private readonly tokens: Tokens | undefined) {
    this.base = url.replace(/\/+$/, '')
  }

  token(rejected?: string): Promise<string | undefined> {
    return this.tokens?.get(rejected) ?? Promise.resolve(undefined)
  }

  url(path: string, query: Query = {}): string {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) parameters.append(name, String(one))
    }
    const text = parameters.toString()
    return this.base + path + (text && '?' + text)
  }

  /** Answers the body of a success, or throws a PullchatError. */
  async json<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const response = await this.call(method, path, call)
    try {
      return (await response.json()) as T
    } catch (error) {
      throw networkError(error, call.signal)
    }
  }

  async call(method: string, path: string, call: Call = {}): Promise<Response> {
    const backoff = new Backoff()
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(method, path, call)
      } catch (error) {
        if (!(error instanceof PullchatError) || !error.temporary || attempt >= (call.attempts ?? 4)) throw error
        await pause(backoff.next(error.retryAfter), call.signal)
      }
    }
  }

  /** One request, and a second one with a fresh token if the first token was refused. */
  async once(method: string, path: string, call: Call = {}): Promise<Response> {
    const token = call.anonymous ? undefined : await this.token()
    try {
      return await this.#request(method, path, call, token)
    } catch (error) {
      if (!(error instanceof PullchatError) || !error.unauthenticated || token === undefined) throw error
      const next = await this.token(token)
      if (next === undefined || next === token) throw error
      return this.#request(method, path, call, next)
    }
  }

  async #request(method: string, path: string, call: Call, token: string | undefined): Promise<Response> {
    const headers: Record<string, string> = { ...call.headers }
    if (token !== undefined) headers['Authorization'] = 'Bearer ' + token
    if (call.body !== undefined) headers['Content-Type'] = 'application/json'
    let response: Response
    try {
      const fetcher = this.fetcher // a browser's fetch wants no other `this`
      response = await fetcher(this.url(path, call.query), {
        method, headers, body: call.body === undefined ? undefined : JSON.stringify(call.body), signal: call.signal ?? null,
        cache: 'no-store', credentials: 'omit',
      })
    } catch (error) {
      throw networkError(error, call.signal)
    }
    if (!response.ok) throw await errorOf(response)
    return response
  }
}
