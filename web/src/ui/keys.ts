import { listed } from '../state/chats'
import { goTo, openChat } from '../state/route'

/** Opens the chat below or above the open one. */
export function nextChat(step: 1 | -1): void {
  const all = listed.peek()
  if (all.length === 0) return
  const at = all.findIndex((c) => c.chat === openChat.peek())
  goTo(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))]!.chat)
}
