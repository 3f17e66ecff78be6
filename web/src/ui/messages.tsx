import { useSignal, useSignalEffect } from '@preact/signals'
import { memo } from 'preact/compat'
import { useCallback, useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Message } from 'pullchat'
import { attempt } from '../state/notices'
import { seesEnd } from '../state/reading'
import type { Timeline } from '../state/timeline'
import { Down } from './icons'
import { Entry, Waiting } from './message'
import { View } from './view'

const guess = 48 // the height in pixels that a message is taken to have until it is drawn

/** A chunk is named by the position of its first message. */
const nameOf = (chunk: readonly Message[]) => chunk[0]!.send_time

/** The messages of a chat. Chunks far from the view are empty boxes of the same height, so a long log costs the same as a short one. */
export function Messages({ of }: { of: Timeline }) {
  const box = useRef<HTMLDivElement>(null)
  const state = useRef<View | null>(null)
  const near = useSignal<ReadonlySet<number>>(new Set())
  const away = useSignal(false)
  const chunks = of.chunks.value
  const outgoing = of.outgoing.value
  const sought = of.sought.value
  const view = () => (state.current ??= new View(box.current!))

  const draw = useCallback(() => {
    const chunks = of.chunks.peek()
    const always = [chunks.at(-1), of.sought.peek() ? of.chunkOf(of.sought.peek()) : undefined].flatMap((chunk) => (chunk ? [nameOf(chunk)] : []))
    const now = view().near(always, near.peek())
    if (now.size !== near.peek().size || [...now].some((name) => !near.peek().has(name))) near.value = now
  }, [of])

  const older = useCallback(() => {
    const { scrollTop, clientHeight } = box.current!
    if (scrollTop < 2 * clientHeight && of.loaded.peek() && of.older.peek() === 'more') void attempt(() => of.loadOlder())
  }, [of])

  // The view keeps its place while chunks above it come, go, and turn out to have another height than was guessed.
  useLayoutEffect(() => {
    view().hold()
    draw()
    older()
    if (view().atEnd) seesEnd(true)
  }, [chunks, outgoing.length, near.value, sought])

  // A message that was sought comes into view, and has the focus: screen readers read it.
  useLayoutEffect(() => {
    const found = sought && box.current!.querySelector<HTMLElement>(`[data-at="${sought}"]`)
    if (!found) return
    view().show(found)
    found.tabIndex = -1 // only this one takes the focus: a click on another must not
    found.focus({ preventScroll: true })
    of.sought.value = 0
  }, [near.value, sought])

  // The user's own message brings the view to the end.
  useLayoutEffect(() => {
    if (outgoing.length) toEnd()
  }, [outgoing.at(-1)?.id])

  // Texts wrap anew in another width, and images have their heights once they are loaded.
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      view().hold()
      requestAnimationFrame(draw) // it changes sizes, which an observer must not do
    })
    observer.observe(box.current!)
    observer.observe(box.current!.firstElementChild!)
    return () => observer.disconnect()
  }, [of])

  useSignalEffect(() => void (of.loaded.value || (view().atEnd = true)))

  function toEnd(): void {
    view().toEnd()
    away.value = false
    seesEnd(true)
  }

  function scrolled(): void {
    const was = view().atEnd
    view().scrolled()
    if (was !== view().atEnd) {
      away.value = was
      seesEnd(!was)
    }
    draw()
    older()
  }

  return (
    <div class="messages">
      <div class="scroll" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label="Messages">
        <div>
          <Top of={of} />
          {chunks.map((chunk, i) => {
            const name = nameOf(chunk)
            const height = near.value.has(name) ? undefined : (state.current?.heightOf(name) ?? guess * chunk.length)
            return <Chunk key={name} name={name} messages={chunk} before={chunks[i - 1]?.at(-1)} height={height} of={of} />
          })}
          {outgoing.map((o) => (
            <Waiting key={o.id} of={of} message={o} />
          ))}
        </div>
      </div>
      {away.value && (
        <button class="icon to-end" aria-label="To the newest message" onClick={toEnd}>
          <Down />
        </button>
      )}
    </div>
  )
}

function Top({ of }: { of: Timeline }) {
  switch (of.older.value) {
    case 'loading':
      return <p class="top" dir="auto">Loading …</p>
    case 'failed':
      return (
        <p class="top">
          <button class="plain" onClick={() => attempt(() => of.loadOlder())}>
            Load again
          </button>
        </p>
      )
    case 'begin':
      return <p class="top" dir="auto">{of.last.value ? 'This is the beginning.' : 'There are no messages yet. Write the first one.'}</p>
  }
  return <p class="top" />
}

interface ChunkProps {
  name: number
  messages: readonly Message[]
  before?: Message
  height?: number
  of: Timeline
}

/** A part of the log; one with a height is empty, and only takes its place. */
const Chunk = memo(function Chunk({ name, messages, before, height, of }: ChunkProps) {
  return (
    <div class="chunk" data-chunk={name} style={{ height }}>
      {height === undefined && messages.map((m, i) => <Entry key={m.send_time} message={m} before={messages[i - 1] ?? before} of={of} />)}
    </div>
  )
})
