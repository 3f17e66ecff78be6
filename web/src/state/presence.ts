import { effect, signal } from '@preact/signals'
import type { PresenceResponse, Subscription } from 'pullchat'
import { inboxLoaded } from './chats'
import { openChat } from './route'
import { client, me } from './session'

// The open chat: the user is present there while the page is seen.

const farEnd = Number.MAX_SAFE_INTEGER // a cursor past every message

export const presence = signal<PresenceResponse | undefined>(undefined)
export const visible = signal(document.visibilityState === 'visible')
document.addEventListener('visibilitychange', () => (visible.value = document.visibilityState === 'visible'))

let attending: Subscription | undefined
addEventListener('pagehide', () => attending?.close()) // the browser may keep the page, and the user would seem to be here

effect(() => {
  attending?.close()
  presence.value = undefined
  const chat = openChat.value
  if (!me.value || !chat || !visible.value || !inboxLoaded.value) return
  // The inbox delivers the messages; this says who is here.
  attending = client.follow(chat, { reader: me.value, presence: true, cursors: { [chat]: farEnd } })
  attending.on('presence', (next) => (presence.value = next))
})
