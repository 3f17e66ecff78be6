import { effect } from '@preact/signals'
import { me } from './session'

/** What is written and not sent, by chat, while the page is open. */
export const drafts = new Map<string, string>()

let writer: string | undefined

// Another user must not see them. The same one finds them again after a session has ended.
effect(() => {
  if (!me.value || me.value === writer) return
  drafts.clear()
  writer = me.value
})
