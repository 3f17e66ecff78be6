import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { timeline } from '../state/chats'
import { nameOf } from '../state/names'
import { attempt } from '../state/notices'
import { pinsOf } from '../state/room'
import { me } from '../state/session'
import { Pin } from './icons'

/** The pinned messages of the open room: the latest one, and a list of all. */
export function Pins({ chat }: { chat: string }) {
  const open = useSignal(false)
  const left = useRef(false)
  useEffect(() => () => void (left.current = true), [])
  const pins = pinsOf(chat).toReversed()
  if (!pins.length) return null
  return (
    <div
      class="pins"
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !open.peek()) return
        e.stopPropagation() // it closes panels too
        open.value = false
        e.currentTarget.querySelector('button')!.focus()
      }}
    >
      <button class="pinned" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
        <Pin />
        <span class="hidden">{pins.length === 1 ? '1 pinned message' : `${pins.length} pinned messages`}, the latest: </span>
        <Line chat={chat} at={pins[0]!} />
        {pins.length > 1 && <span class="count" aria-hidden="true">{pins.length}</span>}
      </button>
      {open.value && (
        <ul aria-label="Pinned messages">
          {pins.map((at) => (
            <li key={at}>
              <button class="pinned" onClick={() => ((open.value = false), void attempt(() => timeline(chat).seek(at, () => !left.current)))}>
                <Line chat={chat} at={at} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function Line({ chat, at }: { chat: string; at: number }) {
  const m = timeline(chat).look(at)
  return (
    <span class="of">
      <strong>
        <bdi>{m ? (m.sender === me.value ? 'You' : nameOf(m.sender)) : '…'}</bdi>
      </strong>{' '}
      <span dir="auto">{m?.erased ? 'deleted' : m?.text.slice(0, 200)}</span>
    </span>
  )
}
