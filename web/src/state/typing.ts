import { signal } from '@preact/signals'
import type { Message } from 'pullchat'
import { ignored } from './preferences'
import { client, status } from './session'

// Who is typing

const lasts = 6000 // milliseconds

/** Until when users are typing, by chat and user. */
export const typing = signal<ReadonlyMap<string, ReadonlyMap<string, number>>>(new Map())

export function isTyping(chat: string, user: string): void {
  if (ignored.peek().has(user)) return
  const until = Date.now() + lasts
  typing.value = new Map(typing.peek()).set(chat, new Map(typing.peek().get(chat)).set(user, until))
  setTimeout(() => {
    if (typing.peek().get(chat)?.get(user) === until) stopped(chat, [user])
  }, lasts)
}

function stopped(chat: string, users: readonly string[]): void {
  const still = new Map(typing.peek().get(chat))
  for (const user of users) still.delete(user)
  typing.value = new Map(typing.peek()).set(chat, still)
}

/** The sender of a message no longer types it. */
export const quiet = (chat: string, messages: readonly Message[]) => typing.peek().get(chat)?.size && stopped(chat, messages.map((m) => m.sender))

let told = 0

/** After a sent message the next typing is signalled at once. */
export const sentText = () => void (told = 0)

export function tellTyping(chat: string): void {
  if (Date.now() - told < lasts / 2 || status.peek().state !== 'live') return
  told = Date.now()
  client.typing(chat).catch(() => {})
}
