import { PullchatError } from './errors.js'
import type { ChatPage, Message, PresenceResponse } from './openapi.js'
import { Backoff, Emitter, pause } from './wait.js'

/** `connecting` at first, `live` while messages come as they are stored, `offline` between attempts, `ended` for good. */
export type State = 'connecting' | 'live' | 'offline' | 'ended'

export interface Status {
  state: State
  /** Why it is offline or ended. */
  reason?: PullchatError
}

/** The next position of each chat, from which to continue. */
export type Cursors = Record<string, number>

export interface Signal {
  chat: string
  sender: string
  type: string
  data?: string
}

export interface ReadEvent {
  chat: string
  reader: string
  cursor: number
}

export interface FollowEvents {
  /** Messages of one chat, in order, none twice. */
  page: ChatPage
  message: Message
  signal: Signal
  presence: PresenceResponse
  read: ReadEvent
  /** A user of a two-person chat has received every message before the cursor. */
  delivered: ReadEvent
  /** A room was deleted, and sends nothing more. */
  deleted: { chat: string }
  status: Status
}

export interface FollowOptions {
  /** Where to continue; from `cursors` of an earlier subscription. */
  cursors?: Cursors
  /** Where other chats begin: a position, 0 for their first message. An inbox begins at the user's read cursors. */
  cursor?: number
  /** The name under which the user counts as present, such as `alice` or `alice/phone`. */
  reader?: string
  /** Whether `presence` events come; the default is true with a reader. */
  presence?: boolean
  transport?: Transport
  signal?: AbortSignal
}

export type Transport = 'auto' | 'sse' | 'ws' | 'poll'

/** The chats of a connection, and the callbacks for its events. */
export interface Wanted {
  chats: readonly string[]
  inbox: boolean
  cursor: number | undefined
  reader: string | undefined
  presence: boolean | undefined
}

export interface Sink {
  readonly wanted: Wanted
  readonly cursors: Cursors
  readonly signal: AbortSignal
  live(): void
  page(page: ChatPage): Promise<void>
  event<K extends 'signal' | 'presence' | 'read' | 'delivered' | 'deleted'>(name: K, event: FollowEvents[K]): void
}

/** A connection: it returns when it ends and may be opened again, and throws where it failed. */
export type Connect = (sink: Sink) => Promise<void>

const ahead = 1000 // messages that may wait for a slow consumer before the connection is not read any more

/**
 * Messages of chats, over one connection after another. Iterate it, or listen with `on`. Messages come once and in order;
 * `cursors` is past the last one that was handed over. Without a listener for `page` or `message` they wait for the iteration.
 */
export class Subscription extends Emitter<FollowEvents> implements AsyncIterable<Message> {
  #status: Status = { state: 'connecting' }
  #stop = new AbortController()
  #queue: Message[] = []
  #wake: (() => void) | undefined
  #room: (() => void) | undefined
  #cursors: Cursors
  #received: Cursors
  readonly #wanted: Wanted

  constructor(connect: Connect, wanted: Wanted, options: FollowOptions) {
    super()
    this.#wanted = wanted
    this.#cursors = { ...options.cursors }
    this.#received = { ...options.cursors }
    options.signal?.addEventListener('abort', () => this.close())
    // In the next turn, when the caller has added its listeners.
    queueMicrotask(() => void this.#run(connect))
    if (options.signal?.aborted) this.close()
  }

  get status(): Status {
    return this.#status
  }

  get state(): State {
    return this.#status.state
  }

  /** The position of each chat behind the last message that was handed over. Keep it, and pass it as `cursors` to continue. */
  get cursors(): Cursors {
    return { ...this.#cursors }
  }

  close(): void {
    this.#stop.abort()
    this.#set({ state: 'ended' })
  }

  /** Ends after `close`, and throws the reason where the server ended it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    try {
      for (;;) {
        const next = this.#queue.shift()
        if (next) {
          if (this.#queue.length < ahead) this.#room?.()
          this.#cursors[next.chat] = next.send_time + 1
          yield next
        } else if (this.state === 'ended') {
          if (this.#status.reason) throw this.#status.reason
          return
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve))
        }
      }
    } finally {
      this.close()
    }
  }

  #set(status: Status): void {
    if (this.#status.state === 'ended') return
    const same = this.#status.state === status.state && this.#status.reason?.message === status.reason?.message
    this.#status = status
    if (!same) this.emit('status', status)
    if (status.state === 'ended') {
      this.#wake?.()
      this.#room?.()
    }
  }

  async #run(connect: Connect): Promise<void> {
    const backoff = new Backoff()
    const sink: Sink = {
      wanted: this.#wanted, cursors: this.#received, signal: this.#stop.signal,
      live: () => {
        backoff.reset()
        this.#set({ state: 'live' })
      },
      page: (page) => this.#page(page),
      event: (name, event) => {
        if (!this.#stop.signal.aborted) this.emit(name, event)
      },
    }
    while (!this.#stop.signal.aborted) {
      let retryAfter = 0
      try {
        await connect(sink)
        this.#set({ state: 'connecting' }) // the server stops, or a proxy ended the answer
      } catch (error) {
        if (this.#stop.signal.aborted) return
        const reason = error instanceof PullchatError ? error : new PullchatError('internal', String(error), { cause: error })
        if (!reason.temporary && reason.code !== 'token_expired') {
          this.#set({ state: 'ended', reason })
          this.#stop.abort()
          return
        }
        if (reason.temporary) this.#set({ state: 'offline', reason })
        retryAfter = reason.retryAfter
      }
      await pause(backoff.next(retryAfter), this.#stop.signal)
    }
  }

  /** Hands a page over, without messages that have come before. */
  async #page(page: ChatPage): Promise<void> {
    const from = this.#received[page.chat] ?? 0
    const messages = page.messages.filter((m) => m.send_time >= from)
    // Deleted and inserted again: the chats that moved last are the last ones.
    delete this.#received[page.chat]
    this.#received[page.chat] = Math.max(from, page.next_cursor)
    if (messages.length > 0 && !this.#stop.signal.aborted) {
      this.emit('page', { ...page, messages })
      for (const message of messages) this.emit('message', message)
    }
    if (this.heard('page') || this.heard('message')) {
      this.#cursors[page.chat] = this.#received[page.chat]!
      return
    }
    this.#queue.push(...messages)
    this.#wake?.()
    while (this.#queue.length >= ahead && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => (this.#room = resolve))
    }
  }
}
