import { batch, effect } from '@preact/signals'
import { changed, isChange, PullchatError, type ChatPage, type InboxEntry, type Message, type Outgoing, type Subscription } from 'pullchat'
import { chats, gone, inboxLoaded, timeline, titleOf, putChat, type Chat } from './chats'
import { hideKept, showKept } from './keeping'
import { readerMoved } from './marks'
import { forgetMembers, means } from './mentions'
import { learn, nameOf } from './names'
import { announce } from './notices'
import { isMuted, loadPreferences } from './preferences'
import { resumePush } from './push'
import { attentive, markRead, received, tellReads, wasRead } from './reading'
import { roomHeard } from './room'
import { client, leave, leaveEnded, me, status, visit } from './session'
import { isTyping, quiet } from './typing'

// The inbox of the logged-in user: first the list, then live changes.

const receivedAtOnce = 20 // chats of the list whose receipt is told: those that moved last

let inbox: Subscription | undefined
addEventListener('pagehide', () => inbox?.close()) // the browser may keep the page, and the user would seem to be here

/** Shows the chats of a user from login to logout. */
export const startInbox = () => effect(() => {
  if (!me.value) return
  const here = visit()
  client.outbox.on('change', (message) => here() && timeline(message.chat).track(message))
  load(here).catch((error) => here() && leave(error instanceof PullchatError ? error.message : String(error)))
  return () => inbox?.close()
})

async function load(here: () => boolean): Promise<void> {
  const waiting = await client.outbox.restore(client.user!).catch(() => [] as Outgoing[])
  if (!here()) return
  for (const message of waiting) timeline(message.chat).track(message)
  void loadPreferences()
  void resumePush(client).catch(() => {})
  await followInbox(here)
}

async function followInbox(here: () => boolean): Promise<void> {
  const cursors: Record<string, number> = {}
  let newest = 0
  let unreceived = receivedAtOnce
  for (let cursor = 0; ; ) {
    let page
    try {
      page = await client.inbox(cursor)
    } catch (error) {
      if (!here()) return
      if (!(error instanceof PullchatError) || !error.temporary) throw error
      status.value = { state: 'offline', reason: error }
      if (cursor === 0) await showKept()
      await new Promise((resolve) => setTimeout(resolve, 1000))
      if (!here()) return
      continue
    }
    if (!here()) return
    hideKept()
    const next = new Map(chats.peek())
    for (const entry of page.chats) {
      next.set(entry.chat, chatOf(entry))
      if (entry.unread && entry.last_message && unreceived-- > 0) received(entry.chat, entry.last_message.send_time + 1)
      const position = entry.last_message ? entry.last_message.send_time + 1 : entry.cursor
      cursors[entry.chat] = position
      newest = Math.max(newest, position)
    }
    chats.value = next
    cursor = page.next_cursor
    if (cursor === 0) break
  }
  inboxLoaded.value = true
  // Chats that begin meanwhile have newer positions; those that are known twice are skipped.
  const subscription = (inbox = client.followInbox({ cursors: reversed(cursors), cursor: newest, presence: false }))
  subscription.on('status', (next) => {
    if (next.state === 'live' && status.peek().state === 'offline') void refreshList().catch(() => {})
    status.value = next
    if (next.state === 'ended' && next.reason?.unauthenticated) leaveEnded()
  })
  subscription.on('page', heard)
  subscription.on('signal', ({ chat, sender, type }) => type === 'typing' && sender !== me.peek() && isTyping(chat, sender))
  subscription.on('read', ({ chat, reader, cursor }) => {
    const [user] = reader.split('/')
    timeline(chat).read(user!, cursor)
    if (user === me.peek()) wasRead(chat, cursor)
    else readerMoved(chat)
  })
  subscription.on('delivered', ({ chat, reader, cursor }) => timeline(chat).received(reader.split('/')[0]!, cursor))
  subscription.on('deleted', ({ chat }) => gone(chat))
}

function chatOf(entry: InboxEntry): Chat {
  learn(entry.users)
  const { chat, name, unread, cursor, last_message: last } = entry
  return { chat, name, last, unread, cursor, mention: entry.mentions > 0 || (unread > 0 && mentions(last)) }
}

/** After an outage: what was read, left or deleted meanwhile on other devices. */
async function refreshList(): Promise<void> {
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
  chats.value = next
  markRead()
}

/** The chats that moved last come last: as many as fit are told to the server. */
const reversed = (cursors: Record<string, number>) => Object.fromEntries(Object.entries(cursors).reverse())

function heard(page: ChatPage): void {
  learn(page.users)
  const { chat, messages } = page
  const mine = messages.some((m) => m.type === 'notice' && (m.event === 'left' || m.event === 'removed' || m.event === 'banned') && m.users?.includes(me.peek()!))
  batch(() => {
    timeline(chat).append(messages)
    quiet(chat, messages)
    if (messages.some((m) => m.type === 'notice' && !isChange(m))) forgetMembers(chat)
    const before: Chat = chats.peek().get(chat) ?? { chat, unread: 0, mention: false, cursor: 0 }
    const news = messages.filter((m) => m.send_time > (before.last?.send_time ?? 0) && !isChange(m))
    const others = news.filter((m) => m.sender !== me.peek() && m.type !== 'notice')
    const last = news.at(-1) ?? before.last
    const renamed = messages.findLast((m) => (m.event === 'created' || m.event === 'renamed') && m.name !== undefined)
    const seen = attentive(chat)
    putChat(chat, {
      ...before, name: renamed?.name ?? page.name ?? before.name, last: last && messages.filter(isChange).reduce((m, change) => changed(m, change), last),
      unread: seen ? before.unread : Math.min(100, before.unread + others.length), mention: !seen && (before.mention || others.some(mentions)),
    })
    if (others.length) received(chat, others.at(-1)!.send_time + 1)
    for (const m of others.slice(-3)) announce(chat, titleOf(chat), `${nameOf(m.sender)}: ${m.text}`, seen || isMuted(chat))
  })
  if (mine) gone(chat)
  else roomHeard(chat, messages)
}

const mentions = (m?: Message) => !!m && m.sender !== me.peek() && (m.mentions?.includes(me.peek()!) || means(m.text, me.peek()!))
