import { signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { PullchatError, type Account, type Room } from 'pullchat'
import { chats, listRoom, pairWith } from '../state/chats'
import { learn } from '../state/names'
import { goTo, panel } from '../state/route'
import { client, me } from '../state/session'
import { server } from '../state/settings'
import { wordsOf } from '../state/words'
import { Avatar } from './avatar'
import { Close } from './icons'
import { giveFocus } from './info'

type Tab = 'person' | 'join' | 'create'

/** The dialog that begins a conversation, joins a room or creates one. */
export function NewChat() {
  const tab = useSignal<Tab>('person')
  const box = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    failure.value = ''
    box.current!.showModal()
    return () => requestAnimationFrame(() => document.activeElement === document.body && giveFocus(before))
  }, [])
  const titles: [Tab, string][] = [['person', 'Write to a user'], ['join', 'Join a room'], ['create', 'Create a room']]
  function choose(id: Tab): void {
    failure.value = ''
    tab.value = id
  }
  function arrows(event: KeyboardEvent): void {
    const at = titles.findIndex(([id]) => id === tab.peek())
    const forward = getComputedStyle(box.current!).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight'
    const step = event.key === forward ? 1 : event.key === 'ArrowLeft' || event.key === 'ArrowRight' ? -1 : 0
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? titles.length - 1 : step ? (at + step + titles.length) % titles.length : -1
    if (to < 0) return
    event.preventDefault()
    choose(titles[to]![0])
    box.current!.querySelectorAll<HTMLElement>('[role=tab]')[to]!.focus()
  }
  return (
    <dialog ref={box} class="dialog" aria-label="New chat" onClose={() => panel.value === 'new' && (panel.value = 'none')} onClick={(e) => e.target === box.current && box.current!.close()}>
      <div class="inside">
        <header>
          <h2>New chat</h2>
          <button class="icon" aria-label="Close" onClick={() => box.current!.close()}>
            <Close />
          </button>
        </header>
        <div class="tabs" role="tablist" onKeyDown={arrows}>
          {titles.map(([id, title]) => (
            <button key={id} role="tab" aria-selected={tab.value === id} tabIndex={tab.value === id ? 0 : -1} onClick={() => choose(id)}>
              {title}
            </button>
          ))}
        </div>
        {tab.value === 'person' ? <Person /> : tab.value === 'join' ? <Join /> : <Create />}
        {failure.value && (
          <p class="failure" role="alert">
            {failure.value}
          </p>
        )}
      </div>
    </dialog>
  )
}

/** Why the dialog could not do what was asked for. It is shown in it: what is behind cannot be read. */
const failure = signal('')

async function tried(run: () => Promise<unknown>): Promise<boolean> {
  failure.value = ''
  try {
    await run()
    return true
  } catch (error) {
    failure.value = wordsOf(error)
    return false
  }
}

/** Opens the conversation with a user. A server with accounts says first whether there is such a user. */
async function write(user: string): Promise<void> {
  const done = await tried(async () => {
    try {
      if (!server.auth) await client.pull({ chat: pairWith(user), limit: 1 }) // it says whether the name will do
      else if (user !== me.peek()) {
        const found = await client.contacts([user])
        if (!found.length) throw new PullchatError('not_found', `There is no user ${user}.`)
        learn(found)
      }
    } catch (error) {
      if (!(error instanceof PullchatError) || !error.temporary) throw error // what is written waits for a server that is away
    }
  })
  if (done) open(pairWith(user))
}

function open(chat: string): void {
  goTo(chat)
}

function Person() {
  const text = useSignal('')
  const found = useSignal<Account[]>([])
  useEffect(() => {
    if (!server.auth) return
    const timer = setTimeout(() => client.users(text.value.trim()).then(({ users }) => (found.value = users), () => {}), 150)
    return () => clearTimeout(timer)
  }, [text.value])
  return (
    <form class="stack" onSubmit={(e) => (e.preventDefault(), text.value.trim() && void write(text.value.trim()))}>
      <label>
        User
        <input value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} required maxLength={64} autofocus autocomplete="off" autocapitalize="none" spellcheck={false} dir="auto" />
      </label>
      {server.auth && (
        <ul class="found">
          {found.value
            .filter((u) => u.user !== me.value)
            .slice(0, 8)
            .map((u) => (
              <li key={u.user}>
                <button type="button" class="plain" onClick={() => open(pairWith(u.user))}>
                  <Avatar id={u.user} name={u.name || u.user} small />
                  <bdi>{u.name || u.user}</bdi> <code dir="ltr">{u.user}</code>
                </button>
              </li>
            ))}
        </ul>
      )}
      <button class="primary">Write</button>
    </form>
  )
}

async function join(room: string): Promise<void> {
  const done = await tried(async () => {
    const joined = await client.rooms.join(room)
    listRoom(room, joined.name)
  })
  if (done) open(room)
}

function Join() {
  const rooms = useSignal<Room[] | undefined>(undefined)
  const text = useSignal('')
  useEffect(() => void client.rooms.public().then((page) => (rooms.value = page.rooms), () => (rooms.value = [])), [])
  const wanted = text.value.trim().toLowerCase()
  const shown = rooms.value?.filter((r) => !wanted || r.id.toLowerCase().includes(wanted) || r.name.toLowerCase().includes(wanted))
  return (
    <form class="stack" onSubmit={(e) => (e.preventDefault(), text.value.trim() && void join(text.value.trim()))}>
      <label>
        Room
        <input value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} required maxLength={64} autofocus autocomplete="off" autocapitalize="none" spellcheck={false} dir="auto" />
      </label>
      <ul class="found">
        {shown?.map((r) => (
          <li key={r.id}>
            <button type="button" class="plain" onClick={() => (chats.value.has(r.id) ? open(r.id) : void join(r.id))}>
              <Avatar id={r.id} name={r.name} room small />
              <bdi>{r.name || r.id}</bdi>
              <small>
                {r.member_count} {r.member_count === 1 ? 'member' : 'members'}
              </small>
            </button>
          </li>
        ))}
      </ul>
      {shown?.length === 0 && <p class="hint">{wanted ? 'No public room on this page has this name.' : 'There are no public rooms yet.'}</p>}
      <button class="primary">Join</button>
    </form>
  )
}

function Create() {
  async function submit(form: HTMLFormElement): Promise<void> {
    const fields = new FormData(form)
    const field = (name: string) => String(fields.get(name) ?? '').trim()
    const users = field('users').split(/[\s,]+/).filter(Boolean)
    await tried(async () => {
      const room = await client.rooms.create({
        ...(field('id') && { id: field('id') }), ...(field('name') && { name: field('name') }), visibility: fields.get('public') ? 'public' : 'private',
        ...(users.length && { users }),
      })
      listRoom(room.id, room.name)
      open(room.id)
    })
  }
  return (
    <form class="stack" onSubmit={(e) => (e.preventDefault(), void submit(e.currentTarget))}>
      <label>
        Name
        <input name="name" maxLength={128} autofocus autocomplete="off" dir="auto" required />
      </label>
      <label>
        Id
        <input name="id" maxLength={64} autocomplete="off" autocapitalize="none" spellcheck={false} dir="auto" placeholder="optional: it is made for you" />
      </label>
      <label>
        Members
        <input name="users" autocomplete="off" autocapitalize="none" spellcheck={false} dir="auto" placeholder="optional: bob, carol" />
      </label>
      <label class="switch">
        <span>Open to all users</span>
        <input type="checkbox" role="switch" name="public" />
      </label>
      <button class="primary">Create</button>
    </form>
  )
}
