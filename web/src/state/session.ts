import { signal } from '@preact/signals'
import { indexedDBOutbox, localSession, Pullchat, type Status } from 'pullchat'
import { forgetKept } from './kept'
import { endPush, leavePush } from './push'
import { address, server } from './settings'

// The user's session: logins and logouts. When `me` changes, each module clears its state of the user.

const userKey = 'pullchat-user' // with AUTH=off: the name that was given
const sessionKey = 'pullchat-session' // with AUTH=on

function newClient(user?: string): Pullchat {
  const client = new Pullchat(address, { user, outbox: indexedDBOutbox(), ...(server.auth && { session: localSession(sessionKey) }) })
  client.onSession((session) => {
    if (!session && me.peek()) leave(ended)
  })
  return client
}

const ended = 'Your session has ended. Log in again.'

export let client = newClient(localStorage.getItem(userKey) ?? undefined)
export const me = signal<string | undefined>(undefined)
export const status = signal<Status>({ state: 'connecting' })
/** The message of the login form. */
export const loginNote = signal('')

export async function enter(user: string, password?: string, register?: { name?: string }): Promise<void> {
  if (server.auth) {
    client = newClient()
    if (register) await client.register({ user, password: password!, ...(register.name && { name: register.name }) })
    await client.login(user, password!)
  } else {
    client = newClient(user)
    await client.inbox(0, 1) // the server says whether the name will do
    localStorage.setItem(userKey, user)
  }
  resume()
}

/** Shows the chats of the user who has entered, or of the last visit. */
export function resume(): void {
  if (!client.user) return
  loginNote.value = ''
  me.value = client.user
}

/** Tells later whether the present user is still logged in, for work that goes on after a logout. */
export function visit(): () => boolean {
  const by = client
  return () => client === by && me.peek() !== undefined
}

export async function logout(): Promise<void> {
  await leavePush(client)
  if (server.auth) await client.logout().catch(() => {}) // here it ends in any case
  leave('')
}

export function leave(note: string): void {
  me.value = undefined
  client.close()
  void endPush().catch(() => {})
  void forgetKept().catch(() => {})
  localStorage.removeItem(userKey)
  status.value = { state: 'connecting' }
  loginNote.value = note
}

/** Leaves because the server does not know the session any more. */
export const leaveEnded = () => leave(ended)

// Changes of the session by another tab of this browser.
addEventListener('storage', ({ key, newValue }) => {
  if (key !== sessionKey && key !== userKey) return
  const user = newValue && (key === userKey ? newValue : JSON.parse(newValue).user)
  if (me.peek() && !user) leave(ended)
  else if (me.peek() && user !== me.peek()) location.reload()
})

// A page that the user has left may be kept for the way back, with its streams closed.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload())
