import { useSignal, useSignalEffect } from '@preact/signals'
import { memo } from 'preact/compat'
import { useCallback, useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Message, Outgoing } from 'pullchat'
import { attempt, client, isPair, me, nameOf, needName, otherOf, seesEnd } from '../state/app'
import { fileOf } from '../state/files'
import type { Timeline } from '../state/timeline'
import { Actions } from './actions'
import { Attachment } from './attachment'
import { Avatar } from './avatar'
import { Check, Checks, Clock, Down } from './icons'
import { noticeText } from './notice'
import { Reactions } from './reactions'
import { Text } from './text'
import { Answers, Quote } from './thread'
import { dayName, fully, sameDay, time } from './times'

const near = 80 // pixels from the end that count as the end
const together = 5 * 60_000_000 // microseconds within which messages of a sender share their head

export function Messages({ of }: { of: Timeline }) {
  const box = useRef<HTMLDivElement>(null)
  const place = useRef({ atEnd: true, prepended: of.prepended.peek() })
  const away = useSignal(false)
  const chunks = of.chunks.value
  const outgoing = of.outgoing.value
  const height = box.current?.scrollHeight ?? 0 // before this change

  const older = useCallback(() => {
    const { scrollTop, clientHeight } = box.current!
    if (scrollTop < 2 * clientHeight && of.loaded.peek() && of.older.peek() === 'more') void attempt(() => of.loadOlder())
  }, [of])

  // After older messages were put on top, the view keeps its place; at the end, it stays at the end.
  useLayoutEffect(() => {
    const view = box.current!
    const was = place.current
    if (was.prepended !== of.prepended.peek()) view.scrollTop += view.scrollHeight - height
    else if (was.atEnd) view.scrollTop = view.scrollHeight
    place.current = { ...was, prepended: of.prepended.peek() }
    older()
    if (was.atEnd) seesEnd(true)
  }, [chunks, outgoing.length])

  // A message that was sought comes into view, and has the focus: screen readers read it.
  const sought = of.sought.value
  useLayoutEffect(() => {
    const found = sought && box.current!.querySelector<HTMLElement>(`[data-at="${sought}"]`)
    if (!found) return
    of.sought.value = 0
    place.current.atEnd = false
    found.scrollIntoView({ block: 'center' })
    found.tabIndex = -1 // only this one takes the focus: a click on another must not
    found.focus({ preventScroll: true })
  }, [chunks, sought])

  // The user's own message brings the view to the end.
  useLayoutEffect(() => {
    if (outgoing.length) toEnd()
  }, [outgoing.at(-1)?.id])

  useEffect(() => {
    const view = box.current!
    let width = view.clientWidth
    const observer = new ResizeObserver(() => {
      if (width !== (width = view.clientWidth)) settle([...view.querySelectorAll<HTMLElement>('.chunk[data-closed]')])
      if (place.current.atEnd) view.scrollTop = view.scrollHeight
    })
    observer.observe(view)
    return () => observer.disconnect()
  }, [])

  useSignalEffect(() => void (of.loaded.value || (place.current.atEnd = true)))

  function toEnd(): void {
    const view = box.current!
    view.scrollTop = view.scrollHeight
    place.current.atEnd = true
    away.value = false
    seesEnd(true)
  }

  function scrolled(): void {
    const view = box.current!
    const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < near
    if (atEnd !== place.current.atEnd) {
      place.current.atEnd = atEnd
      away.value = !atEnd
      seesEnd(atEnd)
    }
    older()
  }

  return (
    <div class="messages">
      <div class="scroll" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label="Messages">
        <Top of={of} />
        {chunks.map((chunk, i) => (
          <Chunk key={chunk[0]!.send_time} messages={chunk} before={chunks[i - 1]?.at(-1)} closed={i < chunks.length - 1} of={of} />
        ))}
        {outgoing.map((o) => (
          <Waiting key={o.id} of={of} message={o} />
        ))}
      </div>
      {away.value && (
        <button class="icon to-end" aria-label="To the newest message" onClick={toEnd}>
          <Down />
        </button>
      )}
    </div>
  )
}

function Top({ of }: { of: Timeline }) {
  switch (of.older.value) {
    case 'loading':
      return <p class="top" dir="auto">Loading …</p>
    case 'failed':
      return (
        <p class="top">
          <button class="plain" onClick={() => attempt(() => of.loadOlder())}>
            Load again
          </button>
        </p>
      )
    case 'begin':
      return <p class="top" dir="auto">{of.last.value ? 'This is the beginning.' : 'There are no messages yet. Write the first one.'}</p>
  }
  return <p class="top" />
}

interface ChunkProps {
  messages: readonly Message[]
  before?: Message
  closed: boolean
  of: Timeline
}

