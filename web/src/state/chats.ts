import { computed, effect, signal } from '@preact/signals'
import type { Message } from 'pullchat'
import { nameOf } from './names'
import { goTo, openChat } from './route'
import { client, me } from './session'
import { Timeline } from './timeline'

// The chats of the user: the list, and the loaded messages of each.

export interface Chat {
  chat: string
  name?: string
  last?: Message
  unread: number
  mention: boolean
  cursor: number
}

export const chats = signal<ReadonlyMap<string, Chat>>(new Map())
export const inboxLoaded = signal(false)

/** The chats of the list, the newest activity first. */
export const listed = computed(() => [...chats.value.values()].sort((a, b) => (b.last?.send_time ?? b.cursor) - (a.last?.send_time ?? a.cursor)))

const timelines = new Map<string, Timeline>()

export function timeline(chat: string): Timeline {
  let found = timelines.get(chat)
  if (!found) timelines.set(chat, (found = new Timeline(chat, client)))
  return found
}

/** Empties all chats, so that they are loaded again. */
export function resetTimelines(): void {
  for (const each of timelines.values()) each.reset()
}

// They are of one user.
effect(() => {
  timelines.clear()
  if (me.value) return
  chats.value = new Map()
  inboxLoaded.value = false
})

export const isPair = (chat: string) => chat.includes(':')

/** The other user of a conversation; of a chat with oneself, oneself. */
export function otherOf(chat: string): string {
  const [a = '', b = ''] = chat.split(':')
  return a === me.value ? b : a
}

export const pairWith = (user: string) => [me.peek()!, user].sort().join(':')
/** The name of a chat. That of a room comes with the list. */
export const titleOf = (chat: string) => (isPair(chat) ? nameOf(otherOf(chat)) : chats.value.get(chat)?.name || (inboxLoaded.value ? chat : '…'))

export function putChat(chat: string, entry: Chat): void {
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
  if (!chats.peek().has(chat)) putChat(chat, { chat, name, unread: 0, mention: false, cursor: Date.now() * 1000 })
}
