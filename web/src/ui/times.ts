const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short' })
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const dayYear = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

const dayOf = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime()
const daysAgo = (d: Date) => Math.round((dayOf(new Date()) - dayOf(d)) / 86_400_000)

/** Positions are microseconds. */
export const when = (position: number) => new Date(position / 1000)
export const time = (position: number) => clock.format(when(position))
export const fully = (position: number) => full.format(when(position))
export const sameDay = (a: number, b: number) => dayOf(when(a)) === dayOf(when(b))

/** For the list: the time today, then the weekday, then the date. */
export function short(position: number): string {
  const d = when(position)
  const ago = daysAgo(d)
  return ago < 1 ? clock.format(d) : ago < 7 ? weekday.format(d) : date.format(d)
}

/** For the line between days. */
export function dayName(position: number): string {
  const d = when(position)
  const ago = daysAgo(d)
  if (ago >= 0 && ago < 2) return relative.format(-ago, 'day').replace(/^./, (c) => c.toUpperCase())
  return (d.getFullYear() === new Date().getFullYear() ? day : dayYear).format(d)
}
