import { createParser } from 'eventsource-parser'
import { networkError, PullchatError, type Code } from './errors.js'
import type { Cursors, Sink } from './follow.js'
import type { Http } from './http.js'

const silence = 60_000 // milliseconds; the server comments every 25 seconds
const idBytes = 6 << 10 // of Last-Event-ID: servers and proxies limit headers

/** Follows over server-sent events, read with fetch: the token is in a header, and in no URL. */
export async function followSSE(http: Http, sink: Sink, firstByte = silence): Promise<void> {
  const { wanted } = sink
  const connection = new AbortController()
  const end = () => connection.abort()
  sink.signal.addEventListener('abort', end)
  let watchdog = setTimeout(end, firstByte)
  try {
    const id = eventId(sink.cursors, wanted.inbox ? undefined : wanted.chats)
    const response = await http.once('GET', '/api/stream', {
      query: {
        chat: wanted.chats, inbox: wanted.inbox || undefined, cursor: wanted.cursor, reader: wanted.reader, presence: wanted.presence,
      },
      headers: { Accept: 'text/event-stream', ...(id && { 'Last-Event-ID': id }) }, signal: connection.signal,
    })
    if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
      throw new PullchatError('unavailable', 'the answer is no event stream')
    }
    const heard: { event: string; data: string }[] = []
    const parser = createParser({ onEvent: ({ event = 'message', data }) => heard.push({ event, data }) })
    const decoder = new TextDecoder()
    for (const reader = response.body!.getReader(); ; ) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(watchdog)
      sink.live()
      parser.feed(decoder.decode(value, { stream: true }))
      for (const { event, data } of heard.splice(0)) await take(sink, event, JSON.parse(data) as never)
      watchdog = setTimeout(end, silence)
    }
  } catch (error) {
    const failed = networkError(error, sink.signal)
    // Silence is a broken connection, not the caller's wish.
    throw connection.signal.aborted && !sink.signal.aborted ? new PullchatError('network', 'the connection is silent', { cause: error }) : failed
  } finally {
    clearTimeout(watchdog)
    sink.signal.removeEventListener('abort', end)
    connection.abort()
  }
}

async function take(sink: Sink, event: string, data: never): Promise<void> {
  switch (event) {
    case 'messages':
      return sink.page(data)
    case 'signal':
    case 'presence':
    case 'read':
    case 'delivered':
    case 'deleted':
      return sink.event(event, data)
    case 'error': {
      const { code, message } = data as { code: Code; message: string }
      throw new PullchatError(code, message)
    }
  }
}

/** The Last-Event-ID of cursors: of the named chats, or of those that moved last, as many as fit. */
export function eventId(cursors: Cursors, chats?: readonly string[]): string {
  const parts: string[] = []
  let length = 0
  for (const [chat, cursor] of Object.entries(cursors).reverse()) {
    if (chats && !chats.includes(chat)) continue
    const part = `${encodeURIComponent(chat)}=${cursor}`
    if ((length += part.length + 1) > idBytes || parts.length === 100) break
    parts.unshift(part)
  }
  return parts.join(';')
}
