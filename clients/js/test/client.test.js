import assert from 'node:assert/strict'
import { test } from 'node:test'
import 'fake-indexeddb/auto'
import WebSocket from 'ws'
import { attached, indexedDBOutbox, memorySession, Pullchat, PullchatError } from '../dist/index.js'
import { example, nowhere, proxy, serve, until } from './server.js'

const AUTH = { AUTH: 'on', AUTH_SECRET: Buffer.alloc(32, 'secret').toString('base64') }

test('send, pull and history', async (t) => {
  const alice = new Pullchat(await serve(t), { user: 'alice' })
  for (let i = 0; i < 25; i++) void alice.send({ chat: 'alice:bob', text: `text ${i}` })
  const last = await alice.send({ chat: 'alice:bob', text: 'text 25' })
  assert.equal(last.state, 'sent')
  const page = await alice.pull({ chat: 'alice:bob', limit: 100 })
  assert.deepEqual(page.messages.map((m) => m.text), Array.from({ length: 26 }, (_, i) => `text ${i}`), 'sends keep their order')
  const back = []
  for await (const m of alice.history('alice:bob', { limit: 7 })) back.push(m.send_time)
  assert.deepEqual(back, page.messages.map((m) => m.send_time).reverse())
  const again = await alice.send({ chat: 'alice:bob', text: 'text 25', id: last.id })
  assert.equal(again.duplicate, true)
  assert.equal(again.send_time, last.send_time)
})

test('an edit and a deletion are stored once, though answers are lost, and followers hear of them', async (t) => {
  const url = await serve(t)
  const lost = { PATCH: 1, DELETE: 1 }
  const losing = async (address, init) => {
    const response = await fetch(address, init)
    if (lost[init.method]-- > 0) throw new TypeError('the answer is lost')
    return response
  }
  const alice = new Pullchat(url, { user: 'alice', fetch: losing })
  const bob = new Pullchat(url, { user: 'bob' })
  const following = bob.follow('alice:bob')
  const heard = []
  following.on('message', (m) => heard.push(m))
  const first = await alice.send({ chat: 'alice:bob', text: 'helo' })
  const second = await alice.send({ chat: 'alice:bob', text: 'a secret' })
  const edit = await alice.edit('alice:bob', first.send_time, 'hello')
  const deletion = await alice.deleteMessage('alice:bob', second.send_time)
  assert.deepEqual([edit.duplicate, deletion.duplicate], [true, true], 'the answers are those of repetitions')
  await until(() => heard.length >= 4)
  assert.deepEqual(heard.map((m) => [m.kind, m.ref, m.send_time]), [
    [undefined, undefined, first.send_time], [undefined, undefined, second.send_time],
    ['edit', first.send_time, edit.send_time], ['delete', second.send_time, deletion.send_time],
  ])
  assert.equal(heard[2].text, 'hello')
  const { messages } = await bob.pull({ chat: 'alice:bob' })
  assert.equal(messages.length, 4)
  assert.deepEqual([messages[0].text, messages[0].edited, messages[1].text, messages[1].deleted], ['hello', edit.send_time, '', deletion.send_time])
  await assert.rejects(bob.edit('alice:bob', first.send_time, 'mine'), (e) => e.code === 'permission_denied')
  await assert.rejects(bob.deleteMessage('alice:bob', first.send_time), (e) => e.code === 'permission_denied')
  following.close()
})

