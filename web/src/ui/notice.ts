import type { Message } from 'pullchat'
import { me, nameOf } from '../state/app'

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
  }
  return m.text
}
