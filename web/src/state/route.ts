import { signal } from '@preact/signals'

// The address of the page names the open chat, so that going back and reloading work.
const read = () => {
  const found = /^#\/(.+)$/.exec(location.hash)
  try {
    return found ? decodeURIComponent(found[1]!) : undefined
  } catch {
    return undefined
  }
}

export const openChat = signal<string | undefined>(read())
export const panel = signal<'none' | 'info' | 'settings' | 'new' | 'thread'>('none')

window.addEventListener('hashchange', () => {
  openChat.value = read()
  panel.value = 'none'
})

export function goTo(chat: string | undefined): void {
  location.hash = chat ? '#/' + encodeURIComponent(chat) : '#/'
}
