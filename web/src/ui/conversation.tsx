import { useEffect, useMemo } from 'preact/hooks'
import { PullchatError } from 'pullchat'
import { chats, gone, inboxLoaded, isPair, otherOf, timeline, titleOf } from '../state/chats'
import { nameOf } from '../state/names'
import { show } from '../state/notices'
import { presence } from '../state/presence'
import { readRoom } from '../state/room'
import { goTo, panel } from '../state/route'
import { typing } from '../state/typing'
import { wordsOf } from '../state/words'
import { Avatar } from './avatar'
import { Composer } from './composer'
import { Back, Info } from './icons'
import { Messages } from './messages'
import { Pins } from './pins'

export function Conversation({ chat }: { chat: string }) {
  const of = timeline(chat)
  const loaded = of.loaded.value
  // Before the messages are shown, and so read.
  useMemo(() => {
    const entry = chats.peek().get(chat)
    of.unreadFrom.value = entry?.unread ? Math.max(1, entry.cursor) : 0
  }, [of, inboxLoaded.value])
  useEffect(() => {
    if (!inboxLoaded.value || loaded) return
    void of.loadOlder().catch((error) => refused(chat, error))
  }, [chat, loaded, inboxLoaded.value])
  useEffect(() => {
    if (inboxLoaded.value) void readRoom(chat).catch(() => {}) // without it there are neither pins nor the actions of admins
  }, [chat, inboxLoaded.value])
  const pair = isPair(chat)
  const title = titleOf(chat)
  return (
    <section class="conversation" aria-label={title}>
      <header>
        <button class="icon back" aria-label="Back to the chats" onClick={() => goTo(undefined)}>
          <Back />
        </button>
        <button class="about" onClick={() => (panel.value = panel.value === 'info' ? 'none' : 'info')}>
          <Avatar id={pair ? otherOf(chat) : chat} name={title} room={!pair} online={pair && isHere(otherOf(chat))} />
          <span>
            <h2>
              <bdi>{title}</bdi>
            </h2>
            <Subtitle chat={chat} />
          </span>
        </button>
        <button class="icon" aria-label="Details" title="Details" aria-expanded={panel.value === 'info'} onClick={() => (panel.value = panel.value === 'info' ? 'none' : 'info')}>
          <Info />
        </button>
      </header>
      <Pins chat={chat} />
      <Messages of={of} />
      <Composer chat={chat} />
    </section>
  )
}

/** A chat that the user may not read, or that does not exist any more, leaves the list. */
function refused(chat: string, error: unknown): void {
  show(wordsOf(error))
  if (error instanceof PullchatError && (error.code === 'permission_denied' || error.code === 'not_found')) gone(chat)
}

const isHere = (user: string) => presence.value?.readers.some((r) => r.split('/')[0] === user) ?? false

function Subtitle({ chat }: { chat: string }) {
  const writing = [...(typing.value.get(chat)?.keys() ?? [])].map(nameOf)
  if (writing.length) {
    return <small class="typing">{isPair(chat) ? 'typing …' : writing.length > 2 ? 'several people are typing …' : `${writing.join(' and ')} ${writing.length > 1 ? 'are' : 'is'} typing …`}</small>
  }
  const here = presence.value
  if (isPair(chat)) return <small>{here ? (isHere(otherOf(chat)) ? 'here now' : 'not here') : '\u00a0'}</small>
  return (
    <small>
      <bdi>{here ? `${here.count} here now` : '\u00a0'}</bdi>
    </small>
  )
}
