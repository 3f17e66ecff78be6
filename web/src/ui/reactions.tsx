import type { Message, Reaction } from 'pullchat'
import { nameOf } from '../state/names'
import { attempt } from '../state/notices'
import { client, me } from '../state/session'

/** Adds a reaction of the user, or takes it back. */
export const react = (m: Message, emoji: string) =>
  attempt(() => (m.reactions?.some((r) => r.emoji === emoji && r.own) ? client.unreact(m.chat, m.send_time, emoji) : client.react(m.chat, m.send_time, emoji)))

/** Gives the focus to a message: what has it goes. */
export function focusOn(m: Message): void {
  const message = document.querySelector<HTMLElement>(`.message[data-at="${m.send_time}"]`)
  if (!message) return
  message.tabIndex = -1
  message.focus({ preventScroll: true })
}

/** The reactions to a message. Each is a button that adds the user's own. */
export function Reactions({ of: m }: { of: Message }) {
  if (!m.reactions?.length) return null
  return (
    <span class="reactions">
      {m.reactions.map((r) => (
        <button key={r.emoji} type="button" aria-pressed={!!r.own} aria-label={`${r.emoji} ${r.count}`} title={namesOf(r)} onClick={() => (r.own && r.count === 1 && focusOn(m), react(m, r.emoji))}>
          <span aria-hidden="true">{r.emoji}</span> {r.count}
        </button>
      ))}
    </span>
  )
}

function namesOf({ users, count }: Reaction): string {
  const named = users.map((user) => (user === me.value ? 'you' : nameOf(user)))
  return named.join(', ') + (count > users.length ? ` and ${count - users.length} more` : '')
}
