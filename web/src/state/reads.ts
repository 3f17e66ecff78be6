import { PullchatError, type Pullchat } from 'pullchat'

const pause = 300 // milliseconds: positions of the same moment are told together

type Cursors = Map<string, number>

/**
 * How far the user has read, and this page has received, by chat, until the server knows it: also when the user goes to another chat,
 * or while the server is away.
 */
export class Reads {
  readonly #client: Pullchat
  readonly #read: Cursors = new Map()
  readonly #received: Cursors = new Map()
  /** Chats whose receipts the server does not keep, such as large rooms. */
  readonly #unkept = new Set<string>()
  #timer = 0

  constructor(client: Pullchat) {
    this.#client = client
  }

  add(chat: string, cursor: number): void {
    this.#put(this.#read, chat, cursor)
    if ((this.#received.get(chat) ?? 0) <= cursor) this.#received.delete(chat) // reading implies it
  }

  received(chat: string, cursor: number): void {
    if (!this.#unkept.has(chat) && cursor > (this.#read.get(chat) ?? 0)) this.#put(this.#received, chat, cursor)
  }

  #put(cursors: Cursors, chat: string, cursor: number): void {
    cursors.set(chat, Math.max(cursor, cursors.get(chat) ?? 0))
    this.#timer ||= window.setTimeout(() => {
      this.#timer = 0
      void this.tell()
    }, pause)
  }

  /** Tells the server now. After a failure the cursors wait for the next call. Cursors that the server refuses, such as in a chat that the user has left, are dropped. */
  async tell(): Promise<void> {
    const read = this.#tell(this.#read, (chat, cursor) => this.#client.read(chat, cursor))
    const received = this.#tell(this.#received, async (chat, cursor) => {
      const kept = await this.#client.delivered(chat, cursor)
      if (kept === 0) this.#unkept.add(chat)
    })
    await Promise.all([read, received])
  }

  async #tell(cursors: Cursors, tell: (chat: string, cursor: number) => Promise<unknown>): Promise<void> {
    await Promise.all([...cursors].map(async ([chat, cursor]) => {
      try {
        await tell(chat, cursor)
      } catch (error) {
        if (error instanceof PullchatError && error.temporary) return
      }
      if (cursors.get(chat) === cursor) cursors.delete(chat)
    }))
  }
}
