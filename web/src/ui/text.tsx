import type { ComponentChildren } from 'preact'
import { means, mention } from '../state/mentions'

const link = /\bhttps?:\/\/[^\s<>"']+/gi

/** An address ends before punctuation that belongs to the sentence, such as a bracket that it does not open. */
function addressIn(found: string): string {
  const count = (bracket: string) => found.split(bracket).length
  for (;;) {
    const open = '([{'[')]}'.indexOf(found.at(-1)!)]
    if (open ? count(open) >= count(found.at(-1)!) : !/[.,:;!?]$/.test(found)) return found
    found = found.slice(0, -1)
  }
}

/**
 * A text of a user. It is put into the page as text, never as HTML. Addresses of the web become links; other schemes, such as
 * javascript:, do not.
 */
export function Text({ text, me }: { text: string; me?: string }) {
  const parts: ComponentChildren[] = []
  let at = 0
  for (const found of text.matchAll(link)) {
    const address = addressIn(found[0])
    const href = safe(address)
    if (!href) continue
    parts.push(...mentions(text.slice(at, found.index), me))
    parts.push(
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {address}
      </a>,
    )
    at = found.index + address.length
  }
  parts.push(...mentions(text.slice(at), me))
  return <>{parts}</>
}

function safe(address: string): string | undefined {
  try {
    const url = new URL(address)
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined
  } catch {
    return undefined
  }
}

function mentions(text: string, me?: string): ComponentChildren[] {
  const parts: ComponentChildren[] = []
  let at = 0
  for (const { 0: found, index } of text.matchAll(mention)) {
    parts.push(text.slice(at, index), <b class={me && means(found, me) ? 'mention me' : 'mention'}>{found}</b>)
    at = index + found.length
  }
  parts.push(text.slice(at))
  return parts
}
