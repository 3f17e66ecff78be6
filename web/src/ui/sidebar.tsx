import { computed, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { chats, inboxLoaded, isPair, listed, otherOf, titleOf, type Chat } from '../state/chats'
import { nameOf, needName } from '../state/names'
import { isMuted } from '../state/preferences'
import { goTo, openChat, panel } from '../state/route'
import { me, status } from '../state/session'
import { typing } from '../state/typing'
import { Avatar } from './avatar'
import { Bell, Gear, Plus, Search } from './icons'
import { noticeText } from './notice'
import { short } from './times'

const wanted = signal('')

/** The chats that the list shows: those that the filter lets through. */
export const shown = computed(() => {
  const filter = wanted.value.trim().toLowerCase()
  return listed.value.filter(({ chat }) => [titleOf(chat), isPair(chat) ? otherOf(chat) : chat].some((name) => name.toLowerCase().includes(filter)))
})

export function Sidebar({ inert }: { inert: boolean }) {
  useEffect(() => {
    if (me.value) needName(me.value)
  }, [me.value])
  return (
    <nav class="sidebar" aria-label="Chats" tabIndex={-1} inert={inert}>
      <header>
        <Avatar id={me.value!} name={nameOf(me.value!)} />
        <strong class="own" dir="auto">
          {nameOf(me.value!)}
        </strong>
        <button class="icon" aria-label="Settings" title="Settings" onClick={() => (panel.value = panel.value === 'settings' ? 'none' : 'settings')}>
          <Gear />
        </button>
        <button class="icon accent" aria-label="New chat" title="New chat" onClick={() => (panel.value = 'new')}>
          <Plus />
        </button>
      </header>
      <label class="search">
        <Search />
        <span class="hidden">Filter chats</span>
        <input type="search" placeholder="Filter chats" value={wanted.value} onInput={(e) => (wanted.value = e.currentTarget.value)} onKeyDown={openFirst} dir="auto" />
      </label>
      <Connection />
      {shown.value.length > 0 && (
        <ul class="chats">
          {shown.value.map((c) => (
            <Row key={c.chat} entry={c} />
          ))}
        </ul>
      )}
      {inboxLoaded.value && shown.value.length === 0 && (
        <div class="empty">
          <p class="hint">{chats.value.size ? 'No chat has this name.' : 'There are no chats yet.'}</p>
          {!chats.value.size && (
            <button class="primary" onClick={() => (panel.value = 'new')}>
              New chat
            </button>
          )}
        </div>
      )}
    </nav>
  )
}

function openFirst(event: KeyboardEvent): void {
  const first = shown.peek()[0]
  if (event.key === 'Enter' && first) goTo(first.chat)
}

function Connection() {
  const { state, reason } = status.value
  if (state === 'live') return null
  return (
    <p class={`connection ${state}`} role="status">
      {state === 'connecting' ? 'Connecting …' : state === 'offline' ? 'Offline: messages wait until the server is back' : (reason?.message ?? 'Disconnected')}
    </p>
  )
}

function Row({ entry }: { entry: Chat }) {
  const { chat, unread } = entry
  const pair = isPair(chat)
  const title = titleOf(chat)
  const count = unread > 99 ? '99+' : String(unread)
  const silent = isMuted(chat)
  return (
    <li>
      <a class="row" href={'#/' + encodeURIComponent(chat)} aria-current={openChat.value === chat ? 'page' : undefined} onClick={(e) => (e.preventDefault(), goTo(chat))}>
        <Avatar id={pair ? otherOf(chat) : chat} name={title} room={!pair} />
        <span class="title">
          <bdi>{pair && otherOf(chat) === me.value ? `${title} (you)` : title}</bdi>
          {silent && (
            <span class="silent" title="Muted">
              <Bell />
            </span>
          )}
        </span>
        {entry.last && <time dir="auto">{short(entry.last.send_time)}</time>}
        <span class="preview" dir="auto">
          <Preview entry={entry} />
        </span>
        {unread > 0 && (
          <span class={'badge' + (silent ? ' muted' : '')} dir="ltr" aria-label={`${count} unread${entry.mention ? ', you are mentioned' : ''}`}>
            {entry.mention && '@ '}
            {count}
          </span>
        )}
      </a>
    </li>
  )
}

function Preview({ entry: { chat, last } }: { entry: Chat }) {
  const writing = [...(typing.value.get(chat)?.keys() ?? [])]
  if (writing.length) return <em>{isPair(chat) ? 'typing …' : `${nameOf(writing[0]!)} is typing …`}</em>
  if (!last) return null
  if (last.type === 'notice') return <i>{noticeText(last)}</i>
  const text = last.deleted ? 'deleted' : last.erased ? 'erased' : last.text.slice(0, 200)
  if (last.sender === me.value) return <>You: {text}</>
  return <>{isPair(chat) ? text : `${nameOf(last.sender)}: ${text}`}</>
}
