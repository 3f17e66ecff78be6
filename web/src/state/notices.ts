import { signal } from '@preact/signals'
import { goTo } from './route'
import { notify } from './settings'

/** A line at the edge of the page, for a few seconds. */
export const toast = signal('')
/** What screen readers say. */
export const spoken = signal('')
let timer = 0

export function show(text: string): void {
  toast.value = text
  clearTimeout(timer)
  timer = window.setTimeout(() => (toast.value = ''), 6000)
}

/** Tells of a message: aloud if the chat is open, else with a notification if the user wants them. */
export function announce(chat: string, title: string, text: string, seen: boolean): void {
  if (seen) {
    spoken.value = text
    return
  }
  if (notify.peek() !== 'on' || !('Notification' in window) || Notification.permission !== 'granted' || document.visibilityState === 'visible') return
  try {
    const notification = new Notification(title, { body: text.slice(0, 200), tag: chat, icon: 'app/icon.svg' })
    notification.onclick = () => {
      window.focus()
      goTo(chat)
      notification.close()
    }
  } catch {
    // Phones have notifications of service workers only.
  }
}
