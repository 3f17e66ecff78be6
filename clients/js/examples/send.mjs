// node send.mjs URL USER CHAT TEXT: sends one message, and waits until it is stored.
import { Pullchat } from '../dist/index.js'

const [url, user, chat, ...words] = process.argv.slice(2)
const client = new Pullchat(url, { user, token: process.env.PULLCHAT_TOKEN })
const { send_time, id } = await client.send({ chat, text: words.join(' ') })
console.log('sent', send_time, 'with the id', id)
