import { effect, signal } from '@preact/signals'
import { server } from './settings'
import { client, status } from './session'

// Names for people

export const names = signal<ReadonlyMap<string, string>>(new Map())
export const nameOf = (user: string) => names.value.get(user) || user

/** Takes names that the server has told. */
export function learn(users?: readonly { user: string; name: string }[]): void {
  const news = users?.filter((u) => names.peek().get(u.user) !== u.name)
  if (news?.length) names.value = new Map([...names.peek(), ...news.map((u) => [u.user, u.name] as const)])
}

const asked = new Set<string>()
const missed = new Set<string>() // users whose question failed
let asking: string[] = []

/** Asks for the names of users, all that are needed at the same time together. */
export function needName(user: string): void {
  if (!server.auth || asked.has(user) || names.peek().has(user)) return
  asked.add(user)
  if (asking.push(user) === 1) setTimeout(ask, 20)
}

function ask(): void {
  const users = asking.splice(0)
  client.contacts(users).then(learn, () => {
    for (const user of users) {
      asked.delete(user)
      missed.add(user)
    }
  })
}

// The server is back.
effect(() => {
  if (status.value.state !== 'live') return
  for (const user of missed) needName(user)
  missed.clear()
})
