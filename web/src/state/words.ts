import { PullchatError } from 'pullchat'
import { sizeText } from './files'

/** What a failure says to people. The server's words are for programs too: they name its API, fields and bytes. */
export const wordsOf = (error: unknown): string => inWords(error instanceof PullchatError ? error.message : String(error))

export function inWords(message: string): string {
  const name = /^(?:reader|sender|user|chat's (?:first|second) user)(?: contains|: )(.*?);/.exec(message)
  if (name) return `The name of a user must not have ${name[1] === " ' '" ? 'a space' : name[1]!.trim()}.`
  const text = message
    .split('; ')
    .filter((part, i) => i === 0 || !/(?:GET|POST|PUT|PATCH|DELETE) \/api/.test(part))
    .join('; ')
    .replace(/\b(\d{5,}) bytes|(?<=the limit is )(\d{5,})/g, (_, ...found) => sizeText(Number(found[0] ?? found[1])))
    .replace(/^chat's (first|second) user/, 'The name of the user')
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? '' : '.')
}
