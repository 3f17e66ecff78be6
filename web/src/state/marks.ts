import { effect } from '@preact/signals'
import { PullchatError } from 'pullchat'
import { inboxLoaded, isPair, otherOf, timeline } from './chats'
import { visible } from './presence'
import { openChat } from './route'
import { client, me } from './session'

// How far the user's own messages have come. In two-person chats events tell it while the page is open. Rooms have events of readers
// only, without counts. The rest is asked for, of the newest own message of the open chat.

const pause = 1000 // milliseconds: the readers of a room come together
const unkept = new Set<string>() // chats whose receipts the server does not keep, such as large rooms
let timer = 0

/** Asks whenever a chat opens, or is seen again. */
export const startMarks = () => effect(() => {
  const chat = openChat.value
  if (me.value && chat && visible.value && inboxLoaded.value && timeline(chat).loaded.value) void ask(chat).catch(() => {})
})

/** Asks anew after a reader of the open room has moved. */
export function readerMoved(chat: string): void {
  if (isPair(chat) || openChat.peek() !== chat) return
  timer ||= window.setTimeout(() => {
    timer = 0
    const open = openChat.peek()
    if (open && !isPair(open) && visible.peek()) void ask(open).catch(() => {})
  }, pause)
}

async function ask(chat: string): Promise<void> {
  const of = timeline(chat)
  const pair = isPair(chat)
  if (pair) {
    if (otherOf(chat) === me.peek()) return
    for (const { reader, cursor } of (await client.readers(chat)).readers) of.read(reader.split('/')[0]!, cursor)
  }
  const own = of.newestOf(me.peek()!)
  if (!own || unkept.has(chat) || (pair && of.reach(otherOf(chat), own.send_time) !== 'sent')) return
  try {
    const receipts = await client.receipts(chat, own.send_time)
    if (!pair) of.receipts.value = new Map(of.receipts.peek()).set(own.send_time, receipts)
    else if (receipts.delivered) of.received(otherOf(chat), own.send_time + 1)
  } catch (error) {
    if (error instanceof PullchatError && !error.temporary) unkept.add(chat)
  }
}
