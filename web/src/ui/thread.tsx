import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Message } from 'pullchat'
import { timeline } from '../state/chats'
import { answering, threadOf } from '../state/editing'
import { nameOf } from '../state/names'
import { attempt } from '../state/notices'
import { panel } from '../state/route'
import { client, me } from '../state/session'
import { Panel } from './info'
import { Text } from './text'
import { fully, time } from './times'

/** The message that a message answers. */
export function Quote({ of: m }: { of: Message }) {
  const p = timeline(m.chat).look(m.reply_to!)
  return (
    <button type="button" class="quote" onClick={() => p && showThread(p)}>
      <strong>
        <bdi>{p ? (p.sender === me.value ? 'You' : nameOf(p.sender)) : '…'}</bdi>
      </strong>
      <span dir="auto">{p?.erased ? 'deleted' : p?.text.slice(0, 200)}</span>
    </button>
  )
}

/** How many messages answer this one. */
export const Answers = ({ of: m }: { of: Message }) =>
  m.replies ? (
    <button type="button" class="answers" onClick={() => showThread(m)}>
      <bdi>{m.replies === 1 ? '1 answer' : `${m.replies} answers`}</bdi>
    </button>
  ) : null

function showThread(m: Message): void {
  threadOf.value = m
  panel.value = 'thread'
}

/** A message and its answers, which are read once, and then as more come. */
export function Thread({ of }: { of: Message }) {
  const answers = useSignal<readonly Message[] | undefined>(undefined)
  const place = useRef({ cursor: 0, reading: Promise.resolve(), gone: false })
  const parent = useComputed(() => timeline(of.chat).look(of.send_time) ?? of)
  const newest = useComputed(() => parent.value.last_reply ?? 0)
  useEffect(() => () => void (place.current.gone = true), [])
  useSignalEffect(() => {
    newest.value
    place.current.reading = place.current.reading.then(() => attempt(read)).then(() => {})
  })

  async function read(): Promise<void> {
    const at = place.current
    for (let more = true; more && !at.gone; ) {
      const page = await client.thread(of.chat, of.send_time, at.cursor)
      answers.value = [...(answers.peek() ?? []), ...page.messages]
      at.cursor = Math.max(at.cursor, page.next_cursor)
      more = page.has_more
    }
  }
  return (
    <Panel title="Answers">
      <Line of={parent.value} />
      <hr />
      {answers.value?.map((m) => <Line key={m.send_time} of={timeline(m.chat).find(m.send_time) ?? m} />) ?? <p class="hint">Loading …</p>}
      {answers.value?.length === 0 && <p class="hint">Nothing answers this message yet.</p>}
      <button class="primary" onClick={() => ((answering.value = parent.value), matchMedia('(max-width: 720px)').matches && (panel.value = 'none'))}>
        Answer
      </button>
    </Panel>
  )
}

const Line = ({ of: m }: { of: Message }) => (
  <p class="answer">
    <strong>
      <bdi>{m.sender === me.value ? 'You' : nameOf(m.sender)}</bdi>
    </strong>{' '}
    <time title={fully(m.send_time)}>{time(m.send_time)}</time>
    <br />
    <span dir="auto">{m.erased ? <i>deleted</i> : <Text text={m.text} me={me.value} />}</span>
  </p>
)
