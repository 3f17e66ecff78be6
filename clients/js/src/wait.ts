/** Waits, or until the signal aborts. It never rejects. */
export function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal?.addEventListener('abort', done)
  })
}

/** A wait that doubles with each failure, up to a limit, with a random part so that clients do not return together. */
export class Backoff {
  #failures = 0
  constructor(private readonly first = 250, private readonly most = 15_000) {}

  /** Milliseconds until the next attempt; at least those that the server asks for. */
  next(retryAfter = 0): number {
    const wait = Math.min(this.first * 2 ** this.#failures++, this.most)
    return Math.max(wait / 2 + (Math.random() * wait) / 2, retryAfter * 1000)
  }

  reset(): void {
    this.#failures = 0
  }
}

/** Waits for the next attempt. It ends early when the browser reports that it is online again. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const early = new AbortController()
  const wake = () => early.abort()
  signal?.addEventListener('abort', wake)
  globalThis.addEventListener?.('online', wake)
  try {
    if (!signal?.aborted) await delay(milliseconds, early.signal)
  } finally {
    signal?.removeEventListener('abort', wake)
    globalThis.removeEventListener?.('online', wake)
  }
}

/** An unguessable id of 22 characters. `crypto.randomUUID` exists on secure origins only. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (c) => ({ '+': '-', '/': '_' })[c] ?? '')
}

/** A tiny emitter: `on` returns the function that ends it. */
export class Emitter<Events> {
  #handlers = new Map<keyof Events, Set<(event: never) => void>>()

  on<K extends keyof Events>(name: K, handler: (event: Events[K]) => void): () => void {
    const handlers = this.#handlers.get(name) ?? new Set()
    this.#handlers.set(name, handlers)
    handlers.add(handler as (event: never) => void)
    return () => void handlers.delete(handler as (event: never) => void)
  }

  protected heard(name: keyof Events): boolean {
    return (this.#handlers.get(name)?.size ?? 0) > 0
  }

  protected emit<K extends keyof Events>(name: K, event: Events[K]): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) (handler as (event: Events[K]) => void)(event)
  }
}
