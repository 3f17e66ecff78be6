import { client, isPair, otherOf } from './app'

// Whom a text mentions: members of its room, as `@user`. The server refuses a message that mentions others, so members are read when
// a text has an @, and again after they changed.

const members = new Map<string, ReadonlySet<string>>()
const most = 50 // MaxMentions of the server

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
  const named = new Set([...text.matchAll(/(?<=^|\s)@([\p{L}\p{M}\p{Nd}._+-]+)/gu)].flatMap(([, name]) => [name!, name!.replace(/[.,:;!?]+$/, '')]))
  return [...named].filter((name) => known.has(name)).slice(0, most)
}
