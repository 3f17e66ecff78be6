import type { Http, Call } from './http.js'
import type * as api from './openapi.js'

/** Rooms and their members. */
export class Rooms {
  constructor(private readonly http: Http, private readonly user: string | undefined) {}

  create(room: api.CreateRoomRequest): Promise<api.Room> {
    // With an id a repetition is refused as a conflict; without one it would create a second room.
    return this.#call('POST', '', { body: room, attempts: 1 })
  }

  mine(cursor = ''): Promise<api.RoomsResponse> {
    return this.#call('GET', '', { query: { cursor } })
  }

  public(cursor = ''): Promise<api.RoomsResponse> {
    return this.#call('GET', '/public', { query: { cursor } })
  }

  show(room: string, cursor = ''): Promise<api.Room> {
    return this.#call('GET', at(room), { query: { cursor } })
  }

  change(room: string, change: api.ChangeRoomRequest): Promise<api.Room> {
    return this.#call('PATCH', at(room), { body: change })
  }

  delete(room: string): Promise<api.StatusResponse> {
    return this.#call('DELETE', at(room))
  }

  join(room: string): Promise<api.Room> {
    return this.#call('POST', at(room) + '/join')
  }

  leave(room: string): Promise<api.Room> {
    return this.#call('POST', at(room) + '/leave')
  }

  add(room: string, users: string[]): Promise<api.Room> {
    return this.#call('POST', at(room) + '/members', { body: { users } })
  }

  assign(room: string, user: string, role: api.Role): Promise<api.Room> {
    return this.#call('PATCH', `${at(room)}/members${at(user)}`, { body: { role } })
  }

  remove(room: string, user: string): Promise<api.Room> {
    return this.#call('DELETE', `${at(room)}/members${at(user)}`)
  }

  #call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    return this.http.json(method, '/api/rooms' + path, { ...call, query: { ...call.query, as: this.user } })
  }
}

const at = (name: string) => '/' + encodeURIComponent(name)
