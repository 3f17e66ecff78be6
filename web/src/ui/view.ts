const end = 80 // pixels from the end that count as the end
const around = 1 // heights of the view above and below it that are drawn

/** The visible part of a long log. It keeps its place on the screen while the height of earlier parts changes. */
export class View {
  atEnd = true
  readonly #heights = new Map<number, number>()
  #put = 0 // where hold has scrolled to
  #anchor?: { element: Element; at: number } // a visible element, and its distance from the beginning

  constructor(private readonly box: HTMLElement) {}

  /** The names of the chunks to draw: those near the view, those that must be, and those drawn that the reader uses. */
  near(always: readonly number[], drawn: ReadonlySet<number>): Set<number> {
    const names = new Set(always)
    const { top, bottom, height } = this.box.getBoundingClientRect()
    for (const chunk of this.box.querySelectorAll<HTMLElement>('.chunk')) {
      const name = Number(chunk.dataset.chunk)
      const is = chunk.getBoundingClientRect()
      if ((is.bottom > top - around * height && is.top < bottom + around * height) || (drawn.has(name) && inUse(chunk))) names.add(name)
      else if (drawn.has(name) && !names.has(name)) this.#heights.set(name, is.height)
    }
    return names
  }

  /** The height that a chunk had when it was drawn last. */
  heightOf(name: number): number | undefined {
    return this.#heights.get(name)
  }

  /** Takes note of where the reader has scrolled to. */
  scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.box
    const own = this.atEnd && scrollTop === this.#put // the end may have moved since
    this.atEnd = own || scrollHeight - scrollTop - clientHeight < end
    this.#look()
  }

  /** Scrolls the anchor back to its place. */
  hold(): void {
    if (this.atEnd) this.box.scrollTop = this.box.scrollHeight
    else if (this.#anchor?.element.isConnected) this.box.scrollTop += this.#placeOf(this.#anchor.element) - this.#anchor.at
    this.#put = this.box.scrollTop
    this.#look()
  }

  show(element: HTMLElement): void {
    element.scrollIntoView({ block: 'center' })
    this.atEnd = false
    this.#look()
  }

  toEnd(): void {
    this.atEnd = true
    this.hold()
  }

  #look(): void {
    const { top, bottom } = this.box.getBoundingClientRect()
    const element = [...this.box.querySelectorAll('[data-at]')].find((message) => {
      const is = message.getBoundingClientRect()
      return is.bottom > top && is.top < bottom
    })
    this.#anchor = element && { element, at: this.#placeOf(element) }
  }

  #placeOf(element: Element): number {
    return element.getBoundingClientRect().top - this.box.getBoundingClientRect().top + this.box.scrollTop
  }
}

/** Whether something in it has the focus, is selected, or plays. */
function inUse(chunk: HTMLElement): boolean {
  if (chunk.contains(document.activeElement)) return true
  const selection = getSelection()
  if (selection?.type === 'Range' && selection.containsNode(chunk, true)) return true
  return [...chunk.querySelectorAll('audio, video')].some((media) => !(media as HTMLMediaElement).paused)
}
