import { computed, signal } from '@preact/signals'
import { answered, changed, EarlyChanges, isChange, type Message, type Outgoing, type Pullchat } from 'pullchat'

export const chunkSize = 25

export type Reach = 'sent' | 'delivered' | 'read'
export type Receipts = Awaited<ReturnType<Pullchat['receipts']>>

/**
 * The messages of one chat that are loaded: a part of the log without gaps up to its end. They are kept in chunks; a
 * chunk that does not change is not rendered again, and one that is far from the view is not rendered at all.
 */
export class Timeline {
  readonly chunks = signal<readonly (readonly Message[])[]>([])
  readonly outgoing = signal<readonly Outgoing[]>([])
  readonly older = signal<'more' | 'loading' | 'begin' | 'failed'>('more')
  readonly loaded = signal(false)
  /** Where others have read up to. */
  readonly readers = signal<ReadonlyMap<string, number>>(new Map())
  /** Up to where others have received it. Reading implies more. */
  readonly receivers = signal<ReadonlyMap<string, number>>(new Map())
  /** How far own messages of a room have come, as the server said last, by their positions. */
  readonly receipts = signal<ReadonlyMap<number, Receipts>>(new Map())
  /** Where unread messages began when the chat was opened; 0 for none. */
  readonly unreadFrom = signal(0)
  readonly last = computed(() => this.chunks.value.at(-1)?.at(-1))
  /** The position of a message that the view is to show; 0 for none. */
  readonly sought = signal(0)
  /** Messages before the loaded ones that others refer to. */
  readonly #elsewhere = signal<ReadonlyMap<number, Message>>(new Map())
  readonly #asked = new Set<number>()
  #loading = Promise.resolve()
  #before = 0
  #end = 0 // the position of the last entry, be it a message or a change
  #early: Message[] = [] // live entries that came before the first page
  #changes = new EarlyChanges()

  constructor(readonly chat: string, private readonly client: Pullchat) {}

