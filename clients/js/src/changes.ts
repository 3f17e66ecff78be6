import type { Message } from './openapi.js'

/** An entry about an earlier message, the one at `ref`. It is no line of its own. */
export const isChange = (entry: Message): boolean => entry.kind !== undefined

/** The message after a change. A change that it has already leaves it as it is, so changes may come twice and in any order. */
export function changed(message: Message, { kind, ref, send_time, edited = send_time, text, erased }: Message): Message {
  if (ref !== message.send_time || message.erased) return message
  if (kind === 'delete') return { ...message, text: '', erased: true, deleted: send_time }
  if (kind !== 'edit') return message
  if (erased) return { ...message, text: '', erased } // what removed the text follows, or was the erasure of an account
  return (message.edited ?? 0) < edited ? { ...message, text, edited } : message
}

/** Changes of messages that are not loaded: a page that is older than they are gets them when it comes. */
export class EarlyChanges {
  #changes = new Map<number, Message[]>()

  add(change: Message): void {
    const ref = change.ref ?? 0
    this.#changes.set(ref, [...(this.#changes.get(ref) ?? []), change])
  }

  /** The messages of a page of entries, with the changes that came before the page. */
  messagesOf(entries: readonly Message[]): Message[] {
    const messages = entries.filter((m) => !isChange(m)).map((m) => (this.#changes.get(m.send_time) ?? []).reduce(changed, m))
    for (const m of messages) this.#changes.delete(m.send_time)
    return messages
  }

  clear(): void {
    this.#changes.clear()
  }
}
