// node tail.mjs URL USER CHAT...: prints what is in the chats, and what comes. Its position is kept in the file tail.json, so that
// the next run continues there.
import { readFileSync, writeFileSync } from 'node:fs'
import { Pullchat } from '../dist/index.js'

const [url, user, ...chats] = process.argv.slice(2)
if (chats.length === 0) {
  console.error('usage: node tail.mjs URL USER CHAT...')
  process.exit(2)
}
const client = new Pullchat(url, { user, token: process.env.PULLCHAT_TOKEN })
let cursors = {}
try {
  cursors = JSON.parse(readFileSync('tail.json', 'utf8'))
} catch {
  // the first run
}
const following = client.follow(chats, { cursors })
following.on('status', ({ state, reason }) => console.error(`[${state}${reason ? `: ${reason.message}` : ''}]`))
for await (const { chat, sender, text } of following) {
  console.log(`${chat} ${sender}: ${text}`)
  writeFileSync('tail.json', JSON.stringify(following.cursors))
}
