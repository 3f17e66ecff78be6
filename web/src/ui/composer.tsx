import { useEffect, useRef } from 'preact/hooks'
import { attempt, chats, client, isPair, listRoom, sentText, titleOf, tellTyping } from '../state/app'
import { Send } from './icons'

const drafts = new Map<string, string>() // of chats, while the page is open
const most = 4096 // bytes; a server may allow another number, and says so
const bytes = new TextEncoder()

export function Composer({ chat }: { chat: string }) {
  const box = useRef<HTMLTextAreaElement>(null)
  const counter = useRef<HTMLSpanElement>(null)

  useEffect(() => {
    box.current!.value = drafts.get(chat) ?? ''
    fit()
    if (!matchMedia('(pointer: coarse)').matches) box.current!.focus()
  }, [chat])

  function fit(): void {
    const { style } = box.current!
    if (!CSS.supports('field-sizing', 'content')) {
      style.height = 'auto'
      style.height = `${Math.min(box.current!.scrollHeight, 160)}px`
    }
    const left = most - bytes.encode(box.current!.value).length
    counter.current!.textContent = left < 500 ? `${left} left` : ''
    counter.current!.classList.toggle('over', left < 0)
  }

  function changed(): void {
    drafts.set(chat, box.current!.value)
    fit()
    if (box.current!.value.trim()) tellTyping(chat)
  }

  function send(): void {
    const text = box.current!.value.trim()
    if (!text) return
    client.send({ chat, text }).catch(() => {}) // the message itself shows what became of it
    box.current!.value = ''
    changed()
    sentText()
    box.current!.focus()
  }

  // Rooms of other members are read-only until the user joins.
  if (!isPair(chat) && !chats.value.has(chat)) {
    return (
      <div class="composer join">
        <textarea ref={box} hidden />
        <span ref={counter} hidden />
        <button
          class="primary"
          onClick={() =>
            attempt(async () => {
              const room = await client.rooms.join(chat)
              listRoom(chat, room.name)
            })
          }
        >
          Join this room
        </button>
      </div>
    )
  }
  return (
    <form class="composer" onSubmit={(e) => (e.preventDefault(), send())}>
      <label class="hidden" for="text">
        Message to {titleOf(chat)}
      </label>
      <textarea
        id="text"
        ref={box}
        rows={1}
        dir="auto"
        placeholder="Write a message"
        enterkeyhint="send"
        onInput={changed}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
            e.preventDefault()
            send()
          }
        }}
      />
      <span ref={counter} class="counter" />
      <button class="icon send" aria-label="Send">
        <Send />
      </button>
    </form>
  )
}
