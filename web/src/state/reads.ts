import { PullchatError, type Pullchat } from 'pullchat'

const pause = 300 // milliseconds: positions of the same moment are told together

/** How far the user has read, by chat, until the server knows it: also when the user goes to another chat, or while the server is away. */
export class Reads {
  readonly #client: Pullchat
  readonly #cursors = new Map<string, number>()
  #timer = 0

  constructor(client: Pullchat) {
    this.#client = client
  }

  add(chat: string, cursor: number): void {
    this.#cursors.set(chat, Math.max(cursor, this.#cursors.get(chat) ?? 0))
    this.#timer ||= window.setTimeout(() => {
      this.#timer = 0
      void this.tell()
    }, pause)
  }

  /** Tells the server now. What it could not be told waits for the next call; what it refuses, such as a chat that the user has left, is given up. */
  async tell(): Promise<void> {
    await Promise.all([...this.#cursors].map(async ([chat, cursor]) => {
      try {
        await this.#client.read(chat, cursor)
      } catch (error) {
        if (error instanceof PullchatError && error.temporary) return
      }
      if (this.#cursors.get(chat) === cursor) this.#cursors.delete(chat)
    }))
  }
}