/** A part of the log. A full one is drawn by the browser only where it is seen, with the height that it had. */
const Chunk = memo(function Chunk({ messages, before, closed, of }: ChunkProps) {
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    if (!closed) return
    settle([box.current!])
  }, [closed, messages, before])
  return (
    <div ref={box} class="chunk" data-closed={closed || undefined}>
      {messages.map((m, i) => (
        <Entry key={m.send_time} message={m} before={messages[i - 1] ?? before} of={of} />
      ))}
    </div>
  )
})

/** Lets the browser skip chunks that are out of sight, at exactly the height that they have now. */
function settle(chunks: HTMLElement[]): void {
  for (const { style } of chunks) style.contentVisibility = ''
  const heights = chunks.map((chunk) => chunk.getBoundingClientRect().height)
  chunks.forEach(({ style }, i) => {
    style.containIntrinsicBlockSize = `${heights[i]}px` // not auto: a remembered height may be of other messages
    style.contentVisibility = 'auto'
  })
}

function Entry({ message: m, before, of }: { message: Message; before?: Message; of: Timeline }) {
  const newDay = !before || !sameDay(before.send_time, m.send_time)
  const unread = of.unreadFrom.value
  const firstUnread = unread > 0 && m.send_time >= unread && (before?.send_time ?? 0) < unread
  const alone = newDay || firstUnread || !before || before.type === 'notice' || before.sender !== m.sender || m.send_time - before.send_time > together
  return (
    <>
      {newDay && (
        <p class="line">
          <span>{dayName(m.send_time)}</span>
        </p>
      )}
      {firstUnread && (
        <p class="line unread">
          <span>New messages</span>
        </p>
      )}
      {m.type === 'notice' ? (
        <p class="notice" dir="auto" title={fully(m.send_time)}>
          {noticeText(m)}
        </p>
      ) : (
        <Bubble message={m} head={alone} of={of} />
      )}
    </>
  )
}

function Bubble({ message: m, head, of }: { message: Message; head: boolean; of: Timeline }) {
  const own = m.sender === me.value
  const named = head && !own && !isPair(of.chat)
  useEffect(() => {
    if (named) needName(m.sender)
  }, [m.sender, named])
  return (
    <article class={`message${own ? ' own' : ''}${head ? ' head' : ''}`} data-at={m.send_time}>
      {!own && !isPair(of.chat) && <span class="side">{head && <Avatar id={m.sender} name={nameOf(m.sender)} small />}</span>}
      {own && !m.erased && !m.deleted && <Actions message={m} />}
      <div class="bubble">
        {named ? (
          <strong class="sender">
            <bdi>{nameOf(m.sender)}</bdi>
          </strong>
        ) : (
          <span class="hidden">{own ? 'You' : nameOf(m.sender)}: </span>
        )}
        {m.reply_to && !m.erased && <Quote of={m} />}
        <Attachment of={m} />
        <span class={fileOf(m)?.name === m.text ? 'text hidden' : 'text'} dir="auto">
          {m.deleted ? <i>This message was deleted.</i> : m.erased ? <i>This message was erased.</i> : <Text text={m.text} me={me.value} />}
        </span>
        <span class="meta">
          {m.edited && !m.erased && <span title={fully(m.edited)}>edited</span>}
          <time dir="auto" title={fully(m.send_time)}>{time(m.send_time)}</time>
          {own && <Mark of={of} at={m.send_time} />}
        </span>
        <Reactions of={m} />
        <Answers of={m} />
      </div>
      {!own && !m.erased && !m.deleted && <Actions message={m} />}
    </article>
  )
}

/** Whether the other user has read it. Rooms show that it is stored. */
function Mark({ of, at }: { of: Timeline; at: number }) {
  const other = otherOf(of.chat)
  const read = isPair(of.chat) && other !== me.value && (of.readers.value.get(other) ?? 0) > at
  return (
    <span class={read ? 'mark read' : 'mark'} role="img" aria-label={read ? 'read' : 'sent'} title={read ? 'Read' : 'Sent'}>
      {read ? <Checks /> : <Check />}
    </span>
  )
}

/** A message that is not in the log yet. */
function Waiting({ of, message: m }: { of: Timeline; message: Outgoing }) {
  const failed = m.state === 'failed'
  return (
    <article class={`message own head waiting${failed ? ' failed' : ''}`}>
      <div class="bubble">
        <span class="hidden">You: </span>
        <span class="text" dir="auto">
          <Text text={m.text} />
        </span>
        <span class="meta">
          {failed ? 'not sent' : m.state === 'queued' ? 'waiting' : 'sending'}
          {!failed && (
            <span class="mark">
              <Clock />
            </span>
          )}
        </span>
      </div>
      {failed && (
        <p class="failure" role="alert">
          {m.error?.message}
          <button class="plain" onClick={() => attempt(() => client.outbox.retry(m))}>
            Send again
          </button>
          <button class="plain" onClick={() => (of.forget(m.id), client.outbox.discard(m))}>
            Discard
          </button>
        </p>
      )}
    </article>
  )
}
