import { PullchatError } from './errors.js'
import type * as api from './openapi.js'
import { Backoff, Emitter, pause, randomId } from './wait.js'

export interface Draft {
  chat: string
  text: string
  /** The sender's own id. It is made if it is left out. */
  id?: string
  /** The content of the message beside its text, such as an attachment. */
  content?: Content
}

/** The content of a message beside its text, as in the API. */
export type Content = Partial<Pick<api.SendRequest, 'content_type' | 'body' | 'reply_to' | 'mentions' | 'metadata'>>

/** The content of a message with an attachment: an image, a video, audio or a file, by its type. */
export function attached(attachment: Pick<api.Attachment, 'id' | 'type'>): Content {
  const kind = attachment.type.split('/')[0]
  return { content_type: kind === 'image' || kind === 'video' || kind === 'audio' ? kind : 'file', body: { attachment: attachment.id } as object as Record<string, never> }
}

export type SendState = 'queued' | 'sending' | 'sent' | 'failed'

/** A message on its way. */
export interface Outgoing {
  id: string
  chat: string
  text: string
  sender: string
  content?: Content
  /** When it was given to `send`, in milliseconds since 1970. */
  at: number
  state: SendState
  /** Of a message that was sent: its position. */
  send_time?: number
  duplicate?: boolean
  /** Of a message that failed. */
  error?: { code: string; message: string }
}

/** Where messages wait that are not sent yet. */
export interface OutboxStore {
  all(): Promise<Outgoing[]>
  put(message: Outgoing): Promise<void>
  remove(id: string): Promise<void>
}

/** Keeps waiting messages in memory. */
export function memoryOutbox(): OutboxStore {
  const kept = new Map<string, Outgoing>()
  return {
    all: async () => [...kept.values()],
    put: async (message) => void kept.set(message.id, message),
    remove: async (id) => void kept.delete(id),
  }
}

/** Keeps waiting messages in IndexedDB, where they survive a reload. */
export function indexedDBOutbox(name = 'pullchat-outbox'): OutboxStore {
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  let opened: Promise<IDBDatabase> | undefined
  const table = async (mode: IDBTransactionMode) => {
    if (!opened) {
      const request = indexedDB.open(name, 1)
      request.onupgradeneeded = () => request.result.createObjectStore('messages', { keyPath: 'id' })
      opened = settled(request)
    }
    return (await opened).transaction('messages', mode).objectStore('messages')
  }
  return {
    all: async () => settled<Outgoing[]>((await table('readonly')).getAll()),
    put: async (message) => void (await settled((await table('readwrite')).put(message))),
    remove: async (id) => void (await settled((await table('readwrite')).delete(id))),
  }
}

type Deliver = (message: Outgoing) => Promise<{ send_time: number; duplicate?: boolean }>

/**
 * Sends messages, those of one chat in their order. A message keeps its id through every attempt, so the server stores it
 * once. A message that waited longer than the server remembers ids is not repeated: it fails, and the user decides.
 */
export class Outbox extends Emitter<{ change: Outgoing }> {
  #queues = new Map<string, Outgoing[]>()
  #waiting = new Map<string, { resolve(m: Outgoing): void; reject(error: unknown): void }>()
  #closed = new AbortController()

  constructor(private readonly store: OutboxStore, private readonly deliver: Deliver, private readonly window = 24 * 3600_000) {
    super()
  }

  /** Continues with this sender's messages from an earlier program. Failed messages are returned too, and wait for `retry`. */
  async restore(sender: string): Promise<Outgoing[]> {
    const left = (await this.store.all()).filter((m) => m.sender === sender).sort((a, b) => a.at - b.at)
    for (const message of left) if (message.state !== 'failed') this.#enqueue({ ...message, state: 'queued' })
    return left
  }

  async send(draft: Draft, sender: string): Promise<Outgoing> {
    const message: Outgoing = { id: draft.id ?? randomId(), chat: draft.chat, text: draft.text, sender, at: Date.now(), state: 'queued', ...(draft.content && { content: draft.content }) }
    this.emit('change', message)
    const sent = new Promise<Outgoing>((resolve, reject) => this.#waiting.set(message.id, { resolve, reject }))
    sent.catch(() => {}) // a caller that listens to `change` need not await
    await this.store.put(message).catch(() => {}) // a full disk keeps nothing from being sent
    this.#enqueue(message)
    return sent
  }

  /** Tries a failed message again, with its id. */
  async retry(message: Outgoing): Promise<Outgoing> {
    await this.store.remove(message.id).catch(() => {})
    return this.send({ chat: message.chat, text: message.text, id: message.id, ...(message.content && { content: message.content }) }, message.sender)
  }

  /** Forgets a failed message. */
  async discard(message: Outgoing): Promise<void> {
    await this.store.remove(message.id)
  }

  close(): void {
    this.#closed.abort()
  }

  #enqueue(message: Outgoing): void {
    const queue = this.#queues.get(message.chat)
    if (queue?.some((m) => m.id === message.id)) return
    if (queue) queue.push(message)
    else {
      this.#queues.set(message.chat, [message])
      void this.#drain(message.chat)
    }
  }

  async #drain(chat: string): Promise<void> {
    const queue = this.#queues.get(chat)!
    for (let next = queue[0]; next && !this.#closed.signal.aborted; queue.shift(), next = queue[0]) await this.#settle(next)
    this.#queues.delete(chat)
  }

  async #settle(message: Outgoing): Promise<void> {
    const backoff = new Backoff()
    while (!this.#closed.signal.aborted) {
      if (Date.now() - message.at > this.window) {
        return this.#failed(message, new PullchatError('deadline_exceeded', 'it waited for too long, and may have been sent'))
      }
      this.emit('change', { ...message, state: 'sending' })
      try {
        const { send_time, duplicate } = await this.deliver(message)
        await this.store.remove(message.id).catch(() => {})
        const sent: Outgoing = { ...message, state: 'sent', send_time, ...(duplicate && { duplicate }) }
        this.emit('change', sent)
        this.#waiting.get(message.id)?.resolve(sent)
        this.#waiting.delete(message.id)
        return
      } catch (error) {
        const known = error instanceof PullchatError ? error : undefined
        if (!known?.temporary) return this.#failed(message, error, known?.unauthenticated ? 'queued' : 'failed')
        this.emit('change', { ...message, state: 'queued' })
        await pause(backoff.next(known.retryAfter), this.#closed.signal)
      }
    }
  }

  /** Ends an attempt. Without a session a message stays queued: `restore` continues after the next login. */
  async #failed(message: Outgoing, error: unknown, state: SendState = 'failed'): Promise<void> {
    const { code, message: text } = error instanceof PullchatError ? error : { code: 'internal', message: String(error) }
    const failed: Outgoing = { ...message, state, error: { code, message: text } }
    await this.store.put(failed).catch(() => {})
    this.emit('change', failed)
    this.#waiting.get(message.id)?.reject(error)
    this.#waiting.delete(message.id)
  }
}
