import { PullchatError } from './errors.js'
import { Subscription, type Connect, type FollowOptions, type Sink, type Transport } from './follow.js'
import { Http, type Call } from './http.js'
import type * as api from './openapi.js'
import { memoryOutbox, Outbox, type Draft, type Outgoing, type OutboxStore } from './outbox.js'
import { followPoll } from './poll.js'
import { Push } from './push.js'
import { Rooms } from './rooms.js'
import { memorySession, sessionOf, SessionTokens, type Session, type SessionStore, type Tokens } from './session.js'
import { followSSE } from './sse.js'
import { randomId } from './wait.js'
import { followWS, openSocket, type OpenSocket } from './ws.js'

export interface Options {
  /** A token that never changes, such as a service's. */
  token?: string
  /** Tokens from elsewhere. `rejected` is one that the server refused. */
  getToken?: Tokens['get']
  /** A session of `login`, or the place where it is kept. Without any of these three it is kept in memory. */
  session?: Session | SessionStore
  /** The acting user of a server with AUTH=off, or of a service. */
  user?: string
  /** The default transport of `follow`. `auto` is server-sent events, and polls where a proxy holds these back. */
  transport?: Transport
  /** Where messages wait until they are sent; in memory by default. */
  outbox?: OutboxStore
  /** How long the server remembers ids, in milliseconds: its IDEMPOTENCY_WINDOW. A day by default. */
  idempotencyWindow?: number
  fetch?: typeof fetch
  webSocket?: OpenSocket
}

const firstByte = 10_000 // milliseconds; a stream begins at once, unless a proxy holds it back

/** A client of one server, for one user. */
export class Pullchat {
  readonly http: Http
  readonly outbox: Outbox
  readonly rooms: Rooms
  readonly push: Push
  readonly #session: SessionTokens | undefined
  readonly #options: Options

  constructor(url: string, options: Options = {}) {
    this.#options = options
    const fetcher = options.fetch ?? globalThis.fetch
    const anonymous = new Http(url, fetcher, undefined)
    let tokens: Tokens
    if (options.getToken) tokens = { get: options.getToken }
    else if (options.token !== undefined) tokens = { get: async () => options.token }
    else {
      const { session } = options
      const store = session && 'load' in session ? session : memorySession(session)
      tokens = this.#session = new SessionTokens(store, (refresh_token, key) =>
        anonymous.json('POST', '/api/refresh', { body: { refresh_token }, headers: { 'Idempotency-Key': key } }))
    }
    this.http = new Http(url, fetcher, tokens)
    this.rooms = new Rooms(this.http, options.user)
    this.push = new Push(this.http, () => this.user)
    this.outbox = new Outbox(options.outbox ?? memoryOutbox(), (message) => this.#deliver(message), options.idempotencyWindow)
  }

  // Accounts

  /** The user that acts: of the session, or of the options. */
  get user(): string | undefined {
    return this.#session?.session?.user ?? this.#options.user
  }

  get session(): Session | undefined {
    return this.#session?.session
  }

  /** Calls `handler` when the session begins, is refreshed, or ends (undefined). */
  onSession(handler: (session: Session | undefined) => void): () => void {
    return this.#session?.on('changed', handler) ?? (() => {})
  }

  register(account: api.RegisterRequest): Promise<api.Account> {
    return this.http.json('POST', '/api/users', { body: account, attempts: 1, anonymous: true })
  }

  async login(user: string, password: string): Promise<Session> {
    const answer = await this.http.json<api.TokenResponse>('POST', '/api/login', { body: { user, password }, attempts: 1, anonymous: true })
    const session = sessionOf(answer)
    this.#needSession().set(session)
    return session
  }

  /** Refreshes the session now. Requests do so when it is time. */
  refresh(): Promise<Session> {
    return this.#needSession().refresh()
  }

