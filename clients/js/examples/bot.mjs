// node bot.mjs URL USER: answers each message once, also when it is killed in between. The id of an answer comes from the
// question, and the read cursor moves after the answer is stored.
import { Pullchat } from '../dist/index.js'

const [url, user] = process.argv.slice(2)
if (!user) {
  console.error('usage: node bot.mjs URL USER')
  process.exit(2)
}
const client = new Pullchat(url, { user, token: process.env.PULLCHAT_TOKEN })
const following = client.followInbox()
following.on('status', ({ state, reason }) => console.error(`[${state}${reason ? `: ${reason.message}` : ''}]`))
for await (const { chat, sender, text, type, send_time } of following) {
  if (sender === user || type === 'notice') continue
  await client.send({ chat, text: `You said: ${text}`, id: `re-${send_time}` })
  await client.read(chat, send_time + 1)
}
