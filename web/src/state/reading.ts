import { effect } from '@preact/signals'
import { chats, timeline, putChat } from './chats'
import { visible } from './presence'
import { Reads } from './reads'
import { openChat } from './route'
import { client, me } from './session'

// The user's read cursors

let atEnd = true
let reads: Reads | undefined

/** Whether the user sees new messages of a chat. */
export const attentive = (chat: string) => openChat.peek() === chat && visible.peek() && atEnd

/** The view says whether the end of the open chat is seen. */
export function seesEnd(is: boolean): void {
  atEnd = is
  if (is) markRead()
}

export function markRead(): void {
  const chat = openChat.peek()
  if (!chat || !attentive(chat)) return
  const last = timeline(chat).last.peek()
  const entry = chats.peek().get(chat)
  if (!last || !entry || (entry.cursor > last.send_time && entry.unread === 0)) return
  putChat(chat, { ...entry, unread: 0, mention: false, cursor: last.send_time + 1 })
  reads?.add(chat, last.send_time + 1)
}

/** Applies reads of the user's other devices. */
export function wasRead(chat: string, cursor: number): void {
  const entry = chats.peek().get(chat)
  if (!entry || cursor <= entry.cursor) return
  const all = cursor > (entry.last?.send_time ?? 0)
  putChat(chat, { ...entry, cursor, ...(all && { unread: 0, mention: false }) })
  if (all) return
  client.unread().then(({ chats: counts }) => {
    const now = chats.peek().get(chat)
    if (now) putChat(chat, { ...now, unread: counts.find((c) => c.chat === chat)?.unread ?? 0 })
  }, () => {})
}

/** The page has received a chat up to a cursor. */
export const received = (chat: string, cursor: number) => reads?.received(chat, cursor)

/** Tells the server now. */
export const tellReads = async () => reads?.tell()

effect(() => {
  if (me.value) reads = new Reads(client)
})
effect(() => {
  if (visible.value) markRead()
})
