import { PullchatError, type Code } from './errors.js'
import type { Sink } from './follow.js'
import type { Http } from './http.js'

/** The interface of a WebSocket: a browser's, Node's, Deno's, Bun's, or that of the package `ws`. */
export interface Socket {
  send(data: string): void
  close(code?: number): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown } & never) => void) | null
  onclose: ((event: { code: number; reason: string } & never) => void) | null
  onerror: ((event: never) => void) | null
}

/** Opens a WebSocket. `headers` is empty, or has the Authorization, which a browser's WebSocket cannot send. */
export type OpenSocket = (url: string, headers: Record<string, string>) => Socket

export const openSocket: OpenSocket = (url, headers) => {
  const WebSocket = globalThis.WebSocket as unknown as new (url: string, options?: unknown) => Socket
  if (!WebSocket) throw new PullchatError('invalid_argument', 'there is no WebSocket here: pass webSocket, or use another transport')
  if (Object.keys(headers).length === 0) return new WebSocket(url)
  if ('document' in globalThis) {
    throw new PullchatError('invalid_argument', 'a WebSocket of a browser sends no token, other than in its URL: use the transport sse')
  }
  return new WebSocket(url, { headers })
}

const ping = 25_000 // milliseconds
const renewal = 60_000 // milliseconds; a token is refreshed within the last seconds of its life, and renewed here

type Frame = { type: string; ref?: string; code?: Code; message?: string; retry_after?: number; signal?: string } & Record<string, unknown>

/** Follows over a WebSocket. The connection outlives its token: the next one is sent in a frame. */
export async function followWS(http: Http, open: OpenSocket, sink: Sink): Promise<void> {
  let token = await http.token()
  const socket = open(http.url('/api/ws').replace(/^http/, 'ws'), token === undefined ? {} : { Authorization: 'Bearer ' + token })
  const say = (frame: Record<string, unknown>) => socket.send(JSON.stringify(frame))
  let heard = true
  const pings = setInterval(() => {
    if (!heard) socket.close()
    heard = false
    say({ type: 'ping' })
  }, ping)
  const renewals = setInterval(async () => {
    const next = await http.token().catch(() => undefined)
    if (next !== undefined && next !== token) say({ type: 'auth', token: (token = next) })
  }, renewal)
  const end = () => socket.close()
  sink.signal.addEventListener('abort', end)
  try {
    await new Promise<void>((resolve, reject) => {
      let failed: PullchatError | undefined
      let handled = Promise.resolve()
      socket.onopen = () => watch(sink, say)
      socket.onerror = () => (failed ??= new PullchatError('network', 'the WebSocket cannot be opened'))
      socket.onclose = ({ code }) => {
        if (code === 1008 && !failed) failed = new PullchatError('token_expired', 'the token has expired')
        handled.finally(() => (failed ? reject(failed) : resolve()))
      }
      socket.onmessage = ({ data }) => {
        heard = true
        handled = handled
          .then(() => take(sink, JSON.parse(String(data))))
          .catch((error: unknown) => {
            failed ??= error as PullchatError
            socket.close()
          })
      }
    })
  } catch (error) {
    // A handshake that was refused says nothing to a page: a request in its place tells why.
    if (error instanceof PullchatError && error.code === 'network' && token !== undefined) await http.token(token).catch(() => {})
    throw error
  } finally {
    clearInterval(pings)
    clearInterval(renewals)
    sink.signal.removeEventListener('abort', end)
  }
}

function watch({ wanted, cursors }: Sink, say: (frame: Record<string, unknown>) => void): void {
  const { reader, presence } = wanted
  if (wanted.inbox) say({ type: 'watch', inbox: true, reader, presence, cursor: wanted.cursor })
  for (const chat of wanted.chats) say({ type: 'watch', chat, cursor: cursors[chat] ?? wanted.cursor ?? 0, reader, presence })
}

async function take(sink: Sink, frame: Frame): Promise<void> {
  switch (frame.type) {
    case 'watching':
      return sink.live()
    case 'messages':
      return sink.page(frame as never)
    case 'signal':
      return sink.event('signal', { ...frame, type: frame.signal } as never)
    case 'presence':
    case 'read':
    case 'delivered':
    case 'deleted':
      return sink.event(frame.type, frame as never)
    case 'error':
      throw new PullchatError(frame.code ?? 'internal', frame.message ?? 'error', { retryAfter: frame.retry_after })
  }
}
