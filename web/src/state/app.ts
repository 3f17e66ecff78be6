import { batch, computed, effect, signal } from '@preact/signals'
import {
  changed, isChange,
  indexedDBOutbox, localSession, Pullchat, PullchatError, type ChatPage, type InboxEntry, type Message, type MutedChat, type Outgoing, type PresenceResponse,
  type Status, type Subscription,
} from 'pullchat'
import { goTo, openChat } from './route'
import { roomHeard } from './room'
import { hideKept, showKept } from './keeping'
import { forgetKept } from './kept'
import { readerMoved } from './marks'
import { forgetMembers, means } from './mentions'
import { announce, show } from './notices'
import { endPush, leavePush, resumePush } from './push'
import { Reads } from './reads'
import { address, server } from './settings'
import { Timeline } from './timeline'

export interface Chat {
  chat: string
  name?: string
  last?: Message
  unread: number
  mention: boolean
  cursor: number
}

const userKey = 'pullchat-user' // with AUTH=off: the name that was given
const sessionKey = 'pullchat-session' // with AUTH=on
const farEnd = Number.MAX_SAFE_INTEGER // a cursor past every message
const typingLasts = 6000 // milliseconds
const receivedAtOnce = 20 // chats of the list whose receipt is told: those that moved last

function newClient(user?: string): Pullchat {
  const client = new Pullchat(address, { user, outbox: indexedDBOutbox(), ...(server.auth && { session: localSession(sessionKey) }) })
  client.onSession((session) => {
    if (!session && me.peek()) leave('Your session has ended. Log in again.')
  })
  client.outbox.on('change', (message) => timeline(message.chat).track(message))
  return client
}

export let client = newClient(localStorage.getItem(userKey) ?? undefined)
export const me = signal<string | undefined>(undefined)
export const status = signal<Status>({ state: 'connecting' })
export const chats = signal<ReadonlyMap<string, Chat>>(new Map())
export const inboxLoaded = signal(false)
export const names = signal<ReadonlyMap<string, string>>(new Map())
export const presence = signal<PresenceResponse | undefined>(undefined)
export const typing = signal<ReadonlyMap<string, ReadonlyMap<string, number>>>(new Map())
export const ignored = signal<ReadonlySet<string>>(new Set())
export const muted = signal<readonly MutedChat[]>([])
export const loginNote = signal('')

/** The chats of the list, the newest activity first. */
export const listed = computed(() => [...chats.value.values()].sort((a, b) => (b.last?.send_time ?? b.cursor) - (a.last?.send_time ?? a.cursor)))
export const unreadChats = computed(() => listed.value.filter((c) => c.unread > 0 && !isMuted(c.chat)).length)

const timelines = new Map<string, Timeline>()

export function timeline(chat: string): Timeline {
  let found = timelines.get(chat)
  if (!found) timelines.set(chat, (found = new Timeline(chat, client)))
  return found
}

export const isMuted = (chat: string) => muted.value.some((m) => m.chat === chat && (!m.until || m.until > Date.now() * 1000))
export const isPair = (chat: string) => chat.includes(':')

/** The other user of a conversation; of a chat with oneself, oneself. */
export function otherOf(chat: string): string {
  const [a = '', b = ''] = chat.split(':')
  return a === me.value ? b : a
}

export const pairWith = (user: string) => [me.peek()!, user].sort().join(':')
export const nameOf = (user: string) => names.value.get(user) || user
export const titleOf = (chat: string) => (isPair(chat) ? nameOf(otherOf(chat)) : chats.value.get(chat)?.name || chat)

/** Runs what the user asked for, and shows why it failed. It answers whether it succeeded. */
export async function attempt(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run()
    return true
  } catch (error) {
    show(error instanceof PullchatError ? error.message : String(error))
    return false
  }
}

// Coming and going

let inbox: Subscription | undefined

export async function enter(user: string, password?: string, register?: { name?: string }): Promise<void> {
  if (server.auth) {
    client = newClient()
    if (register) await client.register({ user, password: password!, ...(register.name && { name: register.name }) })
    await client.login(user, password!)
  } else {
    client = newClient(user)
    await client.inbox(0, 1) // the server says whether the name will do
    localStorage.setItem(userKey, user)
  }
  begin()
}