test('an admin of a room reads the texts that a message has had', async (t) => {
  const url = await serve(t, AUTH)
  const [alice, bob] = await Promise.all(['alice', 'bob'].map(async (user) => {
    const client = new Pullchat(url, { session: memorySession() })
    await client.register({ user, password: 'correct horse' })
    await client.login(user, 'correct horse')
    return client
  }))
  await alice.rooms.create({ id: 'club', visibility: 'public' })
  await bob.rooms.join('club')
  const { send_time } = await bob.send({ chat: 'club', text: 'helo' })
  const first = await bob.edit('club', send_time, 'hallo')
  const second = await bob.edit('club', send_time, 'hello')
  const version = (at, text) => ({ send_time: at, sender: 'bob', text })
  const all = [version(send_time, 'helo'), version(first.send_time, 'hallo'), version(second.send_time, 'hello')]
  const page = await alice.versions('club', send_time)
  assert.deepEqual([page.versions, page.has_more], [all, false])
  const start = await alice.versions('club', send_time, 0, 2)
  assert.deepEqual([start.versions, start.has_more], [all.slice(0, 2), true])
  const rest = await alice.versions('club', send_time, Number(start.next_cursor), 2)
  assert.deepEqual([rest.versions, rest.has_more], [all.slice(2), false])
  await assert.rejects(bob.versions('club', send_time), (e) => e.code === 'permission_denied')
})

test('a file is uploaded, sent and read', async (t) => {
  const url = await serve(t)
  const [alice, bob] = ['alice', 'bob'].map((user) => new Pullchat(url, { user }))
  const file = new File(['a picture'], 'smilé.png', { type: 'image/png' })
  const attachment = await alice.upload('alice:bob', file)
  assert.deepEqual([attachment.name, attachment.bytes, attachment.type, attachment.state], ['smilé.png', 9, 'image/png', 'confirmed'])
  await assert.rejects(bob.attachment('alice:bob', attachment.id), (e) => e.code === 'not_found')
  await alice.send({ chat: 'alice:bob', text: 'look', content: attached(attachment) })
  const { messages } = await bob.pull({ chat: 'alice:bob' })
  assert.equal(messages[0].content_type, 'image')
  assert.deepEqual(messages[0].body, { attachment: attachment.id, mime: 'image/png', name: 'smilé.png', size: 9 })
  const signed = await bob.attachment('alice:bob', messages[0].body.attachment)
  const response = await fetch(signed.url)
  assert.equal(await response.text(), 'a picture')
  assert.equal(response.headers.get('content-type'), 'image/png')
  assert.match(response.headers.get('content-disposition'), /^inline; filename="smil_.png"/)
  await assert.rejects(alice.upload('alice:bob', new File([''], 'nothing.png')), (e) => e.code === 'invalid_argument')
})

test('errors have code and message', async (t) => {
  const alice = new Pullchat(await serve(t), { user: 'alice' })
  await assert.rejects(alice.send({ chat: 'bob:carol', text: 'hi' }), (e) => e instanceof PullchatError && e.code === 'invalid_argument' && /alice/.test(e.message) && e.status === 400)
  await assert.rejects(alice.rooms.show('nowhere'), (e) => e.code === 'not_found' && e.requestId !== '')
  const gone = new Pullchat('http://127.0.0.1:1', { user: 'alice' })
  await assert.rejects(gone.presence('room'), (e) => e.code === 'network' && e.temporary)
})

test('rooms, inbox, read, typing, presence, ignored', async (t) => {
  const url = await serve(t)
  const [alice, bob] = ['alice', 'bob'].map((user) => new Pullchat(url, { user }))
  await alice.rooms.create({ id: 'club', name: 'The Club', visibility: 'public' })
  await bob.rooms.join('club')
  assert.deepEqual((await bob.rooms.show('club')).members.map((m) => m.user), ['alice', 'bob'])
  await alice.send({ chat: 'club', text: 'hello' })
  const inbox = await bob.inbox()
  assert.deepEqual(inbox.chats.map((c) => [c.chat, c.name, c.unread]), [['club', 'The Club', 1]])
  const heard = bob.follow('club', { reader: 'bob' })
  const events = []
  for (const name of ['signal', 'presence', 'read']) heard.on(name, (e) => events.push({ name, ...e }))
  await until(() => heard.state === 'live')
  await until(async () => (await alice.presence('club')).readers.includes('bob'))
  await alice.typing('club')
  await alice.read('club')
  await until(() => events.some((e) => e.name === 'signal') && events.some((e) => e.name === 'read'))
  assert.deepEqual(events.find((e) => e.name === 'signal'), { name: 'signal', chat: 'club', sender: 'alice', type: 'typing' })
  heard.close()
  assert.equal(heard.state, 'ended')
  await bob.ignore('alice')
  assert.deepEqual(await bob.ignored(), ['alice'])
  assert.deepEqual((await bob.pull({ chat: 'club' })).messages.filter((m) => m.type !== 'notice'), [])
  await bob.ignore('alice', false)
  await bob.rooms.leave('club')
  assert.deepEqual((await bob.rooms.mine()).rooms, [])
})

