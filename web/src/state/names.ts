import { signal } from '@preact/signals'
import { server } from './settings'
import { client } from './session'

// Names for people

export const names = signal<ReadonlyMap<string, string>>(new Map())
export const nameOf = (user: string) => names.value.get(user) || user

/** Takes names that the server has told. */
export function learn(users?: readonly { user: string; name: string }[]): void {
  const news = users?.filter((u) => names.peek().get(u.user) !== u.name)
  if (news?.length) names.value = new Map([...names.peek(), ...news.map((u) => [u.user, u.name] as const)])
}

const asked = new Set<string>()
let asking: string[] = []

/** Asks for the names of users, all that are needed at the same time together. */
export function needName(user: string): void {
  if (!server.auth || asked.has(user) || names.peek().has(user)) return
  asked.add(user)
  if (asking.push(user) > 1) return
  setTimeout(() => client.contacts(asking.splice(0)).then(learn, () => {}), 20)
}
