import { signal, type Signal } from '@preact/signals'
import { Pullchat, PullchatError } from 'pullchat'

const kept = 'pullchat-admin-token' // of this tab

/** The API with the token of a service, once there is one that the server accepts. */
export const service = signal<Pullchat | undefined>(undefined)
/** Why the last action failed. */
export const failure = signal('')
/** Why the last read failed. Reads go on in the background, and say nothing of actions. */
export const unread = signal('')

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
  failure.value = unread.value = ''
  service.value = undefined
}

/** Runs an action, and shows why it failed. It answers whether it succeeded. */
export const attempt = (run: () => Promise<unknown>) => tell(failure, run)

/** Runs a read, and shows why it failed until a read succeeds. It answers whether it succeeded. */
export const attemptRead = (run: () => Promise<unknown>) => tell(unread, run)

async function tell(why: Signal<string>, run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run()
    why.value = ''
    return true
  } catch (error) {
    const of = error instanceof PullchatError ? error : undefined
    if (of?.unauthenticated) {
      leave()
      why = failure // the login shows it
    }
    why.value = of?.message ?? String(error)
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