const webSocket = (url, headers) => new WebSocket(url, { headers })

for (const transport of ['sse', 'poll', 'ws']) {
  test(`${transport}: every message once and in order, through cut connections`, async (t) => {
    const direct = await serve(t)
    const way = await proxy(t, direct)
    const alice = new Pullchat(direct, { user: 'alice' })
    const bob = new Pullchat(way.url, { user: 'bob', transport, webSocket })
    const following = bob.follow('room')
    const states = []
    following.on('status', ({ state }) => states.push(state))
    const want = Array.from({ length: 200 }, (_, i) => String(i))
    const sending = (async () => {
      for (const text of want) {
        await alice.send({ chat: 'room', text })
        if (text % 20 === 10) way.cut()
        if (text === '100') way.away = true
        if (text === '150') {
          await until(() => states.includes('offline'))
          way.away = false
        }
      }
    })()
    const got = []
    for await (const m of following) {
      got.push(m.text)
      if (m.text === want.at(-1)) break
    }
    await sending
    assert.deepEqual(got, want)
    // Continue from a kept position.
    const rest = bob.follow('room', { cursors: following.cursors })
    void alice.send({ chat: 'room', text: 'one more' })
    for await (const m of rest) {
      assert.equal(m.text, 'one more')
      break
    }
  })

  test(`${transport}: an inbox has chats that begin later`, async (t) => {
    const url = await serve(t)
    const [alice, bob] = ['alice', 'bob'].map((user) => new Pullchat(url, { user, transport, webSocket }))
    const following = bob.followInbox()
    await alice.send({ chat: 'alice:bob', text: 'first' })
    for await (const m of following) {
      assert.deepEqual([m.chat, m.text], ['alice:bob', 'first'])
      break
    }
  })
}

test('auto polls where a proxy holds streams back', async (t) => {
  const url = await serve(t)
  const holding = (input, init) => {
    if (!String(input).includes('/api/stream')) return fetch(input, init)
    return Promise.resolve(new Response('held back', { status: 502 }))
  }
  const bob = new Pullchat(url, { user: 'bob', fetch: holding })
  const alice = new Pullchat(url, { user: 'alice' })
  await alice.send({ chat: 'room', text: 'hello' })
  for await (const m of bob.follow('room')) {
    assert.equal(m.text, 'hello')
    break
  }
})

test('a send during an outage arrives once, after a reload too', async (t) => {
  const direct = await serve(t)
  const way = await proxy(t, direct)
  way.away = true
  const before = new Pullchat(way.url, { user: 'alice', outbox: indexedDBOutbox('reload') })
  const states = []
  before.outbox.on('change', (m) => states.push(m.state))
  void before.send({ chat: 'room', text: 'waits' })
  await until(() => states.filter((s) => s === 'sending').length > 1)
  before.close() // the page is reloaded
  const after = new Pullchat(way.url, { user: 'alice', outbox: indexedDBOutbox('reload') })
  let sent
  after.outbox.on('change', (m) => m.state === 'sent' && (sent = m))
  assert.deepEqual((await after.outbox.restore('alice')).map((m) => m.text), ['waits'])
  way.away = false
  await until(() => sent)
  const page = await after.pull({ chat: 'room' })
  assert.deepEqual(page.messages.map((m) => [m.text, m.id]), [['waits', sent.id]])
  assert.deepEqual(await after.outbox.restore('alice'), [])
})

test('an answer that is lost doubles nothing', async (t) => {
  const url = await serve(t)
  let lost = 0
  const losing = async (input, init) => {
    const response = await fetch(input, init)
    if (String(input).endsWith('/api/send') && lost++ < 2) throw new TypeError('the answer is lost')
    return response
  }
  const alice = new Pullchat(url, { user: 'alice', fetch: losing })
  const sent = await alice.send({ chat: 'room', text: 'once' })
  assert.equal(sent.duplicate, true)
  assert.equal((await alice.pull({ chat: 'room' })).messages.length, 1)
})

