import { answered, changed, EarlyChanges, isChange } from './changes.js'
import type { Pullchat } from './client.js'
import { PullchatError } from './errors.js'
import type { Status, Subscription } from './follow.js'
import type { InboxEntry, Message, PresenceResponse } from './openapi.js'
import type { Outgoing } from './outbox.js'
import { Backoff, pause } from './wait.js'

/** A state that changes: it is kept up to date while it has listeners. Each change makes a new object. */
export abstract class Store<State> {
  #state: State
  #listeners = new Set<() => void>()
  #running: AbortController | undefined

  constructor(initial: State) {
    this.#state = initial
  }

  get state(): State {
    return this.#state
  }

  /** Calls `listener` after each change. It answers the function that ends it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (!this.#running) void this.run((this.#running = new AbortController()).signal)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#running?.abort()
      this.#running = undefined
    }
  }

  readonly snapshot = (): State => this.#state

  protected set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of [...this.#listeners]) listener()
  }

  protected abstract run(signal: AbortSignal): Promise<void>
}

interface Followed {
  status: Status
}

/** Repeats `load` until it succeeds or fails for good; undefined then, and when the signal aborts. */
async function loaded<T>(load: () => Promise<T>, signal: AbortSignal, tell: (status: Status) => void): Promise<T | undefined> {
  for (const backoff = new Backoff(); !signal.aborted; ) {
    try {
      return await load()
    } catch (error) {
      if (signal.aborted) return undefined
      const reason = error instanceof PullchatError ? error : new PullchatError('internal', String(error), { cause: error })
      tell({ state: reason.temporary ? 'offline' : 'ended', reason })
      if (!reason.temporary) return undefined
      await pause(backoff.next(reason.retryAfter), signal)
    }
  }
  return undefined
}

export interface ChatState extends Followed {
  /** The loaded messages, the oldest first: a part of the log without gaps up to its end. */
  messages: readonly Message[]
  /** The user's messages that are on their way, or have failed. */
  outgoing: readonly Outgoing[]
  loaded: boolean
  /** There are older messages than those that are loaded. */
  hasOlder: boolean
}

/** The messages of a chat, and those that are being sent there. */
export class ChatStore extends Store<ChatState> {
  #before = 0
  #end = 0 // the position of the last entry, be it a message or a change
  #changes = new EarlyChanges()

  constructor(private readonly client: Pullchat, readonly chat: string, private readonly limit = 50) {
    super({ messages: [], outgoing: [], loaded: false, hasOlder: false, status: { state: 'connecting' } })
  }

