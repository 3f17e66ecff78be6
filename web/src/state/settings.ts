import { effect, signal } from '@preact/signals'

// The server's settings in the page.
interface Server {
  auth?: boolean
  registration?: 'open' | 'closed' | 'service'
}

export const server: Server = JSON.parse(document.querySelector<HTMLMetaElement>('meta[name=pullchat]')?.content || '{}')

/** The server's address, of which this page is a part. */
export const address = new URL('.', document.baseURI).href

export type Theme = 'auto' | 'light' | 'dark'
export type Direction = 'auto' | 'ltr' | 'rtl'

/** A setting of this browser. */
function kept<T extends string>(key: string, initial: T) {
  const value = signal<T>((localStorage.getItem(key) as T) ?? initial)
  effect(() => localStorage.setItem(key, value.value))
  return value
}

export const theme = kept<Theme>('pullchat-theme', 'auto')
export const direction = kept<Direction>('pullchat-direction', 'auto')
export const notify = kept<'on' | 'off'>('pullchat-notify', 'off')

const rightToLeft = /^(ar|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/

effect(() => {
  const { dataset } = document.documentElement
  if (theme.value === 'auto') delete dataset['theme']
  else dataset['theme'] = theme.value
  const natural = rightToLeft.test(navigator.language) ? 'rtl' : 'ltr'
  document.documentElement.dir = direction.value === 'auto' ? natural : direction.value
})