test('accounts: one refresh for all callers, and the end of a session', async (t) => {
  const url = await serve(t, AUTH)
  let refreshes = 0
  const counting = (input, init) => {
    if (String(input).endsWith('/api/refresh')) refreshes++
    return fetch(input, init)
  }
  const store = memorySession()
  const alice = new Pullchat(url, { session: store, fetch: counting })
  await alice.register({ user: 'alice', password: 'correct horse', name: 'Alice' })
  await assert.rejects(alice.login('alice', 'wrong horse'), (e) => e.code === 'unauthenticated')
  await alice.login('alice', 'correct horse')
  assert.equal(alice.user, 'alice')
  store.save({ ...store.load(), expires_at: Date.now() })
  await Promise.all(Array.from({ length: 20 }, () => alice.inbox()))
  assert.equal(refreshes, 1, 'of twenty requests with an old token')
  let ended = false
  alice.onSession((session) => (ended = session === undefined))
  await alice.logout()
  assert.ok(ended)
  await assert.rejects(alice.pull({ chat: 'alice:alice' }), (e) => e.unauthenticated)
})

for (const transport of ['sse', 'poll', 'ws']) {
  test(`${transport}: tokens end while a chat is followed`, async (t) => {
    const url = await serve(t, { ...AUTH, ACCESS_TOKEN_TTL: '1s' })
    const alice = new Pullchat(url, { transport, webSocket })
    await alice.register({ user: 'alice', password: 'correct horse' })
    await alice.login('alice', 'correct horse')
    let refreshes = 0
    alice.onSession(() => refreshes++)
    const following = alice.follow('alice:alice')
    const want = ['one', 'two', 'three']
    for (const text of want) {
      const before = refreshes
      await alice.send({ chat: 'alice:alice', text })
      await until(() => refreshes > before + 1)
    }
    const got = []
    for await (const m of following) if (got.push(m.text) === want.length) break
    assert.deepEqual(got, want)
  })
}

test('two programs with one kept session refresh it once', async (t) => {
  const url = await serve(t, AUTH)
  const store = memorySession()
  const one = new Pullchat(url, { session: store })
  await one.register({ user: 'alice', password: 'correct horse' })
  const first = await one.login('alice', 'correct horse')
  const two = new Pullchat(url, { session: store })
  const second = Math.floor(Date.now() / 1000) // tokens of one second are equal
  await until(() => Math.floor(Date.now() / 1000) > second)
  await one.refresh()
  const kept = store.load()
  assert.notEqual(kept.access_token, first.access_token)
  assert.equal(await two.http.token(first.access_token), kept.access_token, 'the second takes what the first got')
})

test('a refresh whose answer is lost is repeated', async (t) => {
  const url = await serve(t, AUTH)
  let lose = true
  const losing = async (input, init) => {
    const response = await fetch(input, init)
    if (String(input).endsWith('/api/refresh') && lose) {
      lose = false
      throw new TypeError('the answer is lost')
    }
    return response
  }
  const alice = new Pullchat(url, { fetch: losing })
  await alice.register({ user: 'alice', password: 'correct horse' })
  await alice.login('alice', 'correct horse')
  await alice.refresh()
  await alice.refresh()
  assert.deepEqual((await alice.inbox()).chats, [])
})