  /** Ends the session, here even if the server cannot be reached. */
  async logout(): Promise<void> {
    const sessions = this.#needSession()
    const refresh_token = sessions.session?.refresh_token
    try {
      if (refresh_token) await this.http.json('POST', '/api/logout', { body: { refresh_token }, attempts: 1 })
    } finally {
      sessions.set(undefined)
    }
  }

  changePassword(password: string, new_password: string): Promise<api.StatusResponse> {
    const body = { password, new_password, refresh_token: this.session?.refresh_token }
    return this.http.json('POST', '/api/password', { body, attempts: 1 })
  }

  /** Users whose ids have a prefix. */
  users(prefix = '', cursor = ''): Promise<api.UsersResponse> {
    return this.http.json('GET', '/api/users', { query: { prefix, cursor } })
  }

  /** The accounts of those users that have one. */
  async contacts(users: string[]): Promise<api.Account[]> {
    return (await this.http.json<api.ContactsResponse>('POST', '/api/contacts/sync', { body: { users } })).users
  }

  // Messages

  /**
   * Sends a message, after the earlier ones of its chat. It waits while the server is away, and repeats nothing twice. It
   * rejects when the server refuses the message.
   */
  async send(draft: Draft): Promise<Outgoing> {
    return this.outbox.send(draft, this.#needUser('send'))
  }

  async #deliver({ chat, text, id, sender, content }: Outgoing): Promise<api.SendResponse> {
    const response = await this.http.once('POST', '/api/send', { body: { chat, text, id, sender, ...content }, signal: AbortSignal.timeout(30_000) })
    return (await response.json().catch((cause) => {
      throw new PullchatError('network', 'the answer broke off', { cause })
    })) as api.SendResponse
  }

  /**
   * Replaces the text of the user's message at `sendTime`. The answer is the position of the change. It is repeated with its id
   * after temporary errors. A caller that repeats it later passes an id of its own, so that it is stored once.
   */
  edit(chat: string, sendTime: number, text: string, id = randomId()): Promise<api.SendResponse> {
    return this.http.json('PATCH', '/api/messages', { body: { chat, send_time: sendTime, text, sender: this.user, id } })
  }