  /** Loads the newest page, or the one before the loaded ones. */
  loadOlder(): Promise<void> {
    if (this.older.peek() === 'loading') return this.#loading
    if (this.older.peek() === 'begin') return Promise.resolve()
    return (this.#loading = this.#loadOlder())
  }

  async #loadOlder(): Promise<void> {
    this.older.value = 'loading'
    try {
      const page = await this.client.pull({ chat: this.chat, cursor: this.#before, limit: 4 * chunkSize, reverse: true })
      const entries = page.messages.reverse()
      // A page may be older than messages that arrived live meanwhile.
      const messages = this.#changes.messagesOf(entries, this.client.user)
      const parts: Message[][] = []
      for (let end = messages.length; end > 0; end -= chunkSize) parts.unshift(messages.slice(Math.max(0, end - chunkSize), end))
      const first = !this.loaded.peek()
      this.chunks.value = [...parts, ...this.chunks.peek()]
      if (first) this.#end = entries.at(-1)?.send_time ?? 0
      this.#before = page.next_cursor
      this.loaded.value = true
      this.older.value = page.next_cursor === 0 ? 'begin' : 'more'
      if (this.outgoing.peek().length) this.outgoing.value = this.outgoing.peek().filter((o) => !messages.some((m) => m.id === o.id && m.sender === o.sender))
      if (first) for (const message of this.#early.splice(0)) this.append([message])
    } catch (error) {
      this.older.value = 'failed'
      throw error
    }
  }

  /** Takes live entries: adds messages at the end, and applies changes. Those that are there already are skipped. */
  append(entries: readonly Message[]): void {
    if (!this.loaded.peek()) {
      this.#early.push(...entries)
      return
    }
    const news = entries.filter((m) => m.send_time > this.#end)
    if (news.length === 0) return
    this.#end = news.at(-1)!.send_time
    const chunks = [...this.chunks.peek()]
    for (const entry of news) {
      if (isChange(entry)) {
        this.#apply(entry, chunks)
        continue
      }
      if (entry.reply_to) {
        const at = chunkOf(chunks, entry.reply_to)
        if (at >= 0) chunks[at] = chunks[at]!.map((m) => answered(m, entry))
        const known = this.#elsewhere.peek().get(entry.reply_to)
        if (known) this.#elsewhere.value = new Map(this.#elsewhere.peek()).set(entry.reply_to, answered(known, entry))
      }
      const tail = chunks.at(-1)
      if (tail && tail.length < chunkSize) chunks[chunks.length - 1] = [...tail, entry]
      else chunks.push([entry])
    }
    this.chunks.value = chunks
    const ids = new Set(news.filter((m) => !isChange(m)).map((m) => m.id))
    if (this.outgoing.peek().some((o) => ids.has(o.id))) this.outgoing.value = this.outgoing.peek().filter((o) => !ids.has(o.id))
  }

  #apply(change: Message, chunks: (readonly Message[])[]): void {
    const ref = change.ref ?? 0
    const at = chunkOf(chunks, ref)
    const known = this.#elsewhere.peek().get(ref)
    if (known) this.#elsewhere.value = new Map(this.#elsewhere.peek()).set(ref, changed(known, change, this.client.user))
    if (at < 0) this.#changes.add(change)
    else chunks[at] = chunks[at]!.map((m) => changed(m, change, this.client.user))
  }

  /** A message that is loaded. */
  find(at: number): Message | undefined {
    return this.chunkOf(at)?.find((m) => m.send_time === at)
  }

  /** The chunk that has, or would have, the message at a position. */
  chunkOf(at: number): readonly Message[] | undefined {
    const chunks = this.chunks.value
    return chunks[chunkOf(chunks, at)]
  }

  /** A message of the chat, loaded or not. One that is not is asked for, once; the caller renders again when it is there. */
  look(at: number): Message | undefined {
    const known = this.find(at) ?? this.#elsewhere.value.get(at)
    if (!known && this.loaded.value && !this.#asked.has(at)) {
      this.#asked.add(at)
      this.client.pull({ chat: this.chat, cursor: at, limit: 1 }).then(
        ({ messages }) => {
          const found = messages.find((m) => m.send_time === at)
          if (found && this.#asked.has(at)) this.#elsewhere.value = new Map(this.#elsewhere.peek()).set(at, found)
        },
        () => this.#asked.delete(at),
      )
    }
    return known
  }

  /** Loads older messages up to one, and has the view show it, unless it is not wanted any more. */
  async seek(at: number, wanted: () => boolean): Promise<void> {
    const begin = () => this.older.peek() === 'begin'
    while (!this.find(at) && !begin()) {
      await this.loadOlder()
      if (!wanted()) return
    }
    this.sought.value = this.find(at) ? at : 0
  }

  /** Takes the state of a message that is being sent. Once it is in the log, the log has it. */
  track(message: Outgoing): void {
    const others = this.outgoing.peek().filter((o) => o.id !== message.id)
    const known = others.length < this.outgoing.peek().length
    if (message.state === 'sent') {
      if (!this.loaded.peek()) this.outgoing.value = others
      else if (message.send_time! <= (this.last.peek()?.send_time ?? 0)) this.outgoing.value = others
      else if (known) this.outgoing.value = this.outgoing.peek().map((o) => (o.id === message.id ? message : o))
    } else if (known) this.outgoing.value = this.outgoing.peek().map((o) => (o.id === message.id ? message : o))
    else this.outgoing.value = [...this.outgoing.peek(), message]
  }

  forget(id: string): void {
    this.outgoing.value = this.outgoing.peek().filter((o) => o.id !== id)
  }

  read(reader: string, cursor: number): void {
    if ((this.readers.peek().get(reader) ?? 0) < cursor) this.readers.value = new Map(this.readers.peek()).set(reader, cursor)
  }

  received(user: string, cursor: number): void {
    if ((this.receivers.peek().get(user) ?? 0) < cursor) this.receivers.value = new Map(this.receivers.peek()).set(user, cursor)
  }

  /** How far a message has come to a user, as far as is known. */
  reach(user: string, at: number): Reach {
    if ((this.readers.value.get(user) ?? 0) > at) return 'read'
    return (this.receivers.value.get(user) ?? 0) > at ? 'delivered' : 'sent'
  }

  /** The newest message of a user that is loaded. */
  newestOf(user: string): Message | undefined {
    const chunks = this.chunks.peek()
    for (let i = chunks.length - 1; i >= 0; i--) {
      const found = chunks[i]!.findLast((m) => m.sender === user && m.type !== 'notice' && !m.erased)
      if (found) return found
    }
    return
  }

  /** Empties it, so that it is loaded again: after the list of ignored users has changed. */
  reset(): void {
    this.#before = 0
    this.#changes.clear()
    this.#asked.clear()
    this.#elsewhere.value = new Map()
    this.loaded.value = false
    this.chunks.value = []
    this.older.value = 'more'
  }
}

/** The chunk that has, or would have, the message at a position; -1 where that is before all chunks. */
const chunkOf = (chunks: readonly (readonly Message[])[], at: number) => chunks.findLastIndex((chunk) => chunk[0]!.send_time <= at)
