// The service worker: it loads the page while the server is away, and shows the notifications of Web Push.

declare const self: ServiceWorkerGlobalScope
/** The files of this build, which build.js names. */
declare const FILES: readonly string[]
/** A hash of these files: a new build has a new cache. */
declare const VERSION: string

// The scope is in the name: an origin may have several servers, below different paths.
const caching = `pullchat ${self.registration.scope} `
const cacheName = caching + VERSION
const patience = 4000 // milliseconds; then the kept page is shown

const at = (path: string) => new URL(path, self.registration.scope).href

self.addEventListener('install', (event) => event.waitUntil(install()))

async function install(): Promise<void> {
  const cache = await caches.open(cacheName)
  await cache.addAll([at(''), ...FILES.map((file) => at('app/' + file))])
  await self.skipWaiting() // a page of an earlier build has loaded all that it needs
}

self.addEventListener('activate', (event) => event.waitUntil(activate()))

async function activate(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(caching) && name !== cacheName) await caches.delete(name)
  await self.clients.claim()
}

// The page and its parts. Requests of the API are none of these: they go to the server as if there were no worker.

self.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request
  if (method !== 'GET') return
  const address = url.split(/[?#]/, 1)[0]!
  if (/\/(swagger-ui|explorer|admin)-[^/]*$/.test(address)) return // of pages that are of no use without the server
  if (mode === 'navigate' ? address === at('') : address.startsWith(at('app/'))) {
    event.respondWith(/-[0-9a-f]{10}\.(js|css)$/.test(address) ? keptFirst(event, address) : serverFirst(event, address))
  }
})

/** A file with a hash in its name never changes. */
async function keptFirst(event: FetchEvent, address: string): Promise<Response> {
  return (await caches.match(address)) ?? ask(event, address)
}

/** The server's answer; the kept one where the server, or a proxy before it, does not answer in time. */
async function serverFirst(event: FetchEvent, address: string): Promise<Response> {
  const asked = ask(event, address)
  asked.catch(() => {}) // it may fail after its time
  const kept = await caches.match(address)
  if (!kept) return asked
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, patience))
  const answer = await Promise.race([asked, late]).catch(() => undefined)
  return answer && ![502, 503, 504].includes(answer.status) ? answer : kept
}

async function ask(event: FetchEvent, address: string): Promise<Response> {
  const response = await fetch(event.request)
  if (response.ok && response.type === 'basic') {
    const copy = response.clone()
    event.waitUntil(caches.open(cacheName).then((cache) => cache.put(address, copy)).catch(() => {})) // a full disk keeps nothing
  }
  return response
}

// Notifications

/** What the worker of the server sends: docs/push.md. */
interface News {
  chat: string
  title: string
  text?: string
  count: number
  send_time: number
}

self.addEventListener('push', (event) => event.waitUntil(tell(event.data)))

/** A push must show something, or the browser ends the subscription. */
async function tell(data: PushMessageData | null): Promise<void> {
  let news: Partial<News> = {}
  try {
    news = data?.json() ?? {}
  } catch {
    // It is not of this server's worker.
  }
  const { chat = '', title = 'Pullchat', text, count = 1, send_time } = news
  const options = {
    body: text ?? (count === 1 ? '1 new message' : `${count} new messages`),
    icon: at('app/icon.png'), data: { chat }, dir: 'auto' as const,
    ...(chat && { tag: chat, renotify: true }), // a chat has one notification
    ...(send_time && { timestamp: send_time / 1000 }),
  }
  await self.registration.showNotification(title, options)
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(open((event.notification.data as { chat?: string } | null)?.chat))
})

/** Shows a chat in a page that is open, or in a new one. */
async function open(chat?: string): Promise<void> {
  const pages = await self.clients.matchAll({ type: 'window' }) // the one that was used last is first
  const page = pages.find((p) => p.url.split(/[?#]/, 1)[0] === at(''))
  if (!page) {
    await self.clients.openWindow(at(chat ? '#/' + encodeURIComponent(chat) : ''))
    return
  }
  if (chat) page.postMessage({ open: chat })
  await page.focus()
}

export {}
