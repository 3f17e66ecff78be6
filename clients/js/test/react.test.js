// The hooks, in a page of happy-dom, with the real server.
import { Window } from 'happy-dom'
import assert from 'node:assert/strict'
import test from 'node:test'
import { proxy, serve, until } from './server.js'

const window = new Window()
globalThis.window = window
globalThis.document = window.document
globalThis.navigator ??= window.navigator
const { createElement, StrictMode } = await import('react')
const { createRoot } = await import('react-dom/client')
const { Pullchat } = await import('../dist/index.js')
const { PullchatProvider, useChat, useInbox, usePresence } = await import('../dist/react.js')

/** Shows what a hook returns, and answers a function for its last value. */
function show(t, client, hook) {
  let last
  const Shown = () => {
    last = hook()
    return null
  }
  const root = createRoot(document.createElement('div'))
  t.after(() => root.unmount())
  root.render(createElement(StrictMode, null, createElement(PullchatProvider, { client }, createElement(Shown))))
  return { get: () => last, end: () => root.unmount() }
}

const texts = (state) => state?.messages.map((m) => m.text).join()

test('useChat: older and live messages, and sends that are shown before they are stored', async (t) => {
  const direct = await serve(t)
  const way = await proxy(t, direct)
  const alice = new Pullchat(way.url, { user: 'alice' })
  const bob = new Pullchat(direct, { user: 'bob' })
  t.after(() => alice.close())
  const all = Array.from({ length: 60 }, (_, i) => String(i))
  for (const text of all) await bob.send({ chat: 'alice:bob', text })
  const chat = show(t, alice, () => useChat('alice:bob'))
  await until(() => texts(chat.get()) === all.slice(10).join())
  await chat.get().loadOlder()
  await until(() => texts(chat.get()) === all.join())
  assert.equal(chat.get().hasOlder, false)
  await until(() => chat.get().status.state === 'live')
  await bob.send({ chat: 'alice:bob', text: 'live' })
  await until(() => chat.get().messages.at(-1).text === 'live')

  const [oldest, , , edited] = chat.get().messages
  await bob.edit('alice:bob', edited.send_time, 'edited')
  await bob.deleteMessage('alice:bob', oldest.send_time)
  await until(() => chat.get().messages[0].erased)
  assert.deepEqual(chat.get().messages.slice(0, 4).map((m) => m.text), ['', '1', '2', 'edited'])
  assert.equal(chat.get().messages.length, 61)

  way.away = true
  await until(() => chat.get().status.state === 'offline')
  const sent = chat.get().send('waits')
  await until(() => chat.get().outgoing.map((m) => m.text).join() === 'waits')
  assert.equal(chat.get().messages.at(-1).text, 'live')
  way.away = false
  await sent
  await until(() => chat.get().messages.at(-1).text === 'waits' && chat.get().outgoing.length === 0)
  assert.equal(new Set(chat.get().messages.map((m) => m.send_time)).size, 62)

  await assert.rejects(chat.get().send('x'.repeat(10_000)), (e) => e.code === 'invalid_argument')
  await until(() => chat.get().outgoing[0]?.state === 'failed')
  await chat.get().discard(chat.get().outgoing[0])
  await until(() => chat.get().outgoing.length === 0)
})

test('useInbox and usePresence', async (t) => {
  const url = await serve(t)
  const [alice, bob] = ['alice', 'bob'].map((user) => new Pullchat(url, { user }))
  await bob.rooms.create({ id: 'club', name: 'The Club', visibility: 'public' })
  await alice.rooms.join('club')
  const inbox = show(t, alice, useInbox)
  const list = () => inbox.get()?.chats.map((c) => `${c.name ?? c.chat} ${c.unread}`).join()
  await until(() => inbox.get()?.status.state === 'live')
  assert.equal(list(), 'The Club 0')
  await bob.send({ chat: 'alice:bob', text: 'hello' })
  await until(() => list() === 'alice:bob 1,The Club 0')
  await bob.send({ chat: 'club', text: 'hi' })
  await until(() => list() === 'The Club 1,alice:bob 1')
  await alice.read('club')
  await until(() => list() === 'The Club 0,alice:bob 1')
  await alice.rooms.leave('club')
  await until(() => list() === 'alice:bob 1')

  const here = show(t, bob, () => usePresence('alice:bob'))
  await until(() => here.get()?.readers.join() === 'bob')
  const chat = show(t, alice, () => usePresence('alice:bob'))
  await until(() => here.get()?.readers.join() === 'alice,bob')
  chat.end()
  await until(() => here.get()?.readers.join() === 'bob')
})
