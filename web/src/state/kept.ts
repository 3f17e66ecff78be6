import type { Message } from 'pullchat'
import type { Chat } from './chats'

// The loaded messages, for reading without the server. They belong to one user, and are deleted at the end of the session.

export interface Kept {
  user: string
  chats: readonly Chat[]
  names: readonly (readonly [string, string])[]
  /** The newest messages of chats that were open, the one that was open last is the last. */
  messages: readonly (readonly [string, readonly Message[]])[]
}

const perChat = 200
const atMost = 50 // chats
const pause = 1000 // milliseconds between two writes

let opened: Promise<IDBDatabase> | undefined

const settled = <T>(request: IDBRequest<T>) =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

async function table(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  if (!opened) {
    const request = indexedDB.open('pullchat-kept', 1)
    request.onupgradeneeded = () => request.result.createObjectStore('kept', { keyPath: 'user' })
    opened = settled(request)
  }
  return (await opened).transaction('kept', mode).objectStore('kept')
}

let earlier: Kept | undefined // of the last visit

/** The kept data of a user. */
export async function recall(user: string): Promise<Kept | undefined> {
  return (earlier = await table('readonly').then((t) => settled<Kept | undefined>(t.get(user))).catch(() => undefined))
}

let timer = 0
let latest: (() => Kept) | undefined

/** Calls `of` a little later, and keeps its result. Chats that were not open in this visit keep their messages of earlier ones. */
export function keepSoon(of: () => Kept): void {
  latest = of
  timer ||= window.setTimeout(write, pause)
}

function write(): void {
  clearTimeout(timer)
  timer = 0
  const kept = latest?.()
  latest = undefined
  if (!kept) return
  const listed = new Set(kept.chats.map(({ chat }) => chat))
  const messages = new Map(earlier?.user === kept.user ? earlier.messages : [])
  for (const [chat, all] of kept.messages) {
    messages.delete(chat) // the chat becomes the last
    messages.set(chat, all.slice(-perChat))
  }
  earlier = { ...kept, messages: [...messages].filter(([chat]) => listed.has(chat)).slice(-atMost) }
  table('readwrite').then((t) => settled(t.put(earlier))).catch(() => {}) // a full disk keeps nothing
}

addEventListener('pagehide', write)

/** Forgets all: the session has ended, or the user wants to see less. */
export async function forgetKept(): Promise<void> {
  latest = earlier = undefined
  await settled((await table('readwrite')).clear())
}
