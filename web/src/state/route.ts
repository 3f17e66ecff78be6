import { effect, signal } from '@preact/signals'

// The address of the page names the open chat, so that going back and reloading work. On a phone a panel covers the chat, and is an entry
// of the history too: going back closes it.
const read = () => {
  const found = /^#\/(.+)$/.exec(location.hash)
  try {
    return found ? decodeURIComponent(found[1]!) : undefined
  } catch {
    return undefined
  }
}

/** What an entry of the history knows. */
interface Entry {
  /** How many entries before it the list of chats is; NaN where it is not there. */
  list: number
  panel?: boolean
}

const entry = (): Entry => history.state ?? { list: read() ? NaN : 0 }
const push = (next: Entry, address?: string) => history.pushState(next, '', address)
const replace = (next: Entry, address?: string) => history.replaceState(next, '', address)
const phone = matchMedia('(max-width: 720px)')

export const openChat = signal<string | undefined>(read())
export const panel = signal<'none' | 'info' | 'settings' | 'new' | 'thread'>('none')

// The user goes back or forward, or changes the address.
addEventListener('popstate', () => {
  openChat.value = read()
  panel.value = 'none'
})

effect(() => {
  const open = panel.value !== 'none'
  const now = entry()
  if (open && !now.panel && phone.matches) push({ list: now.list + 1, panel: true })
  if (!open && now.panel) history.back()
})

/** Opens a chat, or the list. The list is gone back to, so that going back from there does not open the chat again. */
export function goTo(chat: string | undefined): void {
  const now = entry()
  const address = '#/' + encodeURIComponent(chat ?? '')
  if (chat === undefined && now.list > 0) {
    replace({ list: now.list }) // it is no panel any more
    history.go(-now.list)
  } else if (chat === undefined) {
    replace({ list: 0 }, address)
  } else if (chat !== openChat.peek()) {
    if (now.panel) replace({ list: now.list }, address)
    else push({ list: now.list + 1 }, address)
  }
  openChat.value = chat
  panel.value = 'none'
}
