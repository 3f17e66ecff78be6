import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { Message } from 'pullchat'
import { answering, editing } from '../state/editing'
import { attempt, show } from '../state/notices'
import { isAdmin, pinsOf } from '../state/room'
import { client, me } from '../state/session'
import { server } from '../state/settings'
import { focusOn, react } from './reactions'
import { time } from './times'

const usual = ['👍', '❤️', '😂', '😮', '😢', '🎉']

/** The actions on a message. The menu opens beside the message: a menu over it would be cut off at the end of its chunk. */
export function Actions({ message: m }: { message: Message }) {
  const menu = useRef<HTMLDetailsElement>(null)
  const own = m.sender === me.value
  const open = useSignal(false)
  const close = () => (menu.current!.open = false)
  const then = (run: () => unknown) => () => (close(), menu.current!.querySelector('summary')!.focus(), void run())
  return (
    <details
      class="actions"
      ref={menu}
      onToggle={(e) => (open.value = e.currentTarget.open)}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !menu.current!.open) return
        e.stopPropagation()
        close()
        menu.current!.querySelector('summary')!.focus()
      }}
    >
      <summary aria-label={own ? `Change your message of ${time(m.send_time)}` : `Act on the message of ${time(m.send_time)}`} title="React, answer and more">
        ⋯
      </summary>
      {open.value && <Choices message={m} then={then} />}
    </details>
  )
}

/** The content of an open menu. Most menus are never opened. */
function Choices({ message: m, then }: { message: Message; then: (run: () => unknown) => () => void }) {
  const own = m.sender === me.value
  const pinned = pinsOf(m.chat).includes(m.send_time)
  return (
    <>
      <span class="emoji" role="group" aria-label="React">
        {usual.map((emoji) => (
          <button key={emoji} class="plain" aria-label={`React with ${emoji}`} onClick={then(() => react(m, emoji))}>
            {emoji}
          </button>
        ))}
        <form onSubmit={(e) => {
          e.preventDefault()
          const field = e.currentTarget.elements.namedItem('emoji') as HTMLInputElement
          if (field.value.trim()) then(() => react(m, field.value.trim()))()
          field.value = ''
        }}>
          <input name="emoji" aria-label="Another emoji" placeholder="😀" maxLength={16} autocomplete="off" />
        </form>
      </span>
      <button class="plain" onClick={then(() => ((editing.value = undefined), (answering.value = m)))}>
        Answer
      </button>
      {isAdmin(m.chat) && (
        <button class="plain" onClick={then(() => attempt(() => (pinned ? client.rooms.unpin(m.chat, m.send_time) : client.rooms.pin(m.chat, m.send_time))))}>
          {pinned ? 'Unpin' : 'Pin'}
        </button>
      )}
      {own && (
        <button class="plain" onClick={then(() => ((answering.value = undefined), (editing.value = m)))}>
          Edit
        </button>
      )}
      {!own && server.auth && (
        <button class="plain" onClick={then(() => report(m))}>
          Report
        </button>
      )}
      {(own || isAdmin(m.chat)) && (
        <button
          class="plain danger"
          onClick={then(() => confirm('Delete this message for everyone?') && (focusOn(m), attempt(() => client.deleteMessage(m.chat, m.send_time))))}
        >
          Delete
        </button>
      )}
    </>
  )
}

async function report(m: Message): Promise<void> {
  const reason = prompt('Why do you report this message? The operators of the server read it.')?.trim()
  if (!reason) return
  if (await attempt(() => client.report({ chat: m.chat, send_time: m.send_time, reason }))) show('The message was reported.')
}
