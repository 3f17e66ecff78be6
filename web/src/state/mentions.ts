import { isPair, otherOf } from './chats'
import { client } from './session'

// The mentions of a text: members of its room, as `@user`. The server refuses a message that mentions others, so members are read when
// a text has an @, and again after they changed.

const members = new Map<string, ReadonlySet<string>>()
const most = 50 // MaxMentions of the server

/** A mention in a text, such as `@bob`, with the punctuation after it: names may end with some. */
export const mention = /(?<=^|\s)@[\p{L}\p{M}\p{Nd}._+-]+/gu

/** The names that a mention may mean. */
const meant = (found: string) => [found.slice(1), found.slice(1).replace(/[.,:;!?]+$/, '')]

/** Whether a mention, or a text with mentions, means a user, in whatever case it is written. */
export const means = (text: string, user: string) => (text.match(mention) ?? []).some((found) => meant(found).some((name) => name.toLowerCase() === user.toLowerCase()))

export function forgetMembers(chat: string): void {
  members.delete(chat)
}

/** Reads the members of a room for `mentionsIn`. The first page of them will do: a mention in a large room only marks the text. */
export function readMembers(chat: string): void {
  if (isPair(chat) || members.has(chat)) return
  members.set(chat, new Set())
  client.rooms.show(chat).then((room) => members.has(chat) && members.set(chat, new Set(room.members?.map((m) => m.user))), () => members.delete(chat))
}

export function mentionsIn(chat: string, text: string): string[] {
  const known = isPair(chat) ? new Set([otherOf(chat)]) : members.get(chat)
  if (!known?.size) return []
  return [...new Set(text.match(mention)?.flatMap(meant))].filter((name) => known.has(name)).slice(0, most)
}
