import { signal, type Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { attemptRead, get } from './api'

interface Page<T> {
  items: readonly T[]
  /** Where the next page begins; nothing at the end. */
  next?: string | number
}

/** A list that is read page by page. */
export class Pages<T> {
  readonly items: Signal<readonly T[] | undefined> = signal(undefined)
  readonly more = signal(false)
  #next: string | number | undefined
  #reading = 0

  constructor(private readonly read: (cursor: string | number | undefined) => Promise<Page<T>>) {}

  async reload(): Promise<void> {
    this.#next = undefined
    await this.#load(false)
  }

  async extend(): Promise<void> {
    await this.#load(true)
  }

  async #load(append: boolean): Promise<void> {
    const reading = ++this.#reading
    await attemptRead(async () => {
      const page = await this.read(append ? this.#next : undefined)
      if (reading !== this.#reading) return // a newer request is on its way
      this.items.value = append ? [...(this.items.peek() ?? []), ...page.items] : page.items
      this.#next = page.next
      this.more.value = page.next !== undefined
    })
  }
}

/** Pages of a route, whose answers have the list in `field`. */
export function usePages<T>(path: string, field: string, query: Record<string, string | undefined> = {}): Pages<T> {
  const key = path + JSON.stringify(query)
  const pages = useMemo(() => new Pages<T>(async (cursor) => {
    const answer = await get<Record<string, unknown>>(path, { ...query, cursor })
    return { items: (answer[field] ?? []) as T[], next: answer['has_more'] ? (answer['next_cursor'] as string | number) : undefined }
  }), [key])
  useEffect(() => void pages.reload(), [pages])
  return pages
}

interface Column<T> {
  title: string
  show: (item: T) => ComponentChildren
  number?: boolean
}

export function Table<T>({ pages, columns, empty, keyOf }: { pages: Pages<T>; columns: readonly Column<T>[]; empty: string; keyOf: (item: T) => string }) {
  const items = pages.items.value
  if (!items) return <p class="hint">Loading …</p>
  if (items.length === 0 && !pages.more.value) return <p class="hint">{empty}</p>
  return (
    <>
      <div class="table">
        <table>
          <thead>
            <tr>
              {columns.map((c) => (
                <th key={c.title} scope="col" class={c.number ? 'number' : undefined}>
                  {c.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={keyOf(item)}>
                {columns.map((c) => (
                  <td key={c.title} class={c.number ? 'number' : undefined} dir="auto">
                    {c.show(item)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages.more.value && (
        <button type="button" onClick={() => void pages.extend()}>
          More
        </button>
      )}
    </>
  )
}

/** A time of the API, which is in microseconds. */
export function Time({ at }: { at: number }) {
  const date = new Date(at / 1000)
  return <time dateTime={date.toISOString()}>{date.toLocaleString()}</time>
}
