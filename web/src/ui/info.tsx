import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Pullchat, Room } from 'pullchat'
import { gone, isPair, otherOf, pairWith, timeline, titleOf } from '../state/chats'
import { nameOf, needName } from '../state/names'
import { attempt } from '../state/notices'
import { ignored, isMuted, setIgnored, setMuted } from '../state/preferences'
import { presence } from '../state/presence'
import { goTo, panel } from '../state/route'
import { client, me } from '../state/session'
import { Avatar } from './avatar'
import { Close } from './icons'
import { short } from './times'

/** It takes the focus, and gives it back when it closes. */
export function Panel({ title, children }: { title: string; children: preact.ComponentChildren }) {
  const box = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const aside = box.current!
    const before = document.activeElement
    aside.focus({ preventScroll: true })
    return () => {
      if (aside.contains(document.activeElement)) requestAnimationFrame(() => document.activeElement === document.body && giveFocus(before))
    }
  }, [])
  return (
    <aside class="panel" aria-label={title} tabIndex={-1} ref={box}>
      <header>
        <h2>{title}</h2>
        <button class="icon" aria-label="Close" onClick={() => (panel.value = 'none')}>
          <Close />
        </button>
      </header>
      <div class="body">{children}</div>
    </aside>
  )
}

/** Gives the focus to an element, or, where that is gone or hidden, to what the page shows. */
export function giveFocus(to?: Element | null): void {
  for (const element of [to, document.querySelector('#text'), document.querySelector('.sidebar')]) {
    if (element === document.body) continue
    ;(element as HTMLElement | undefined)?.focus()
    if (element && document.activeElement === element) return
  }
}

export function Switch({ label, on, change }: { label: string; on: boolean; change: (on: boolean) => void }) {
  return (
    <label class="switch">
      <span>{label}</span>
      <input type="checkbox" role="switch" checked={on} onChange={(e) => change(e.currentTarget.checked)} />
    </label>
  )
}

export function Info({ chat }: { chat: string }) {
  const pair = isPair(chat)
  const other = otherOf(chat)
  return (
    <Panel title={pair ? 'Conversation' : 'Room'}>
      <div class="who">
        <Avatar id={pair ? other : chat} name={titleOf(chat)} room={!pair} />
        <h3>
          <bdi>{titleOf(chat)}</bdi>
        </h3>
        <code dir="ltr">{pair ? other : chat}</code>
      </div>
      <Switch label="Mute notifications" on={isMuted(chat)} change={(on) => attempt(() => setMuted(chat, on))} />
      {pair && other !== me.value && (
        <>
          <Switch label="Ignore this user" on={ignored.value.has(other)} change={(on) => attempt(() => setIgnored(other, on))} />
          <p class="hint">Messages of an ignored user are hidden from you, older ones too.</p>
        </>
      )}
      {!pair && <RoomInfo chat={chat} />}
    </Panel>
  )
}

function RoomInfo({ chat }: { chat: string }) {
  const room = useSignal<Room | undefined>(undefined)
  const problem = useSignal('')
  const last = timeline(chat).last.value
  const load = () =>
    client.rooms.show(chat).then(
      (r) => {
        room.value = r
        r.members?.forEach((m) => needName(m.user))
      },
      (error) => (problem.value = error.message),
    )
  const noticed = last?.type === 'notice' ? last.send_time : 0
  useEffect(() => void load(), [chat, noticed])
  if (!room.value) return <p class="hint">{problem.value || 'Loading …'}</p>
  const { role, members = [], visibility, member_count, has_more, next_cursor } = room.value
  const admin = role === 'admin'
  const run = (work: () => Promise<unknown>) => attempt(work).then(load)
  const here = new Set(presence.value?.readers.map((r) => r.split('/')[0]))
  return (
    <>
      <h3>
        {member_count} {member_count === 1 ? 'member' : 'members'} · {visibility}
      </h3>
      <ul class="members">
        {members.map((m) => (
          <li key={m.user}>
            <Avatar id={m.user} name={nameOf(m.user)} small online={here.has(m.user)} />
            <button class="plain name" disabled={m.user === me.value} onClick={() => goTo(pairWith(m.user))} title="Write to this member">
              <bdi>{nameOf(m.user)}</bdi>
            </button>
            {m.role === 'admin' && <span class="tag">admin</span>}
            {m.user !== me.value && <Menu user={m.user} role={m.role} admin={admin} room={chat} run={run} />}
          </li>
        ))}
      </ul>
      {has_more && (
        <button
          class="plain"
          onClick={() =>
            attempt(async () => {
              const more = await client.rooms.show(chat, next_cursor)
              room.value = { ...more, members: [...members, ...(more.members ?? [])] }
            })
          }
        >
          More members
        </button>
      )}
      {admin && (
        <>
          <Line label="Add a member" action="Add" submit={(user) => run(() => client.rooms.add(chat, [user]))} />
          <Line label="Name of the room" action="Rename" initial={room.value.name} submit={(name) => run(() => client.rooms.change(chat, { name }))} />
          <Restrained title="Banned" chat={chat} noticed={noticed} read={async () => (await client.rooms.bans(chat)).bans} lift={(user) => run(() => client.rooms.unban(chat, user))} />
          <Restrained title="Muted" chat={chat} noticed={noticed} read={async () => (await client.rooms.mutes(chat)).mutes} lift={(user) => run(() => client.rooms.unmute(chat, user))} />
          <Switch label="Open to all users" on={visibility === 'public'} change={(on) => run(() => client.rooms.change(chat, { visibility: on ? 'public' : 'private' }))} />
        </>
      )}
      {role && (
        <button class="danger" onClick={() => confirm(`Leave ${titleOf(chat)}?`) && attempt(() => client.rooms.leave(chat).then(() => gone(chat)))}>
          Leave the room
        </button>
      )}
      {admin && (
        <button class="danger" onClick={() => confirm(`Delete ${titleOf(chat)} and all its messages?`) && attempt(() => client.rooms.delete(chat).then(() => gone(chat)))}>
          Delete the room
        </button>
      )}
    </>
  )
}

