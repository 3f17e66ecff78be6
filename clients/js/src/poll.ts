import type { Sink } from './follow.js'
import type { Http } from './http.js'
import type { InboxResponse, PullResponse } from './openapi.js'
import { delay } from './wait.js'

const inboxEvery = 2000 // milliseconds

/** Follows with plain requests, which pass through every proxy: a waiting pull for each chat, or the inbox now and then. */
export async function followPoll(http: Http, sink: Sink): Promise<void> {
  if (sink.wanted.inbox) return pollInbox(http, sink)
  const failed = new AbortController() // one chat that fails ends the others
  const signal = AbortSignal.any([sink.signal, failed.signal])
  const polls = sink.wanted.chats.map(async (chat) => {
    while (!signal.aborted) await pull(http, sink, chat, '25s', signal)
  })
  try {
    await Promise.all(polls)
  } finally {
    failed.abort()
    await Promise.allSettled(polls)
  }
}

async function pull(http: Http, sink: Sink, chat: string, wait: string | undefined, signal: AbortSignal, start?: number): Promise<boolean> {
  const cursor = sink.cursors[chat] ?? start ?? sink.wanted.cursor ?? 0
  const response = await http.once('GET', '/api/pull', {
    query: { chat, cursor, limit: 100, reader: sink.wanted.reader, ...(wait && { wait }) }, signal,
  })
  const page = (await response.json()) as PullResponse
  sink.live()
  if (page.messages.length > 0 || page.next_cursor !== cursor) await sink.page({ ...page, chat })
  return page.has_more
}

async function pollInbox(http: Http, sink: Sink): Promise<void> {
  while (!sink.signal.aborted) {
    let cursor = 0
    do {
      const response = await http.once('GET', '/api/inbox', { query: { reader: sink.wanted.reader, cursor, limit: 100 }, signal: sink.signal })
      const inbox = (await response.json()) as InboxResponse
      sink.live()
      let moved = false
      for (const entry of inbox.chats) {
        const start = sink.wanted.cursor ?? entry.cursor
        if (!entry.last_message || entry.last_message.send_time < (sink.cursors[entry.chat] ?? start)) continue
        moved = true
        while (await pull(http, sink, entry.chat, undefined, sink.signal, start));
      }
      cursor = moved ? inbox.next_cursor : 0 // the newest come first: behind a page without news there are none
    } while (cursor !== 0)
    await delay(inboxEvery, sink.signal)
  }
}