  protected async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', this.client.outbox.on('change', (message) => this.#track(message)))
    if (!this.state.loaded) {
      const page = await loaded(() => this.#page(0, signal), signal, (status) => this.set({ status }))
      if (!page || signal.aborted) return
    }
    const following = this.client.follow(this.chat, { cursors: { [this.chat]: this.#end && this.#end + 1 }, signal })
    following.on('page', ({ messages }) => this.#append(messages))
    following.on('status', (status) => !signal.aborted && this.set({ status }))
  }

  /** Loads the messages before those that are loaded. */
  readonly loadOlder = async (): Promise<void> => {
    if (this.state.hasOlder) await this.#page(this.#before)
  }

  /** Sends a message. It is among `outgoing` at once, and among `messages` when it is stored. */
  readonly send = (text: string): Promise<Outgoing> => this.client.send({ chat: this.chat, text })

  /** Tries a failed message again. */
  readonly retry = (message: Outgoing): Promise<Outgoing> => this.client.outbox.retry(message)

  /** Forgets a failed message. */
  readonly discard = async (message: Outgoing): Promise<void> => {
    await this.client.outbox.discard(message)
    this.set({ outgoing: this.state.outgoing.filter(({ id }) => id !== message.id) })
  }

  async #page(cursor: number, signal?: AbortSignal): Promise<boolean> {
    const page = await this.client.pull({ chat: this.chat, cursor, limit: this.limit, reverse: true }, signal)
    const first = this.state.messages[0]?.send_time ?? Infinity
    const entries = page.messages.reverse()
    const older = this.#changes.messagesOf(entries.filter((m) => m.send_time < first), this.client.user)
    if (!this.state.loaded) this.#end = entries.at(-1)?.send_time ?? 0
    this.#before = page.next_cursor
    this.set({ messages: [...older, ...this.state.messages], outgoing: without(this.state.outgoing, older), loaded: true, hasOlder: page.next_cursor !== 0 })
    return true
  }

  #append(page: readonly Message[]): void {
    const entries = page.filter((m) => m.send_time > this.#end)
    if (entries.length === 0) return
    this.#end = entries.at(-1)!.send_time
    let messages = [...this.state.messages]
    for (const entry of entries) {
      if (!isChange(entry)) messages = [...(entry.reply_to ? messages.map((m) => answered(m, entry)) : messages), entry]
      else if ((entry.ref ?? 0) < (messages[0]?.send_time ?? Infinity)) this.#changes.add(entry)
      else messages = messages.map((m) => changed(m, entry, this.client.user))
    }
    this.set({ messages, outgoing: without(this.state.outgoing, entries) })
  }

  #track(message: Outgoing): void {
    if (message.chat !== this.chat) return
    const { outgoing, messages } = this.state
    const others = outgoing.filter(({ id }) => id !== message.id)
    const stored = message.state === 'sent' && messages.some((m) => m.send_time === message.send_time)
    const at = outgoing.findIndex(({ id }) => id === message.id)
    this.set({ outgoing: stored ? others : at < 0 ? [...outgoing, message] : outgoing.with(at, message) })
  }
}

const without = (outgoing: readonly Outgoing[], stored: readonly Message[]) => outgoing.filter((o) => !stored.some((m) => m.id === o.id && m.sender === o.sender))

export interface InboxState extends Followed {
  /** The user's chats, the one that moved last first. */
  chats: readonly InboxEntry[]
  loaded: boolean
}

/** The chats of the user with their last messages and unread counts. */
export class InboxStore extends Store<InboxState> {
  constructor(private readonly client: Pullchat) {
    super({ chats: [], loaded: false, status: { state: 'connecting' } })
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const chats = await loaded(() => this.#list(), signal, (status) => this.set({ status }))
    if (!chats || signal.aborted) return
    this.set({ chats, loaded: true })
    const cursors = Object.fromEntries([...chats].reverse().map((c) => [c.chat, c.last_message ? c.last_message.send_time + 1 : c.cursor]))
    const following = this.client.followInbox({ cursors, cursor: Math.max(0, ...Object.values(cursors)), presence: false, signal })
    this.#listen(following, signal)
  }

  #listen(following: Subscription, signal: AbortSignal): void {
    let away = false
    following.on('status', (status) => {
      if (signal.aborted) return
      this.set({ status })
      if (status.state === 'live' && away) void this.#again() // messages read or chats left meanwhile
      away = status.state === 'offline'
    })
    following.on('page', ({ chat, name, users, messages }) => {
      const before = this.state.chats.find((c) => c.chat === chat)
      const news = messages.filter((m) => m.send_time > (before?.last_message?.send_time ?? 0))
      if (news.some((m) => m.type === 'notice' && (m.event === 'left' || m.event === 'removed' || m.event === 'banned') && m.users?.includes(this.client.user!))) return this.#remove(chat)
      const others = news.filter((m) => m.sender !== this.client.user && m.type !== 'notice')
      const unread = Math.min(100, (before?.unread ?? 0) + others.length)
      const mentions = Math.min(unread, (before?.mentions ?? 0) + others.filter((m) => m.mentions?.includes(this.client.user ?? '')).length)
      const renamed = news.findLast((m) => (m.event === 'created' || m.event === 'renamed') && m.name !== undefined)?.name
      const entry: InboxEntry = {
        ...before, chat, cursor: before?.cursor ?? 0, name: renamed ?? name ?? before?.name, users: users ?? before?.users, unread, mentions,
        last_message: news.at(-1) ?? before?.last_message,
      }
      this.set({ chats: [entry, ...this.state.chats.filter((c) => c.chat !== chat)] })
    })
    following.on('read', ({ reader }) => {
      if (reader.split('/')[0] === this.client.user) void this.#again()
    })
    following.on('deleted', ({ chat }) => this.#remove(chat))
  }

  #remove(chat: string): void {
    this.set({ chats: this.state.chats.filter((c) => c.chat !== chat) })
  }

  /** Reads the list again. Messages that arrived meanwhile stay. */
  async #again(): Promise<void> {
    const listed = await this.#list().catch(() => undefined)
    if (!listed) return
    const now = new Map(this.state.chats.map((c) => [c.chat, c]))
    const last = (c?: InboxEntry) => c?.last_message?.send_time ?? 0
    this.set({ chats: listed.map((c) => (last(now.get(c.chat)) > last(c) ? now.get(c.chat)! : c)).sort((a, b) => last(b) - last(a)) })
  }

  async #list(): Promise<InboxEntry[]> {
    const all: InboxEntry[] = []
    for (let cursor = 0, more = true; more; more = cursor !== 0) {
      const page = await this.client.inbox(cursor)
      all.push(...page.chats)
      cursor = page.next_cursor
    }
    return all
  }
}

/** Which users are in a chat now. The user of the client is there too, while it is looked at. */
export class PresenceStore extends Store<{ presence: PresenceResponse | undefined }> {
  constructor(private readonly client: Pullchat, readonly chat: string) {
    super({ presence: undefined })
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { user } = this.client
    const following = this.client.follow(this.chat, { cursors: { [this.chat]: Number.MAX_SAFE_INTEGER }, presence: true, ...(user && { reader: user }), signal })
    following.on('presence', (presence) => this.set({ presence }))
  }
}
