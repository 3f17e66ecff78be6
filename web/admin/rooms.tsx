import type * as api from '../../clients/js/src/openapi'
import { act, part } from './api'
import { Table, Time, usePages } from './list'
import { addressOf, detail } from './route'

export function Rooms() {
  return detail.value ? <Members key={detail.value} room={detail.value} /> : <List />
}

function List() {
  const pages = usePages<api.Room>('/api/admin/rooms', 'rooms')
  return (
    <Table pages={pages} keyOf={(r) => r.id} empty="There is no room." columns={[
      { title: 'Room', show: (r) => <a href={addressOf('rooms', r.id)}>{r.id}</a> },
      { title: 'Name', show: (r) => r.name },
      { title: 'Visibility', show: (r) => r.visibility },
      { title: 'Members', show: (r) => r.member_count.toLocaleString(), number: true },
      { title: 'Since', show: (r) => <Time at={r.created} /> },
    ]} />
  )
}

function Members({ room }: { room: string }) {
  const at = `/api/rooms/${part(room)}`
  const members = usePages<api.Member>(at, 'members')
  return (
    <>
      <p>
        <a href={addressOf('rooms')}>All rooms</a>
      </p>
      <h3>{room}</h3>
      <p class="buttons">
        <button type="button" class="danger" onClick={async () => {
          if (confirm(`Delete ${room} with all its messages?`) && (await act('DELETE', at))) location.hash = addressOf('rooms')
        }}>
          Delete the room
        </button>
      </p>
      <Table pages={members} keyOf={(m) => m.user} empty="No member." columns={[
        { title: 'Member', show: (m) => <a href={addressOf('users', m.user)}>{m.user}</a> },
        { title: 'Role', show: (m) => m.role },
        { title: 'Since', show: (m) => <Time at={m.since} /> },
        { title: '', show: (m) => (
          <button type="button" class="danger" onClick={async () => {
            const last = members.items.peek()?.length === 1 // a room without members is deleted
            if (!confirm(`Remove ${m.user} from ${room}?${last ? ' The room is deleted with its last member.' : ''}`)) return
            if (!(await act('DELETE', `${at}/members/${part(m.user)}`))) return
            if (last) location.hash = addressOf('rooms')
            else await members.reload()
          }}>
            Remove
          </button>
        ) },
      ]} />
    </>
  )
}
