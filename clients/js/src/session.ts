import { PullchatError } from './errors.js'
import type { TokenResponse } from './openapi.js'
import { Emitter, randomId } from './wait.js'

/** The tokens of a logged-in user. */
export interface Session {
  user: string
  access_token: string
  refresh_token: string
  /** When the access token ends, in milliseconds since 1970 by this machine's clock. */
  expires_at: number
  /** How long the access token lasts from its making, in milliseconds. */
  lasts: number
  /** The key of a refresh whose answer has not been seen; the same key gets the same answer. */
  refresh_key?: string
}

/** Where a session is kept. All tabs of a page share one. */
export interface SessionStore {
  load(): Session | undefined
  save(session: Session | undefined): void
}

/** Keeps the session in memory: it is gone with the program. */
export function memorySession(session?: Session): SessionStore {
  return { load: () => session, save: (next) => void (session = next) }
}

/** Keeps the session in `localStorage`, where it survives a reload. */
export function localSession(key = 'pullchat-session'): SessionStore {
  return {
    load: () => JSON.parse(localStorage.getItem(key) ?? 'null') ?? undefined,
    save: (session) => (session ? localStorage.setItem(key, JSON.stringify(session)) : localStorage.removeItem(key)),
  }
}

export function sessionOf(answer: TokenResponse): Session {
  return {
    user: answer.user, access_token: answer.access_token, refresh_token: answer.refresh_token,
    expires_at: Date.now() + answer.expires_in * 1000, lasts: answer.expires_in * 1000,
  }
}

/** The tokens that requests carry. */
export interface Tokens {
  /** The token for the next request. `rejected` is one that the server refused. */
  get(rejected?: string): Promise<string | undefined>
}

const early = 20_000 // milliseconds before its end at which a token is refreshed; at most a fifth of its life

type Exchange = (refreshToken: string, key: string) => Promise<TokenResponse>

/** The tokens of a session. Callers that need a refresh at the same time, in all tabs, share one. */
export class SessionTokens extends Emitter<{ changed: Session | undefined }> implements Tokens {
  #refreshing: Promise<Session> | undefined

  constructor(private readonly store: SessionStore, private readonly exchange: Exchange) {
    super()
  }

  get session(): Session | undefined {
    return this.store.load()
  }

  set(session: Session | undefined): void {
    this.store.save(session)
    this.emit('changed', session)
  }

  async get(rejected?: string): Promise<string | undefined> {
    const session = this.store.load()
    if (!session) return undefined
    const short = session.expires_at - Date.now() < Math.min(early, session.lasts / 5)
    if (session.access_token !== rejected && !short) return session.access_token
    try {
      return (await this.refresh(session)).access_token
    } catch (error) {
      // The server may still accept a token that this clock calls old.
      if (error instanceof PullchatError && error.temporary && session.access_token !== rejected) return session.access_token
      throw error
    }
  }

  /** Exchanges the refresh token, unless another caller has already replaced `old`. */
  refresh(old?: Session): Promise<Session> {
    this.#refreshing ??= exclusively('pullchat-refresh', () => this.#refresh(old)).finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  async #refresh(old?: Session): Promise<Session> {
    const session = this.store.load()
    if (!session) throw new PullchatError('unauthenticated', 'the session has ended; log in again')
    if (old && session.refresh_token !== old.refresh_token) return session // another tab was first
    const key = session.refresh_key ?? randomId()
    this.store.save({ ...session, refresh_key: key }) // before the request, so that a lost answer can be asked for again
    try {
      const next = sessionOf(await this.exchange(session.refresh_token, key))
      this.set(next)
      return next
    } catch (error) {
      if (error instanceof PullchatError && error.unauthenticated) this.set(undefined)
      throw error
    }
  }
}

/** Runs one at a time, in all tabs of the origin where the browser has Web Locks. */
async function exclusively<T>(name: string, run: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks
  if (!locks) return run()
  let result: T | undefined
  await locks.request(name, async () => void (result = await run()))
  return result as T
}
