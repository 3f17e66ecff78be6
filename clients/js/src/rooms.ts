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

  /** Removes a user and keeps the user out; `until` is in microseconds since 1970, and none is for good. For admins. */
  ban(room: string, user: string, restraint: api.RestraintRequest = {}): Promise<api.Room> {
    return this.#call('PUT', `${at(room)}/bans${at(user)}`, { body: restraint })
  }

  unban(room: string, user: string): Promise<api.Room> {
    return this.#call('DELETE', `${at(room)}/bans${at(user)}`)
  }

  bans(room: string, cursor = ''): Promise<api.BansResponse> {
    return this.#call('GET', at(room) + '/bans', { query: { cursor } })
  }

  /** Lets a user read, and neither send, edit nor react. For admins. */
  mute(room: string, user: string, restraint: api.RestraintRequest = {}): Promise<api.Room> {
    return this.#call('PUT', `${at(room)}/mutes${at(user)}`, { body: restraint })
  }

  unmute(room: string, user: string): Promise<api.Room> {
    return this.#call('DELETE', `${at(room)}/mutes${at(user)}`)
  }

  mutes(room: string, cursor = ''): Promise<api.MutesResponse> {
    return this.#call('GET', at(room) + '/mutes', { query: { cursor } })
  }

  /** Pins the message at a position. For admins. */
  pin(room: string, sendTime: number): Promise<api.Room> {
    return this.#call('PUT', `${at(room)}/pins/${sendTime}`)
  }

  unpin(room: string, sendTime: number): Promise<api.Room> {
    return this.#call('DELETE', `${at(room)}/pins/${sendTime}`)
  }

  #call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    return this.http.json(method, '/api/rooms' + path, { ...call, query: { ...call.query, as: this.user } })
  }
}

const at = (name: string) => '/' + encodeURIComponent(name)
