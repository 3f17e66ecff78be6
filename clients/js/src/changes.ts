import type { Message, Reaction } from './openapi.js'

/** An entry about an earlier message, the one at `ref`. It is no line of its own. */
export const isChange = (entry: Message): boolean => entry.kind !== undefined && entry.kind !== 'pinned' && entry.kind !== 'unpinned'

/**
 * The message after a change, as the user `me` sees it. An edit or a deletion that it has already leaves it as it is, so these may come
 * twice and in any order. Reactions are those of the last change that is given.
 */
export function changed(message: Message, change: Message, me?: string): Message {
  const { kind, ref, send_time, edited = send_time, text, erased } = change
  if (ref !== message.send_time || message.erased) return message
  if (kind === 'delete') return { ...message, text: '', erased: true, deleted: send_time, reactions: [] }
  if (kind === 'react' || kind === 'unreact') return { ...message, reactions: reactionsAfter(message, change, me) }
  if (kind !== 'edit') return message
  if (erased) return { ...message, text: '', erased } // the entry that removed the text follows, or the account was erased
  return (message.edited ?? 0) < edited ? { ...message, text, edited } : message
}

/** Entries share their reactions among all followers, so which are the user's own is known from before, and from the user's entries. */
function reactionsAfter({ reactions: before = [] }: Message, { kind, sender, emoji, reactions = [] }: Message, me?: string): Reaction[] {
  const own = new Set(before.filter((r) => r.own).map((r) => r.emoji))
  if (sender === me && emoji !== undefined) kind === 'react' ? own.add(emoji) : own.delete(emoji)
  return reactions.map(({ emoji, count, users }) => ({ emoji, count, users, ...((own.has(emoji) || (me !== undefined && users.includes(me))) && { own: true }) }))
}

/** The message after an answer to it was stored. */
export function answered(message: Message, { reply_to, send_time }: Message): Message {
  if (reply_to !== message.send_time || (message.last_reply ?? 0) >= send_time) return message
  return { ...message, replies: (message.replies ?? 0) + 1, last_reply: send_time }
}

/** Changes of messages that are not loaded: a page that is older than they are gets them when it comes. */
export class EarlyChanges {
  #changes = new Map<number, Message[]>()

  add(change: Message): void {
    const ref = change.ref ?? 0
    this.#changes.set(ref, [...(this.#changes.get(ref) ?? []), change])
  }

  /** The messages of a page of entries, with the changes that came before the page. */
  messagesOf(entries: readonly Message[], me?: string): Message[] {
    const messages = entries.filter((m) => !isChange(m)).map((m) => (this.#changes.get(m.send_time) ?? []).reduce((message, change) => changed(message, change, me), m))
    for (const m of messages) this.#changes.delete(m.send_time)
    return messages
  }

  clear(): void {
    this.#changes.clear()
  }
}
