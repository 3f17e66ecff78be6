import { signal } from '@preact/signals'
import { PullchatError, type Pullchat } from 'pullchat'
import { registration } from './worker'

// Notifications while no page is open: a subscription of this browser, which the server's worker sends to.

const deviceKey = 'pullchat-device' // this browser's name among the user's devices
const wantedKey = 'pullchat-push' // the user who has turned them on here

/** `none`: this browser or this server has no Web Push. */
export const push = signal<'none' | 'off' | 'changing' | 'on'>('none')
export const pushFailure = signal('')

const patience = 15_000 // milliseconds

let key = '' // of the server, with which browsers subscribe

/** Learns whether there is Web Push here, and renews the subscription if the user wants it: browsers may change theirs. */
export async function resumePush(client: Pullchat): Promise<void> {
  push.value = 'none'
  pushFailure.value = ''
  if (!('PushManager' in window) || !('Notification' in window) || !(await registration)) return
  key = (await client.push.list()).vapid_public_key ?? ''
  if (!key) return
  push.value = 'off'
  if (localStorage.getItem(wantedKey) === client.user && Notification.permission === 'granted') await setPush(client, true)
}

/** Turns the notifications of this browser on or off. `pushFailure` has the failure. */
export async function setPush(client: Pullchat, on: boolean): Promise<void> {
  push.value = 'changing'
  pushFailure.value = ''
  try {
    if (on) await subscribe(client)
    else await unsubscribe(client)
    push.value = on ? 'on' : 'off'
  } catch (error) {
    pushFailure.value = reasonOf(error)
    push.value = on ? 'off' : 'on'
  }
}

async function subscribe(client: Pullchat): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') throw new DOMException('', 'NotAllowedError')
  await navigator.serviceWorker.ready // only an active worker can subscribe
  const { pushManager } = (await registration)!
  const options = { userVisibleOnly: true, applicationServerKey: key }
  const asked = pushManager.subscribe(options).catch(async (error: DOMException) => {
    if (error.name !== 'InvalidStateError') throw error
    await (await pushManager.getSubscription())?.unsubscribe() // it is of an earlier key of the server
    return pushManager.subscribe(options)
  })
  const subscription = await Promise.race([asked, late()])
  const { endpoint, keys } = subscription.toJSON()
  try {
    await client.push.subscribe({ device: device(), endpoint: endpoint!, p256dh: keys!['p256dh']!, auth: keys!['auth']! })
  } catch (error) {
    if (!(error instanceof PullchatError && error.temporary)) await subscription.unsubscribe() // it is of no use
    throw error
  }
  localStorage.setItem(wantedKey, client.user!)
}

/** Browsers may ask a push service that they cannot reach for minutes. */
const late = () => new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no answer')), patience))

async function unsubscribe(client: Pullchat): Promise<void> {
  localStorage.removeItem(wantedKey)
  await client.push.unsubscribe(device())
  await endPush()
}

/** Before a logout: the server sends nothing more to this browser. */
export async function leavePush(client: Pullchat): Promise<void> {
  if (localStorage.getItem(wantedKey)) await unsubscribe(client).catch(() => {})
}

/** Ends the subscription of the browser. Push services then tell the server that it is gone. */
export async function endPush(): Promise<void> {
  localStorage.removeItem(wantedKey)
  push.value = 'none'
  const subscription = await (await registration)?.pushManager?.getSubscription()
  await subscription?.unsubscribe()
}

function device(): string {
  let name = localStorage.getItem(deviceKey)
  if (!name) localStorage.setItem(deviceKey, (name = 'web-' + Array.from(crypto.getRandomValues(new Uint8Array(6)), (b) => b.toString(16).padStart(2, '0')).join('')))
  return name
}

function reasonOf(error: unknown): string {
  if (error instanceof PullchatError) return error.message
  const { name, message } = error as Error
  if (name === 'NotAllowedError') return 'The browser does not allow notifications of this page. Allow them in its settings for this site.'
  return `The browser cannot reach its push service, so it shows notifications only while a page is open. It says: ${message || name}`
}