test('a logout and a login outlive a refresh that was on its way', async (t) => {
  const url = await serve(t, AUTH)
  let hold = Promise.resolve()
  let answered = 0
  const slow = async (input, init) => {
    const response = await fetch(input, init)
    if (!String(input).endsWith('/api/refresh')) return response
    answered++
    await hold
    return response
  }
  const client = new Pullchat(url, { fetch: slow })
  for (const user of ['alice', 'bob']) await client.register({ user, password: 'correct horse' })
  /** Refreshes a session of alice, acts before the client has the answer, and returns what became of the refresh. */
  const meanwhile = async (act, before = async () => {}) => {
    await client.login('alice', 'correct horse')
    await before()
    let release
    hold = new Promise((resolve) => (release = resolve))
    const earlier = answered
    const refreshed = client.refresh().then(() => 'done', (e) => e.unauthenticated && 'ended')
    await until(() => answered > earlier)
    await act()
    release()
    return refreshed
  }
  assert.equal(await meanwhile(() => client.logout()), 'ended')
  assert.equal(client.session, undefined)
  const asBob = () => client.login('bob', 'correct horse')
  assert.equal(await meanwhile(asBob), 'ended')
  assert.equal(client.user, 'bob')
  let second
  await meanwhile(async () => {
    await asBob()
    second = client.refresh()
  })
  assert.equal((await second).user, 'bob', 'a login waits for no refresh of the session before')
  // The server refuses the refresh: that ends the session that was refused, and no later one.
  const elsewhere = () => new Pullchat(url, { session: client.session }).logout()
  assert.equal(await meanwhile(asBob, elsewhere), 'ended')
  assert.equal(client.user, 'bob')
  assert.equal(await meanwhile(async () => {}, elsewhere), 'ended')
  assert.equal(client.session, undefined)
})

test('no token is in a URL', async (t) => {
  const url = await serve(t, AUTH)
  const urls = []
  const noting = (input, init) => {
    urls.push(String(input))
    return fetch(input, init)
  }
  const alice = new Pullchat(url, { fetch: noting })
  await alice.register({ user: 'alice', password: 'correct horse' })
  const { access_token, refresh_token } = await alice.login('alice', 'correct horse')
  const following = alice.followInbox()
  await alice.send({ chat: 'alice:alice', text: 'hi' })
  for await (const _ of following) break
  assert.ok(urls.some((u) => u.includes('/api/stream')))
  for (const u of urls) assert.ok(!u.includes(access_token) && !u.includes(refresh_token), u)
})

test('a subscription ends with the reason', async (t) => {
  const url = await serve(t, AUTH)
  const alice = new Pullchat(url)
  await alice.register({ user: 'alice', password: 'correct horse' })
  await alice.login('alice', 'correct horse')
  await assert.rejects(async () => {
    for await (const _ of alice.follow('bob:carol'));
  }, (e) => e.code === 'permission_denied')
})

test('the examples: a bot that is killed answers each question once', async (t) => {
  const url = await serve(t)
  const alice = new Pullchat(url, { user: 'alice' })
  const tail = example(t, 'tail.mjs', url, 'alice', 'alice:bot')
  const first = example(t, 'bot.mjs', url, 'bot')
  const send = example(t, 'send.mjs', url, 'alice', 'alice:bot', 'one')
  assert.equal(await send.exited, 0)
  await until(() => tail.lines.includes('alice:bot bot: You said: one'))
  first.child.kill('SIGKILL')
  await first.exited
  await alice.send({ chat: 'alice:bot', text: 'two' })
  example(t, 'bot.mjs', url, 'bot')
  await until(() => tail.lines.includes('alice:bot bot: You said: two'))
  assert.deepEqual(tail.lines, ['alice:bot alice: one', 'alice:bot bot: You said: one', 'alice:bot alice: two', 'alice:bot bot: You said: two'])
})

test('the examples say how they are called, and why they wait', async (t) => {
  for (const name of ['send.mjs', 'tail.mjs', 'bot.mjs']) {
    const { exited, notes } = example(t, name)
    assert.equal(await exited, 2)
    assert.deepEqual(notes.length, 1)
    assert.match(notes[0], new RegExp(`^usage: node ${name} URL USER`))
  }
  const url = await nowhere()
  const waiting = [example(t, 'send.mjs', url, 'alice', 'alice:bot', 'hello'), example(t, 'tail.mjs', url, 'alice', 'alice:bot'), example(t, 'bot.mjs', url, 'bot')]
  for (const { notes } of waiting) await until(() => notes.some((note) => note.includes('the server cannot be reached')))
})
