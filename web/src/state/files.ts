import { signal } from '@preact/signals'
import { attached, PullchatError, type Content, type Message, type Pullchat } from 'pullchat'
import { attempt } from './notices'

/** A file as its message names it. */
export interface File {
  id: string
  name: string
  size: number
}

/** The file of a message; nothing where it has none. */
export function fileOf(m: Message): File | undefined {
  const body = m.body as { attachment?: unknown; name?: unknown; size?: unknown } | undefined
  if (m.erased || typeof body?.attachment !== 'string') return
  return { id: body.attachment, name: String(body.name ?? 'file'), size: Number(body.size ?? 0) }
}

const early = 60_000 // milliseconds before its end at which a URL is asked for anew
const urls = new Map<string, { url: string; until: number }>()

/** A URL of a file, which is good for a minute at least. */
export async function urlOf(client: Pullchat, chat: string, id: string): Promise<string> {
  const known = urls.get(id)
  if (known && known.until > Date.now()) return known.url
  const { url, expires } = await client.attachment(chat, id)
  urls.set(id, { url, until: expires / 1000 - early })
  return url
}

export interface Upload {
  chat: string
  name: string
  stop: AbortController
}

/** The files that are on their way to their store. */
export const uploads = signal<readonly Upload[]>([])

/** Uploads a file, and sends it with a text, without one with its name, and with other content. It answers whether it was sent. */
export async function sendFile(client: Pullchat, chat: string, file: Blob & { name?: string }, text: string, content: Content = {}): Promise<boolean> {
  const name = file.name || 'file'
  const upload: Upload = { chat, name, stop: new AbortController() }
  uploads.value = [...uploads.peek(), upload]
  const sent = await attempt(async () => {
    try {
      const attachment = await client.upload(chat, file, name, upload.stop.signal)
      if (upload.stop.signal.aborted) return
      client.send({ chat, text: text || name, content: { ...content, ...attached(attachment) } }).catch(() => {}) // the message itself shows its outcome
    } catch (error) {
      if (upload.stop.signal.aborted) return
      throw new PullchatError(error instanceof PullchatError ? error.code : 'internal', `The file ${name} was not sent: ${(error as Error).message}`, { cause: error })
    }
  })
  uploads.value = uploads.peek().filter((u) => u !== upload)
  return sent && !upload.stop.signal.aborted
}
