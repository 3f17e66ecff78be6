// Starts the real server, and a way to it that can be cut.
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import readline from 'node:readline'

/** Starts `pullchat serve` on a free port. PULLCHAT names the program. */
export async function serve(t, settings = {}) {
  const program = process.env.PULLCHAT
  if (!program) throw new Error('PULLCHAT is not set: `make web-check` builds the program and sets it')
  const child = spawn(program, ['serve'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, HTTP_ADDR: '127.0.0.1:0', RPC_ADDR: '127.0.0.1:0', RATE_LIMIT: '', LOGIN_RATE: '', REGISTRATION_RATE: '', ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = new Promise((resolve) => child.on('exit', resolve))
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const lines = readline.createInterface({ input: child.stderr })
  const said = []
  const address = await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line)
      const found = /http-server listens.*?127\.0\.0\.1:(\d+)/.exec(line)
      if (found) resolve(`127.0.0.1:${found[1]}`)
    })
    exited.then((code) => reject(new Error(`pullchat serve ended with ${code}: ${said.join('\n')}`)))
  })
  return `http://${address}`
}

/** A TCP proxy: `cut` ends all connections, `away` refuses new ones too. */
export async function proxy(t, url) {
  const { hostname, port } = new URL(url)
  const open = new Set()
  let away = false
  const server = net.createServer((near) => {
    if (away) return near.destroy()
    const far = net.connect(port, hostname)
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => {})
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => open.forEach((one) => one.destroy())
  t.after(() => {
    server.close()
    cut()
  })
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    set away(is) {
      away = is
      if (is) cut()
    },
  }
}

/** An address at which no server is. */
export async function nowhere() {
  const server = net.createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

/** Runs a file of examples: `lines` are what it prints, `notes` what it says beside. */
export function example(t, name, ...parameters) {
  const child = spawn(process.execPath, [new URL(`../examples/${name}`, import.meta.url).pathname, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'], cwd: mkdtempSync(`${tmpdir()}/pullchat-`) })
  const [lines, notes] = [[], []]
  readline.createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  readline.createInterface({ input: child.stderr }).on('line', (line) => notes.push(line))
  const exited = new Promise((resolve) => child.on('close', resolve)) // all that it wrote was read
  t.after(() => child.kill('SIGKILL'))
  return { child, lines, notes, exited }
}

/** Waits until `condition` is true. */
export async function until(condition, what = condition) {
  for (const end = Date.now() + 60_000; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 10))) {
    if (Date.now() > end) throw new Error(`not within a minute: ${what}`)
  }
}
