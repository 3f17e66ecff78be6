import { signal } from '@preact/signals'
import { failure } from './api'

// The section, and what is shown in it, are in the address: #users/alice.

const read = () => decodeURIComponent(location.hash.slice(1)).split('/')

export const section = signal(read()[0] || 'overview')
export const detail = signal(read()[1] ?? '')

addEventListener('hashchange', () => {
  failure.value = '' // it was of what is not shown any more
  section.value = read()[0] || 'overview'
  detail.value = read()[1] ?? ''
})

export const addressOf = (name: string, which = '') => `#${name}${which && '/' + encodeURIComponent(which)}`