  /** Reports a message, or a user, to the moderators. While the report is open, the same one is answered again. */
  report(report: api.ReportRequest): Promise<api.Report> {
    return this.http.json('POST', '/api/reports', { body: report, query: { as: this.#options.user } })
  }

  /** Removes the text of a message, as `edit` replaces it: of the user's own, or as an admin of the room, or as a service. */
  deleteMessage(chat: string, sendTime: number, id = randomId()): Promise<api.SendResponse> {
    return this.http.json('DELETE', '/api/messages', { query: { chat, send_time: sendTime, sender: this.user, id } })
  }

  /** Adds the user's reaction to a message, one emoji. One that is there already is a `duplicate`. */
  react(chat: string, sendTime: number, emoji: string, id = randomId()): Promise<api.SendResponse> {
    return this.http.json('PUT', '/api/reactions', { body: { chat, send_time: sendTime, emoji, sender: this.user, id } })
  }

  /** Takes the user's reaction back. One that is not there is a `duplicate`. */
  unreact(chat: string, sendTime: number, emoji: string, id = randomId()): Promise<api.SendResponse> {
    return this.http.json('DELETE', '/api/reactions', { query: { chat, send_time: sendTime, emoji, sender: this.user, id } })
  }

  /** One page of the answers to a message, the oldest first. */
  thread(chat: string, sendTime: number, cursor = 0, limit = 100): Promise<api.PullResponse> {
    return this.http.json('GET', '/api/thread', { query: { chat, send_time: sendTime, cursor, limit, reader: this.#reader(chat) } })
  }

  /** One page of the texts that a message has had, the oldest first, for admins of its room and services. */
  versions(chat: string, sendTime: number, cursor = 0, limit = 100): Promise<api.VersionsResponse> {
    return this.http.json('GET', '/api/messages/history', { query: { chat, send_time: sendTime, cursor, limit } })
  }

  /**
   * Uploads a file and confirms it. Send it with `send({ chat, text, content: attached(attachment) })`. A file that is in no message
   * within a day is removed.
   */
  async upload(chat: string, file: Blob & { name?: string }, name = file.name ?? 'file', signal?: AbortSignal): Promise<api.Attachment> {
    const type = (file.type.split(';')[0] ?? '').trim() || 'application/octet-stream'
    const signed = await this.createAttachment({ chat, name, bytes: file.size, type })
    const response = await fetch(signed.url, { method: signed.method, headers: signed.headers, body: file, credentials: 'omit', ...(signal && { signal }) })
    if (!response.ok) throw new Error(`the store of files answered ${response.status}`)
    return this.confirmAttachment(chat, signed.attachment.id)
  }

  /** Announces a file. The answer is the request that uploads it; `upload` does all that is needed. */
  createAttachment(file: { chat: string; name: string; bytes: number; type: string; sha256?: string }): Promise<api.SignedAttachment> {
    return this.http.json('POST', '/api/attachments', { body: { ...file, sender: this.user } })
  }

  /** Says that a file was uploaded. It may be repeated. */
  confirmAttachment(chat: string, id: string): Promise<api.Attachment> {
    return this.http.json('POST', `/api/attachments/${encodeURIComponent(id)}`, { body: { chat, as: this.user } })
  }

  /** The URL of the file of a message, for `<img src>`, `<a href>` or `fetch`. It needs no token, and expires within minutes. */
  attachment(chat: string, id: string): Promise<api.SignedAttachment> {
    return this.http.json('GET', `/api/attachments/${encodeURIComponent(id)}`, { query: { chat, as: this.user } })
  }

  /** One page of a chat. Messages of users that the user ignores are left out. */
  pull(request: { chat: string; cursor?: number; limit?: number; reverse?: boolean; wait?: string; unread?: boolean }, signal?: AbortSignal): Promise<api.PullResponse> {
    return this.http.json('GET', '/api/pull', { query: { ...request, reader: this.#reader(request.chat) }, signal })
  }

  /** The messages of a chat from the newest to the oldest, or from `before` on. */
  async *history(chat: string, { before = 0, limit = 100, signal }: { before?: number; limit?: number; signal?: AbortSignal } = {}): AsyncGenerator<api.Message> {
    for (let cursor = before; ; ) {
      const page = await this.pull({ chat, cursor, limit, reverse: true }, signal)
      yield* page.messages
      cursor = page.next_cursor
      if (cursor === 0) return
    }
  }

  /** Follows chats. */
  follow(chats: string | readonly string[], options: FollowOptions = {}): Subscription {
    const { cursor, reader, presence } = options
    const wanted = { chats: typeof chats === 'string' ? [chats] : chats, inbox: false, cursor, reader, presence }
    return new Subscription(this.#connect(options.transport), wanted, options)
  }

  /** Follows all chats of the user, later ones too. */
  followInbox(options: FollowOptions = {}): Subscription {
    const { cursor, presence } = options
    const wanted = { chats: [], inbox: true, cursor, reader: options.reader ?? this.#needUser('followInbox'), presence }
    return new Subscription(this.#connect(options.transport), wanted, options)
  }

  #connect(transport = this.#options.transport ?? 'auto'): Connect {
    switch (transport) {
      case 'sse':
        return (sink) => followSSE(this.http, sink)
      case 'ws':
        return (sink) => followWS(this.http, this.#options.webSocket ?? openSocket, sink)
      case 'poll':
        return (sink) => followPoll(this.http, sink)
    }
    let held = 0 // streams in a row that told nothing
    return async (sink) => {
      if (held >= 2) return followPoll(this.http, sink)
      let told = false
      const listening: Sink = {
        ...sink,
        live: () => {
          told = true
          held = 0
          sink.live()
        },
      }
      try {
        await followSSE(this.http, listening, firstByte)
      } finally {
        // An unreachable server says nothing about proxies; one that answers pings does.
        if (!told && !sink.signal.aborted && (await this.#reachable())) held++
      }
    }
  }

  async #reachable(): Promise<boolean> {
    return this.http.once('GET', '/readyz', { anonymous: true, signal: AbortSignal.timeout(5000) }).then(() => true, () => false)
  }

  // Beside the log

  /** Tells the followers of a chat that the user is typing. Losing it does no harm. */
  typing(chat: string): Promise<void> {
    return this.signal(chat, 'typing')
  }

  async signal(chat: string, type: string, data?: string): Promise<void> {
    await this.http.json('POST', '/api/signal', { body: { chat, sender: this.#options.user, type, data }, attempts: 1 })
  }

  /** Moves the user's read cursor forward; `end` is behind the newest message. It answers the cursor. */
  async read(chat: string, cursor: number | 'end' = 'end'): Promise<number> {
    const body = { chat, reader: this.#needUser('read'), cursor }
    return (await this.http.json<api.ReadResponse>('POST', '/api/read', { body })).cursor
  }

  /**
   * Says that this device has received every message before the cursor. Reading implies it. It answers up to where the user has
   * received the chat; 0 where no receipts are kept.
   */
  async delivered(chat: string, cursor: number): Promise<number> {
    const body = { chat, reader: this.#needUser('delivered'), delivered: cursor }
    return (await this.http.json<api.ReadResponse>('POST', '/api/read', { body })).delivered ?? 0
  }

  /** How far a message of the user's has come, in two-person chats and rooms of up to 100 members. */
  receipts(chat: string, sendTime: number): Promise<api.MessageReceiptsResponse> {
    return this.http.json('GET', '/api/receipts', { query: { chat, send_time: sendTime } })
  }

  readers(chat: string): Promise<api.ReadersResponse> {
    return this.http.json('GET', '/api/readers', { query: { chat } })
  }

  presence(chat: string): Promise<api.PresenceResponse> {
    return this.http.json('GET', '/api/presence', { query: { chat } })
  }

  // The user's own

  inbox(cursor = 0, limit = 100): Promise<api.InboxResponse> {
    return this.http.json('GET', '/api/inbox', { query: { reader: this.#needUser('inbox'), cursor, limit } })
  }

  unread(cursor = 0): Promise<api.UnreadResponse> {
    return this.http.json('GET', '/api/unread', { query: { reader: this.#needUser('unread'), cursor } })
  }

  async ignored(): Promise<string[]> {
    return (await this.http.json<api.IgnoredResponse>('GET', '/api/ignored', this.#as())).users
  }

  async ignore(user: string, ignored = true): Promise<void> {
    await this.http.json(ignored ? 'PUT' : 'DELETE', `/api/ignored/${encodeURIComponent(user)}`, this.#as())
  }

  async muted(): Promise<api.MutedChat[]> {
    return (await this.http.json<api.MutedResponse>('GET', '/api/muted', this.#as())).chats
  }

  /** Keeps push notifications of a chat away, until a time in microseconds or for ever. */
  async mute(chat: string, muted = true, until?: number): Promise<void> {
    const path = `/api/muted/${encodeURIComponent(chat)}`
    await this.http.json(muted ? 'PUT' : 'DELETE', path, { ...this.#as(), ...(until !== undefined && muted && { body: { until } }) })
  }

  /** Stops the background work. Messages that are not sent stay in the outbox. */
  close(): void {
    this.outbox.close()
  }

  #as(): Call {
    return { query: { as: this.user } }
  }

  /** Services read as no user unless one is set. */
  #reader(chat: string): string | undefined {
    const user = this.user
    return user !== undefined && chat.includes(':') && !chat.split(':').includes(user) ? undefined : user
  }

  #needSession(): SessionTokens {
    if (!this.#session) throw new PullchatError('invalid_argument', 'this client has tokens from elsewhere: there is no session')
    return this.#session
  }

  #needUser(what: string): string {
    const { user } = this
    if (user === undefined) throw new PullchatError('unauthenticated', `${what} needs a user: log in, or set the option user`)
    return user
  }
}