/** Continues as the user of the last visit. */
export function resume(): void {
  if (client.user) begin()
}

/** Shows the chats of the user. */
function begin(): void {
  loginNote.value = ''
  timelines.clear()
  reads = new Reads(client)
  me.value = client.user
  const here = visit()
  load(here).catch((error) => here() && leave(error instanceof PullchatError ? error.message : String(error)))
}

/** Whether the user who is here now still is, for what goes on when the user may have left. */
function visit(): () => boolean {
  const by = client
  return () => client === by && me.peek() !== undefined
}

async function load(here: () => boolean): Promise<void> {
  const waiting = await client.outbox.restore(client.user!).catch(() => [] as Outgoing[])
  if (!here()) return
  for (const message of waiting) timeline(message.chat).track(message)
  void own()
  void resumePush(client).catch(() => {})
  await followInbox(here)
}

async function own(): Promise<void> {
  const here = visit()
  const [i, m] = await Promise.allSettled([client.ignored(), client.muted()])
  if (!here()) return
  if (i.status === 'fulfilled') ignored.value = new Set(i.value)
  if (m.status === 'fulfilled') muted.value = m.value
}

export async function logout(): Promise<void> {
  if (status.peek().state === 'live') await reads?.tell() // the session of the user is needed for it
  await leavePush(client)
  if (server.auth) await client.logout().catch(() => {}) // here it ends in any case
  leave('')
}

// What another tab of this browser does with the session.
addEventListener('storage', ({ key, newValue }) => {
  if (key !== sessionKey && key !== userKey) return
  const user = newValue && (key === userKey ? newValue : JSON.parse(newValue).user)
  if (me.peek() && !user) leave('Your session has ended. Log in again.')
  else if (me.peek() && user !== me.peek()) location.reload()
})

// A page that the user has left may be kept for the way back, its streams too: the user would seem to be here.
addEventListener('pagehide', () => {
  inbox?.close()
  attending?.close()
})
addEventListener('pageshow', ({ persisted }) => persisted && location.reload())

function leave(note: string): void {
  inbox?.close()
  attending?.close()
  client.close()
  void endPush().catch(() => {})
  void forgetKept().catch(() => {})
  localStorage.removeItem(userKey)
  batch(() => {
    me.value = undefined
    chats.value = new Map()
    inboxLoaded.value = false
    status.value = { state: 'connecting' }
    loginNote.value = note
  })
}

// The inbox: the list first, and then what comes after it.

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
      if (entry.unread && entry.last_message && unreceived-- > 0) reads?.received(entry.chat, entry.last_message.send_time + 1)
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
    if (next.state === 'ended' && next.reason?.unauthenticated) leave('Your session has ended. Log in again.')
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
  await reads?.tell()
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
    update(chat, {
      ...before, name: renamed?.name ?? page.name ?? before.name, last: last && messages.filter(isChange).reduce((m, change) => changed(m, change), last),
      unread: seen ? before.unread : Math.min(100, before.unread + others.length), mention: !seen && (before.mention || others.some(mentions)),
    })
    if (others.length) reads?.received(chat, others.at(-1)!.send_time + 1)
    for (const m of others.slice(-3)) announce(chat, titleOf(chat), `${nameOf(m.sender)}: ${m.text}`, seen || isMuted(chat))
  })
  if (mine) gone(chat)
  else roomHeard(chat, messages)
}

function update(chat: string, entry: Chat): void {
  chats.value = new Map(chats.peek()).set(chat, entry)
}

/** Takes a chat off the list: the user left the room, or it is deleted. */
export function gone(chat: string): void {
  const next = new Map(chats.peek())
  next.delete(chat)
  chats.value = next
  timelines.delete(chat)
  if (openChat.peek() === chat) goTo(undefined)
}

/** Puts a room into the list that the server does not list yet. */
export function listRoom(chat: string, name: string): void {
  if (!chats.peek().has(chat)) update(chat, { chat, name, unread: 0, mention: false, cursor: Date.now() * 1000 })
}

