import { signal } from '@preact/signals'
import { isChange, type Message } from 'pullchat'
import { isPair } from './chats'
import { openChat } from './route'
import { client } from './session'

/** The state of the open room: whether the user is its admin, and its pinned messages, the latest pin last. */
export const room = signal<{ chat: string; admin: boolean; pinned: readonly number[] }>({ chat: '', admin: false, pinned: [] })

let asked = 0

/** Reads the room that is open. Of answers that overtake each other, that of the last question counts. */
export async function readRoom(chat: string): Promise<void> {
  if (isPair(chat)) return
  const question = ++asked
  const { role, pinned = [] } = await client.rooms.show(chat)
  if (question === asked && openChat.peek() === chat) room.value = { chat, admin: role === 'admin', pinned }
}

/** Reads the open room again where a notice, or the deletion of a message, may have changed it. */
export function roomHeard(chat: string, messages: readonly Message[]): void {
  if (openChat.peek() === chat && messages.some((m) => (m.type === 'notice' && !isChange(m)) || m.kind === 'delete')) void readRoom(chat).catch(() => {})
}

export const isAdmin = (chat: string) => room.value.chat === chat && room.value.admin
export const pinsOf = (chat: string) => (room.value.chat === chat ? room.value.pinned : [])
