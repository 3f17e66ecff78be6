import { batch, effect } from '@preact/signals'
import { chats, inboxLoaded, timeline } from './chats'
import { keepSoon, recall } from './kept'
import { names } from './names'
import { openChat } from './route'
import { me } from './session'
import { chunkSize } from './timeline'

// The list and the open chat are kept as they change, and shown again where the server cannot be reached.

let shown: readonly string[] | undefined // chats whose messages are those that were kept

/** Keeps from now on. */
export const startKeeping = () => effect(() => {
  const user = me.value
  const open = openChat.value
  const [list, known] = [chats.value, names.value]
  const of = open && list.has(open) ? timeline(open) : undefined
  const chunks = of?.chunks.value ?? []
  if (!user || !inboxLoaded.value || shown) return
  keepSoon(() => ({ user, chats: [...list.values()], names: [...known], messages: open && chunks.length ? [[open, chunks.flat()]] : [] }))
})

/** Shows the kept messages, until `hideKept`. */
export async function showKept(): Promise<void> {
  const user = me.peek()
  if (!user || shown || inboxLoaded.peek()) return
  shown = []
  const kept = await recall(user)
  if (!kept || me.peek() !== user || !shown) return
  const read = shown = kept.messages.map(([chat]) => chat)
  batch(() => {
    names.value = new Map(kept.names)
    chats.value = new Map(kept.chats.map((entry) => [entry.chat, entry]))
    for (const [chat, messages] of kept.messages) {
      if (!read.includes(chat)) continue
      const parts = []
      for (let i = 0; i < messages.length; i += chunkSize) parts.push(messages.slice(i, i + chunkSize))
      const of = timeline(chat)
      of.chunks.value = parts
      of.older.value = 'failed' // it can be tried again
      of.loaded.value = true
    }
    inboxLoaded.value = true
  })
}

/** The server is back: the list is read anew, and so are the chats. */
export function hideKept(): void {
  const stale = shown
  shown = undefined
  if (!stale) return
  chats.value = new Map()
  inboxLoaded.value = false
  for (const chat of stale) timeline(chat).reset()
}
