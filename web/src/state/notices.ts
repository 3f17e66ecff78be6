import { signal } from '@preact/signals'
import { notify } from './settings'
import { wordsOf } from './words'
import { notifyOf } from './worker'

/** A line at the edge of the page, for a few seconds. */
export const toast = signal('')
/** The announcement for screen readers. */
export const spoken = signal('')
let timer = 0

export function show(text: string): void {
  toast.value = text
  clearTimeout(timer)
  timer = window.setTimeout(() => (toast.value = ''), 6000)
}

/** Runs an action of the user, and shows its failure. Returns whether it succeeded. */
export async function attempt(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run()
    return true
  } catch (error) {
    show(wordsOf(error))
    return false
  }
}

/** Tells of a message: aloud if the chat is open, else with a notification if the user wants them. */
export function announce(chat: string, title: string, text: string, seen: boolean): void {
  if (seen) {
    spoken.value = text
    return
  }
  if (notify.peek() !== 'on' || !('Notification' in window) || Notification.permission !== 'granted' || document.visibilityState === 'visible') return
  notifyOf(chat, title, text.slice(0, 200)).catch(() => {}) // a phone without a service worker shows none
}