type Restraint = Awaited<ReturnType<Pullchat['rooms']['bans']>>['bans'][number]

interface RestrainedProps {
  title: string
  chat: string
  noticed: number // a notice of the room says that it may have changed
  read: () => Promise<readonly Restraint[]>
  lift: (user: string) => void
}

/** Who is banned from a room, or muted in it. */
function Restrained({ title, chat, noticed, read, lift }: RestrainedProps) {
  const found = useSignal<readonly Restraint[]>([])
  useEffect(() => void read().then((all) => (all.forEach(({ user }) => needName(user)), (found.value = all)), () => {}), [chat, noticed])
  if (!found.value.length) return null
  return (
    <>
      <h3>{title}</h3>
      <ul class="members">
        {found.value.map(({ user, until, reason }) => (
          <li key={user}>
            <Avatar id={user} name={nameOf(user)} small />
            <span class="name" title={reason}>
              <bdi>{nameOf(user)}</bdi>
              <small> {until ? `until ${short(until)}` : 'for good'}</small>
            </span>
            <button class="plain" aria-label={`Lift: ${title.toLowerCase()}, ${nameOf(user)}`} onClick={() => lift(user)}>
              Lift
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}

interface MenuProps {
  user: string
  role: 'admin' | 'member'
  admin: boolean
  room: string
  run: (work: () => Promise<unknown>) => void
}

const hour = 3_600_000 // milliseconds

/** The actions on a member. */
function Menu({ user, role, admin, room, run }: MenuProps) {
  const is = ignored.value.has(user)
  const close = (menu: HTMLDetailsElement) => {
    menu.open = false
    menu.querySelector('summary')!.focus()
  }
  return (
    <details
      class="menu"
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !e.currentTarget.open) return
        e.stopPropagation() // it closes panels too
        close(e.currentTarget)
      }}
    >
      <summary aria-label={`More about ${nameOf(user)}`}>⋯</summary>
      <div onClick={(e) => close(e.currentTarget.closest('details')!)}>
        <button class="plain" onClick={() => attempt(() => setIgnored(user, !is))}>
          {is ? 'Ignore no longer' : 'Ignore'}
        </button>
        {admin && (
          <>
            <button class="plain" onClick={() => run(() => client.rooms.assign(room, user, role === 'admin' ? 'member' : 'admin'))}>
              {role === 'admin' ? 'Make a member' : 'Make an admin'}
            </button>
            <button class="plain" onClick={() => run(() => client.rooms.remove(room, user))}>
              Remove from the room
            </button>
            {role !== 'admin' && (
              <button class="plain" onClick={() => run(() => client.rooms.mute(room, user, { until: (Date.now() + hour) * 1000 }))}>
                Mute for an hour
              </button>
            )}
            <button class="plain" onClick={() => confirm(`Ban ${nameOf(user)} from this room?`) && run(() => client.rooms.ban(room, user))}>
              Ban from the room
            </button>
          </>
        )}
      </div>
    </details>
  )
}

function Line({ label, action, initial = '', submit }: { label: string; action: string; initial?: string; submit: (value: string) => unknown }) {
  return (
    <form
      class="inline"
      onSubmit={(e) => {
        e.preventDefault()
        const input = e.currentTarget.elements.namedItem('value') as HTMLInputElement
        if (input.value.trim()) submit(input.value.trim())
        if (!initial) input.value = ''
      }}
    >
      <label>
        {label}
        <input name="value" defaultValue={initial} dir="auto" maxLength={128} autocomplete="off" />
      </label>
      <button>{action}</button>
    </form>
  )
}
