// node node.mjs CLIENT OPTIONS: follows chats and prints each message as a line of JSON. CLIENT is the folder clients/js. The session
// is kept in a file, if the options name one.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { follow } from './follow.js'

const [folder, given] = process.argv.slice(2)
const { Pullchat } = await import(`${folder}/dist/index.js`)
const WebSocket = createRequire(`${folder}/package.json`)('ws')
const { file, ...options } = JSON.parse(given)
const session = {
  load() {
    try {
      return JSON.parse(readFileSync(file, 'utf8'))
    } catch {
      return undefined // the first run
    }
  },
  save(next) {
    writeFileSync(`${file}.new`, JSON.stringify(next ?? null))
    renameSync(`${file}.new`, file) // a kill leaves one or the other
  },
}
const webSocket = (url, headers) => new WebSocket(url, { headers })
await follow({ Pullchat, webSocket, ...(file && { session }), ...options }, (message) => console.log(JSON.stringify(message)))
