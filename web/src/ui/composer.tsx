import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Content, Message } from 'pullchat'
import { chats, inboxLoaded, isPair, listRoom, timeline, titleOf } from '../state/chats'
import { drafts } from '../state/drafts'
import { answering, editing, takenBack } from '../state/editing'
import { sendFile, uploads } from '../state/files'
import { mentionsIn, readMembers } from '../state/mentions'
import { nameOf } from '../state/names'
import { attempt } from '../state/notices'
import { client, me } from '../state/session'
import { sentText, tellTyping } from '../state/typing'
import { Check, Clip, Close, Send } from './icons'

let most = 4096 // bytes; a server may allow another number, and says so
let told = false // whether it has
const bytes = new TextEncoder()
const sizeOf = (text: string) => bytes.encode(text).length
const touch = matchMedia('(pointer: coarse)') // a keyboard on a screen has no Shift+Enter

export function Composer({ chat }: { chat: string }) {
  const box = useRef<HTMLTextAreaElement>(null)
  const counter = useRef<HTMLSpanElement>(null)
  const saving = useRef(false)
  const tooLong = useSignal(0) // bytes
  const edited = editing.value
  const outside = inboxLoaded.value && !isPair(chat) && !chats.value.has(chat)

  useEffect(() => {
    box.current!.value = edited?.text ?? drafts.get(chat) ?? ''
    if (edited) box.current!.setSelectionRange(edited.text.length, edited.text.length)
    fit()
    if (edited || !touch.matches) box.current!.focus()
  }, [chat, edited, outside])

  useEffect(() => {
    const back = takenBack.value
    if (back?.chat !== chat) return
    takenBack.value = undefined
    editing.value = undefined
    drafts.set(chat, [back.text, drafts.get(chat)?.trim()].filter(Boolean).join('\n'))
    if (back.content?.reply_to) answering.value = timeline(chat).look(back.content.reply_to)
    box.current!.value = drafts.get(chat)!
    fit()
    box.current!.focus()
  }, [takenBack.value])

  useEffect(() => {
    if (answering.value) box.current!.focus()
  }, [answering.value])

  function fit(): void {
    const { style } = box.current!
    if (!CSS.supports('field-sizing', 'content')) {
      style.height = 'auto'
      style.height = `${Math.min(box.current!.scrollHeight, 160)}px`
    }
    const left = most - sizeOf(box.current!.value.trim())
    if (left >= 0) tooLong.value = 0
    counter.current!.textContent = left < 500 ? `${left} left` : ''
    counter.current!.classList.toggle('over', left < 0)
  }

  function changed(): void {
    fit()
    if (editing.peek()) return
    drafts.set(chat, box.current!.value)
    if (box.current!.value.includes('@')) readMembers(chat)
    if (box.current!.value.trim()) tellTyping(chat)
  }

  function send(): void {
    const text = box.current!.value.trim()
    if (!text) return
    if (told && sizeOf(text) > most) return void (tooLong.value = sizeOf(text) - most)
    if (edited) return void change(edited, text)
    client.send({ chat, text, content: contentOf(text, answering.peek()) }).catch((error) => learnMost(error.message, text)) // the message itself shows what became of it
    answering.value = undefined
    box.current!.value = ''
    changed()
    sentText()
    box.current!.focus()
  }

  /** Takes a text back that the server says is too long. */
  function learnMost(message: string, text: string): void {
    const limit = /^text is \d+ bytes; the limit is (\d+)/.exec(message)?.[1]
    if (!limit) return
    told = true
    most = Number(limit)
    const refused = timeline(chat).outgoing.peek().find((o) => o.state === 'failed' && o.text === text)
    if (!refused || !box.current) return
    timeline(chat).forget(refused.id)
    void client.outbox.discard(refused)
    takenBack.value = refused
    tooLong.value = sizeOf(text) - most
  }

  /** What a message answers, and whom it mentions. */
  function contentOf(text: string, to: Message | undefined): Content {
    const mentions = mentionsIn(chat, text)
    return { ...(to && { reply_to: to.send_time }), ...(mentions.length && { mentions }) }
  }

  /** Sends files, the first one with the text that is written, as the answer that it is. */
  async function attach(files: Iterable<File> | null | undefined): Promise<void> {
    const text = box.current!.value.trim()
    const to = answering.peek()
    let first = true
    for (const file of files ?? []) {
      const sent = first ? await sendFile(client, chat, file, text, contentOf(text, to)) : await sendFile(client, chat, file, '')
      if (sent && first) {
        if (answering.peek() === to) answering.value = undefined
        if (drafts.get(chat)?.trim() === text) {
          drafts.delete(chat)
          if (box.current?.value.trim() === text) box.current.value = ''
        }
      }
      first = false
    }
    if (box.current) fit()
  }

  /** Until the server has the new text, the composer keeps it. */
  async function change(message: Message, text: string): Promise<void> {
    if (saving.current) return
    saving.current = true
    const done = text === message.text || (await attempt(() => client.edit(chat, message.send_time, text)))
    saving.current = false
    if (done && editing.peek() === message) editing.value = undefined
  }

  // Rooms of other members are read-only until the user joins.
  if (outside) {
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
    <form
      class="composer"
      onSubmit={(e) => (e.preventDefault(), send())}
      onDragOver={(e) => e.dataTransfer?.types.includes('Files') && e.preventDefault()}
      onDrop={(e) => e.dataTransfer?.files.length && (e.preventDefault(), void attach(e.dataTransfer.files))}
    >
      {uploads.value.filter((u) => u.chat === chat).map((u) => (
        <p class="doing" role="status" key={u}>
          <span>
            Uploading <bdi>{u.name}</bdi> …
          </span>
          <button type="button" class="icon" aria-label="Cancel the upload" title="Cancel" onClick={() => u.stop.abort()}>
            <Close />
          </button>
        </p>
      ))}
      {tooLong.value > 0 && (
        <p class="doing failure" role="alert">
          The text is too long by {tooLong.value.toLocaleString()} {tooLong.value === 1 ? 'byte' : 'bytes'}, and was not sent.
        </p>
      )}
      {answering.value && (
        <p class="doing" role="status">
          <span>
            Answering {answering.value.sender === me.value ? 'yourself' : nameOf(answering.value.sender)}: <bdi>{answering.value.text.slice(0, 200)}</bdi>
          </span>
          <button type="button" class="icon" aria-label="Cancel the answer" title="Cancel (Esc)" onClick={() => (answering.value = undefined)}>
            <Close />
          </button>
        </p>
      )}
      {edited && (
        <p class="doing" role="status">
          <span>
            Editing: <bdi>{edited.text.slice(0, 200)}</bdi>
          </span>
          <button type="button" class="icon" aria-label="Cancel the edit" title="Cancel (Esc)" onClick={() => (editing.value = undefined)}>
            <Close />
          </button>
        </p>
      )}
      <label class="hidden" for="text">
        {edited ? 'New text of your message' : `Message to ${titleOf(chat)}`}
      </label>
      <textarea
        id="text"
        ref={box}
        rows={1}
        dir="auto"
        placeholder="Write a message"
        enterkeyhint={touch.matches ? 'enter' : 'send'}
        onInput={changed}
        onPaste={(e) => {
          const { files } = e.clipboardData ?? {}
          if (files?.length) void (e.preventDefault(), attach(files))
        }}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && !e.shiftKey && !e.isComposing && !touch.matches) {
            e.preventDefault()
            send()
          } else if (e.key === 'Escape' && (edited || answering.peek())) {
            e.stopPropagation() // it closes panels too
            editing.value = answering.value = undefined
          }
        }}
      />
      <span ref={counter} class="counter" />
      {!edited && (
        <label class="icon attach" title="Send a file">
          <Clip />
          <span class="hidden">Send a file</span>
          <input type="file" multiple class="hidden" onChange={(e) => {
            const field = e.currentTarget
            void attach([...(field.files ?? [])])
            field.value = '' // the same file may be chosen again
          }} />
        </label>
      )}
      <button class="icon send" aria-label={edited ? 'Save' : 'Send'}>
        {edited ? <Check /> : <Send />}
      </button>
    </form>
  )
}
