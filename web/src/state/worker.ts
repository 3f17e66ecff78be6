import { effect, signal } from '@preact/signals'
import { goTo, openChat } from './route'

// The service worker, web/worker/sw.ts. Browsers have it on secure origins only: https, and this machine's own.

const file = 'app/sw.js'

// The one policy that the page's CSP allows: it makes the address of the worker, and no HTML.
const policy = trusted()?.createPolicy('pullchat-worker', { createScriptURL: () => file })

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(): string }): { createScriptURL(input: string): string }
}

function trusted(): TrustedTypes | undefined {
  return (window as { trustedTypes?: TrustedTypes }).trustedTypes
}

/** The registration; undefined without a service worker. */
export const registration: Promise<ServiceWorkerRegistration | undefined> = register()

async function register(): Promise<ServiceWorkerRegistration | undefined> {
  try {
    return await navigator.serviceWorker?.register(policy?.createScriptURL(file) ?? file, { scope: './' })
  } catch {
    return undefined // the page works without one
  }
}

if ('serviceWorker' in navigator) {
  // The user has chosen a notification.
  navigator.serviceWorker.onmessage = ({ data }) => {
    if (typeof data?.open === 'string') goTo(data.open)
  }
}

/** Shows a notification of a chat, in place of an earlier one. Phones show those of a service worker only. */
export async function notifyOf(chat: string, title: string, body: string): Promise<void> {
  const options = { body, tag: chat, icon: new URL('app/icon.png', document.baseURI).href, data: { chat } }
  const worker = await registration
  if (worker?.active) return worker.showNotification(title, options)
  const notification = new Notification(title, options)
  notification.onclick = () => {
    window.focus()
    goTo(chat)
    notification.close()
  }
}

const visible = signal(document.visibilityState === 'visible')
document.addEventListener('visibilitychange', () => (visible.value = document.visibilityState === 'visible'))

// A chat that the user looks at needs no notification any more.
effect(() => {
  const tag = openChat.value
  if (tag && visible.value) void registration.then((worker) => worker?.getNotifications({ tag })).then((shown) => shown?.forEach((n) => n.close()), () => {})
})
