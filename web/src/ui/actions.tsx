import { useRef } from 'preact/hooks'
import type { Message } from 'pullchat'
import { attempt, client } from '../state/app'
import { editing } from '../state/editing'
import { time } from './times'

/** What users may do with their own messages. It opens beside the message: a menu over it would be cut off at the end of its chunk. */
export function Actions({ message: m }: { message: Message }) {
  const menu = useRef<HTMLDetailsElement>(null)
  const close = () => (menu.current!.open = false)
  return (
    <details
      class="actions"
      ref={menu}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !menu.current!.open) return
        e.stopPropagation()
        close()
        menu.current!.querySelector('summary')!.focus()
      }}
    >
      <summary aria-label={`Change your message of ${time(m.send_time)}`} title="Change this message">
        ⋯
      </summary>
      <button class="plain" onClick={() => (close(), (editing.value = m))}>
        Edit
      </button>
      <button
        class="plain danger"
        onClick={() => {
          close()
          if (confirm('Delete this message for everyone?')) void attempt(() => client.deleteMessage(m.chat, m.send_time))
        }}
      >
        Delete
      </button>
    </details>
  )
}
