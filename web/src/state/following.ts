import { effect, signal } from '@preact/signals'
import { visible } from './presence'
import { me } from './session'

// Browsers open six connections to a server (HTTP/1.1), for all tabs together, and a stream keeps one. So the inbox is followed by
// the tab that is seen, and by one of the hidden ones, for notifications: the one with the lock.

const lock = 'pullchat-hidden'
const pause = 1000 // milliseconds that a tab without the lock follows on after it was hidden

/** Whether this tab is to follow the inbox. */
export const follows = signal(false)

effect(() => {
  if (!me.value) return
  if (visible.value || !navigator.locks) {
    follows.value = true
    return
  }
  const end = new AbortController()
  const late = setTimeout(() => (follows.value = false), pause)
  const hold = () => {
    clearTimeout(late)
    follows.value = true
    return new Promise<void>((resolve) => end.signal.addEventListener('abort', () => resolve()))
  }
  navigator.locks.request(lock, { signal: end.signal }, hold).catch(() => {}) // it was seen again before it got the lock
  return () => {
    clearTimeout(late)
    end.abort()
  }
})
