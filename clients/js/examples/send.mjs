// node send.mjs URL USER CHAT TEXT: sends one message, and waits until it is stored.
import { Pullchat } from '../dist/index.js'

const [url, user, chat, ...words] = process.argv.slice(2)
if (words.length === 0) {
  console.error('usage: node send.mjs URL USER CHAT TEXT')
  process.exit(2)
}
const client = new Pullchat(url, { user, token: process.env.PULLCHAT_TOKEN })
client.outbox.on('change', ({ state, error }) => state === 'queued' && error && console.error(`[waiting: ${error.message}]`))
const { send_time, id } = await client.send({ chat, text: words.join(' ') })
console.log('sent', send_time, 'with the id', id)
