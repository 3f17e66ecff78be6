/** A circle with the first letter and a colour of its own. The name stands beside it, so screen readers skip it. */
export function Avatar({ id, name, room, online, small }: { id: string; name: string; room?: boolean; online?: boolean; small?: boolean }) {
  let hash = 2166136261 // FNV-1a
  for (const c of id) hash = Math.imul(hash ^ c.codePointAt(0)!, 16777619)
  return (
    <span class={`avatar hue-${(hash >>> 18) % 8}${room ? ' room' : ''}${small ? ' small' : ''}`} aria-hidden="true">
      {room ? '#' : [...new Intl.Segmenter().segment(name)][0]?.segment.toLocaleUpperCase()}
      {online && <span class="online" />}
    </span>
  )
}
