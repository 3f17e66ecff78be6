import type { InboxEntry, Message } from 'pullchat'
import { chats, type Chat } from './chats'
import { means } from './mentions'
import { learn } from './names'
import { markRead, received, tellReads } from './reading'
import { client, me, visit } from './session'

// The list of chats, as the server has it

export function chatOf(entry: InboxEntry): Chat {
  learn(entry.users)
  const { chat, name, unread, cursor, last_message: last } = entry
  return { chat, name, last, unread, cursor, mention: entry.mentions > 0 || (unread > 0 && mentions(last)) }
}

export const mentions = (m?: Message) => !!m && m.sender !== me.peek() && (m.mentions?.includes(me.peek()!) || means(m.text, me.peek()!))

/** Reads the list again: what was read, left or deleted on other devices while this page was not told. */
export async function refreshList(): Promise<void> {
  const here = visit()
  const next = new Map<string, Chat>()
  await tellReads()
  for (let cursor = 0, more = true; more; more = cursor !== 0) {
    const page = await client.inbox(cursor)
    for (const entry of page.chats) next.set(entry.chat, chatOf(entry))
    cursor = page.next_cursor
  }
  if (!here()) return
  for (const [chat, entry] of chats.peek()) if ((entry.last?.send_time ?? 0) > (next.get(chat)?.last?.send_time ?? Infinity)) next.set(chat, entry)
  const news = [...next.values()].filter(({ chat, unread, last }) => unread && last && last.send_time > (chats.peek().get(chat)?.last?.send_time ?? 0))
  for (const { chat, last } of news) received(chat, last!.send_time + 1)
  chats.value = next
  markRead()
}
