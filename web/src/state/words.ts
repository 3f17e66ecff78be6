import { PullchatError } from 'pullchat'

const units = ['B', 'KB', 'MB', 'GB']

export function sizeText(bytes: number): string {
  let unit = 0
  for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1000
  return `${bytes.toLocaleString(undefined, { maximumFractionDigits: unit && bytes < 10 ? 1 : 0 })} ${units[unit]}`
}

/** The text of a failure for people. The server's texts are for programs too: they name its API, fields and bytes. */
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
