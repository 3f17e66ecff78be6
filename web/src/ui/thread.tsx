import { useSignal, useSignalEffect } from '@preact/signals'
import type { Message } from 'pullchat'
import { attempt, client, me, nameOf, timeline } from '../state/app'
import { answering, threadOf } from '../state/editing'
import { panel } from '../state/route'
import { Panel } from './info'
import { Text } from './text'
import { fully, time } from './times'

/** What a message answers. */
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
      {m.replies === 1 ? '1 answer' : `${m.replies} answers`}
    </button>
  ) : null

function showThread(m: Message): void {
  threadOf.value = m
  panel.value = 'thread'
}

/** A message and its answers. */
export function Thread({ of }: { of: Message }) {
  const answers = useSignal<readonly Message[] | undefined>(undefined)
  const parent = timeline(of.chat).find(of.send_time) ?? of
  useSignalEffect(() => {
    timeline(of.chat).chunks.value // read anew with what comes
    void attempt(async () => {
      const all: Message[] = []
      for (let cursor = 0, more = true; more; ) {
        const page = await client.thread(of.chat, of.send_time, cursor)
        all.push(...page.messages)
        more = page.has_more
        cursor = page.next_cursor
      }
      answers.value = all
    })
  })
  return (
    <Panel title="Answers">
      <Line of={parent} />
      <hr />
      {answers.value?.map((m) => <Line key={m.send_time} of={m} />) ?? <p class="hint">Loading …</p>}
      {answers.value?.length === 0 && <p class="hint">Nothing answers this message yet.</p>}
      <button class="primary" onClick={() => ((answering.value = parent), matchMedia('(max-width: 720px)').matches && (panel.value = 'none'))}>
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
