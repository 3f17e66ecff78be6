import { signal } from '@preact/signals'
import { Pullchat, PullchatError } from 'pullchat'

const kept = 'pullchat-admin-token' // of this tab

/** The API with the token of a service, once there is one that the server accepts. */
export const service = signal<Pullchat | undefined>(undefined)
/** Why the last request failed. */
export const failure = signal('')

export async function enter(token: string): Promise<void> {
  const client = new Pullchat(new URL('.', document.baseURI).href, { token })
  await attempt(async () => {
    await client.http.json('GET', '/api/admin/suspensions', { query: { limit: 1 }, attempts: 1 })
    sessionStorage.setItem(kept, token)
    service.value = client
  })
}

export function leave(): void {
  sessionStorage.removeItem(kept)
  failure.value = ''
  service.value = undefined
}

/** Runs a request, and shows why it failed. It answers whether it succeeded. */
export async function attempt(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run()
    failure.value = ''
    return true
  } catch (error) {
    const of = error instanceof PullchatError ? error : undefined
    if (of?.unauthenticated) leave()
    failure.value = of?.message ?? String(error)
    return false
  }
}

export const get = <T>(path: string, query: Record<string, string | number | undefined> = {}) => service.peek()!.http.json<T>('GET', path, { query })

export const act = (method: string, path: string, body?: unknown, query?: Record<string, string>) =>
  attempt(() => service.peek()!.http.json(method, path, { body, query, attempts: 1 }))

/** A part of a path. */
export const part = encodeURIComponent

const token = sessionStorage.getItem(kept)
if (token) void enter(token)
