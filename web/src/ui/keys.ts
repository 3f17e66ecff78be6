import { goTo, openChat } from '../state/route'
import { shown } from './sidebar'

/** Opens the chat below or above the open one, of those that the list shows. */
export function nextChat(step: 1 | -1): void {
  const all = shown.peek()
  if (all.length === 0) return
  const at = all.findIndex((c) => c.chat === openChat.peek())
  goTo(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))]!.chat)
}
