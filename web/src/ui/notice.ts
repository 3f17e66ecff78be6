import type { Message } from 'pullchat'
import { nameOf } from '../state/names'
import { me } from '../state/session'

const list = new Intl.ListFormat('en')

/** A change of a room in words, with the names of people. */
export function noticeText(m: Message): string {
  const who = m.sender === me.value ? 'You' : nameOf(m.sender)
  const others = (m.users ?? []).filter((u) => u !== m.sender)
  const whom = list.format(others.map((u) => (u === me.value ? 'you' : nameOf(u))))
  switch (m.event) {
    case 'created':
      return `${who} created the room${whom && ` with ${whom}`}`
    case 'joined':
      return `${who} joined`
    case 'left':
      return `${who} left`
    case 'added':
      return `${who} added ${whom}`
    case 'removed':
      return `${who} removed ${whom}`
    case 'promoted':
      return `${who} made ${whom} an admin`
    case 'demoted':
      return `${who} made ${whom} a member`
    case 'renamed':
      return `${who} named the room “${m.name ?? ''}”`
    case 'opened':
      return `${who} made the room public`
    case 'closed':
      return `${who} made the room private`
    case 'banned':
      return `${who} banned ${whom}${until(m.text)}`
    case 'unbanned':
      return `${who} lifted the ban of ${whom}`
    case 'muted':
      return `${who} muted ${whom}${until(m.text)}`
    case 'unmuted':
      return `${who} lifted the mute of ${whom}`
    case 'slow_mode':
      return m.text.includes(' set slow mode') ? `${who} set slow mode: a message in ${m.text.split(' ').at(-1)}` : `${who} ended slow mode`
    case 'announce':
      return `${who} made this a room for announcements: only admins send`
    case 'discuss':
      return `${who} lets all members send`
    case 'pinned':
      return `${who} pinned a message`
    case 'unpinned':
      return `${who} unpinned a message`
  }
  return m.text
}

/** The end of a ban or mute, in the reader's time zone. */
function until(text: string): string {
  const end = / until (\S+Z)$/.exec(text)
  return end ? ` until ${new Date(end[1]!).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })}` : ''
}