const mentions = (m?: Message) => !!m && m.sender !== me.peek() && (m.mentions?.includes(me.peek()!) || means(m.text, me.peek()!))

// Names for people

function learn(users?: readonly { user: string; name: string }[]): void {
  const news = users?.filter((u) => names.peek().get(u.user) !== u.name)
  if (news?.length) names.value = new Map([...names.peek(), ...news.map((u) => [u.user, u.name] as const)])
}

const asked = new Set<string>()
let asking: string[] = []

/** Asks for the names of users, all that are needed at the same time together. */
export function needName(user: string): void {
  if (!server.auth || asked.has(user) || names.peek().has(user)) return
  asked.add(user)
  if (asking.push(user) > 1) return
  setTimeout(() => client.contacts(asking.splice(0)).then(learn, () => {}), 20)
}

// Reading

const attentive = (chat: string) => openChat.peek() === chat && document.visibilityState === 'visible' && atEnd
let atEnd = true
let reads: Reads | undefined

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
  update(chat, { ...entry, unread: 0, mention: false, cursor: last.send_time + 1 })
  reads?.add(chat, last.send_time + 1)
}

function wasRead(chat: string, cursor: number): void {
  const entry = chats.peek().get(chat)
  if (!entry || cursor <= entry.cursor) return
  const all = cursor > (entry.last?.send_time ?? 0)
  update(chat, { ...entry, cursor, ...(all && { unread: 0, mention: false }) })
  if (all) return
  client.unread().then(({ chats: counts }) => {
    const now = chats.peek().get(chat)
    if (now) update(chat, { ...now, unread: counts.find((c) => c.chat === chat)?.unread ?? 0 })
  }, () => {})
}

// The open chat: the user is present there while the page is seen.

let attending: Subscription | undefined
export const visible = signal(document.visibilityState === 'visible')
document.addEventListener('visibilitychange', () => {
  visible.value = document.visibilityState === 'visible'
  markRead()
})

effect(() => {
  attending?.close()
  presence.value = undefined
  const chat = openChat.value
  if (!me.value || !chat || !visible.value || !inboxLoaded.value) return
  // The inbox delivers the messages; this says who is here.
  attending = client.follow(chat, { reader: me.value, presence: true, cursors: { [chat]: farEnd } })
  attending.on('presence', (next) => (presence.value = next))
})

// Typing

function isTyping(chat: string, user: string): void {
  if (ignored.peek().has(user)) return
  const until = Date.now() + typingLasts
  typing.value = new Map(typing.peek()).set(chat, new Map(typing.peek().get(chat)).set(user, until))
  setTimeout(() => {
    if (typing.peek().get(chat)?.get(user) === until) stopped(chat, [user])
  }, typingLasts)
}

function stopped(chat: string, users: readonly string[]): void {
  const still = new Map(typing.peek().get(chat))
  for (const user of users) still.delete(user)
  typing.value = new Map(typing.peek()).set(chat, still)
}

const quiet = (chat: string, messages: readonly Message[]) => typing.peek().get(chat)?.size && stopped(chat, messages.map((m) => m.sender))

let told = 0

/** What is typed after a message was sent is told again at once. */
export const sentText = () => void (told = 0)

export function tellTyping(chat: string): void {
  if (Date.now() - told < typingLasts / 2 || status.peek().state !== 'live') return
  told = Date.now()
  client.typing(chat).catch(() => {})
}

// Ignoring and muting

export async function setIgnored(user: string, is: boolean): Promise<void> {
  await client.ignore(user, is)
  const next = new Set(ignored.peek())
  if (is) next.add(user)
  else next.delete(user)
  ignored.value = next
  void forgetKept().catch(() => {}) // it may have messages of the user
  for (const t of timelines.values()) t.reset()
}

export async function setMuted(chat: string, is: boolean): Promise<void> {
  await client.mute(chat, is)
  muted.value = [...muted.peek().filter((m) => m.chat !== chat), ...(is ? [{ chat }] : [])]
}
