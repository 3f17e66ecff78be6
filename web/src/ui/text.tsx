import type { ComponentChildren } from 'preact'
import { means, mention } from '../state/mentions'

// An address ends before punctuation that belongs to the sentence.
const link = /\bhttps?:\/\/[^\s<>"']*[^\s<>"'.,:;!?)\]}]/gi

/**
 * A text of a user. It is put into the page as text, never as HTML. Addresses of the web become links; other schemes, such as
 * javascript:, do not.
 */
export function Text({ text, me }: { text: string; me?: string }) {
  const parts: ComponentChildren[] = []
  let at = 0
  for (const found of text.matchAll(link)) {
    const href = safe(found[0])
    if (!href) continue
    parts.push(...mentions(text.slice(at, found.index), me))
    parts.push(
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {found[0]}
      </a>,
    )
    at = found.index + found[0].length
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
