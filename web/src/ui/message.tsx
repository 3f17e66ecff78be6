import { useEffect } from 'preact/hooks'
import type { Message, Outgoing } from 'pullchat'
import { isPair, otherOf } from '../state/chats'
import { fileOf } from '../state/files'
import { nameOf, needName } from '../state/names'
import { takenBack } from '../state/editing'
import { attempt } from '../state/notices'
import { client, me } from '../state/session'
import { inWords } from '../state/words'
import type { Reach, Receipts, Timeline } from '../state/timeline'
import { Actions } from './actions'
import { Attachment } from './attachment'
import { Avatar } from './avatar'
import { Check, Checks, Clock } from './icons'
import { noticeText } from './notice'
import { Reactions } from './reactions'
import { Text } from './text'
import { Answers, Quote } from './thread'
import { dayName, fully, sameDay, time } from './times'

const together = 5 * 60_000_000 // microseconds within which messages of a sender share their head

/** An entry of the log, with the lines that come before it. */
export function Entry({ message: m, before, of }: { message: Message; before?: Message; of: Timeline }) {
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
        <p class="notice" data-at={m.send_time} dir="auto" title={fully(m.send_time)}>
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

/** How far an own message has come. In a room it has counts. */
function Mark({ of, at }: { of: Timeline; at: number }) {
  const { reach, label } = isPair(of.chat) ? ofPair(of, at) : ofRoom(of, at)
  return (
    <span class={`mark ${reach}`} role="img" aria-label={label} title={label[0]!.toUpperCase() + label.slice(1)}>
      {reach === 'sent' ? <Check /> : <Checks />}
    </span>
  )
}

function ofPair(of: Timeline, at: number): { reach: Reach; label: string } {
  const other = otherOf(of.chat)
  const reach = other === me.value ? 'sent' : of.reach(other, at)
  return { reach, label: reach }
}

/** The sign is that of a message that all have received, or read. Whoever has received or read a later message has this one too. */
function ofRoom(of: Timeline, at: number): { reach: Reach; label: string } {
  const known = [...of.receipts.value.values()].filter((r) => r.send_time >= at)
  const delivered = Math.max(0, ...known.map((r) => r.delivered))
  const read = Math.max(0, ...known.map((r) => r.read))
  if (!delivered) return { reach: 'sent', label: 'sent' }
  const all = (count: (r: Receipts) => number) => known.some((r) => count(r) === r.recipients)
  return { reach: all((r) => r.read) ? 'read' : all((r) => r.delivered) ? 'delivered' : 'sent', label: `delivered to ${delivered}, read by ${read}` }
}

/** A message that is not in the log yet. */
export function Waiting({ of, message: m }: { of: Timeline; message: Outgoing }) {
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
          {m.error && inWords(m.error.message)}
          <button class="plain" onClick={() => attempt(() => client.outbox.retry(m))}>
            Send again
          </button>
          {!m.content?.body && (
            <button class="plain" onClick={() => (of.forget(m.id), client.outbox.discard(m), (takenBack.value = m))}>
              Edit
            </button>
          )}
          <button class="plain" onClick={() => (of.forget(m.id), client.outbox.discard(m))}>
            Discard
          </button>
        </p>
      )}
    </article>
  )
}
