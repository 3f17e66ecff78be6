import { signal } from '@preact/signals'
import type { MutedChat } from 'pullchat'
import { resetTimelines } from './chats'
import { forgetKept } from './kept'
import { client, visit } from './session'

// The ignored users and the muted chats

export const ignored = signal<ReadonlySet<string>>(new Set())
export const muted = signal<readonly MutedChat[]>([])
export const isMuted = (chat: string) => muted.value.some((m) => m.chat === chat && (!m.until || m.until > Date.now() * 1000))

export async function loadPreferences(): Promise<void> {
  const here = visit()
  const [i, m] = await Promise.allSettled([client.ignored(), client.muted()])
  if (!here()) return
  if (i.status === 'fulfilled') ignored.value = new Set(i.value)
  if (m.status === 'fulfilled') muted.value = m.value
}

export async function setIgnored(user: string, is: boolean): Promise<void> {
  await client.ignore(user, is)
  const next = new Set(ignored.peek())
  if (is) next.add(user)
  else next.delete(user)
  ignored.value = next
  void forgetKept().catch(() => {}) // it may have messages of the user
  resetTimelines()
}

export async function setMuted(chat: string, is: boolean): Promise<void> {
  await client.mute(chat, is)
  muted.value = [...muted.peek().filter((m) => m.chat !== chat), ...(is ? [{ chat }] : [])]
}
