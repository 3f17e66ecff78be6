import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type * as api from '../../clients/js/src/openapi'
import { act, attemptRead, get, part } from './api'
import { Pages, Table, Time, usePages } from './list'
import { addressOf, detail } from './route'

const prefix = signal('')
const suspended = signal<ReadonlyMap<string, api.Suspension>>(new Map())

async function readSuspended(): Promise<void> {
  const found = new Map<string, api.Suspension>()
  for (let cursor = '', more = true; more; ) {
    const page = await get<api.SuspensionsResponse>('/api/admin/suspensions', { cursor, limit: 1000 })
    for (const s of page.suspensions) found.set(s.user, s)
    more = page.has_more
    cursor = page.next_cursor
  }
  suspended.value = found
}

export function Users() {
  useEffect(() => void attemptRead(readSuspended), [])
  return detail.value ? <User key={detail.value} user={detail.value} /> : <List />
}

function List() {
  const pages = usePages<api.Account>('/api/users', 'users', { prefix: prefix.value || undefined })
  return (
    <>
      <label class="find">
        Users that begin with
        <input type="search" value={prefix.value} onInput={(e) => (prefix.value = e.currentTarget.value.trim())} autocapitalize="none" spellcheck={false} />
      </label>
      <Table pages={pages} keyOf={(u) => u.user} empty="No account has such a name." columns={[
        { title: 'User', show: (u) => <a href={addressOf('users', u.user)}>{u.user}</a> },
        { title: 'Name', show: (u) => u.name },
        { title: 'Since', show: (u) => <Time at={u.created} /> },
        { title: '', show: (u) => suspended.value.has(u.user) && <span class="tag">suspended</span> },
      ]} />
    </>
  )
}

function User({ user }: { user: string }) {
  const at = `/api/admin/users/${part(user)}`
  const sessions: Pages<api.UserSession> = usePages(`${at}/sessions`, 'sessions')
  const suspension = suspended.value.get(user)
  const changed = () => Promise.all([attemptRead(readSuspended), sessions.reload()])
  const ask = async (question: string, run: (reason: string) => Promise<boolean>) => {
    const reason = prompt(`${question}\n\nThe reason, for the audit log:`)
    if (reason !== null && (await run(reason))) await changed()
  }
  return (
    <>
      <p>
        <a href={addressOf('users')}>All users</a>
      </p>
      <h3 dir="auto">{user}</h3>
      {suspension && (
        <p class="warning">
          Suspended by {suspension.by} since <Time at={suspension.since} />
          {suspension.reason && `: ${suspension.reason}`}
        </p>
      )}
      <p class="buttons">
        {suspension ? (
          <button type="button" onClick={() => ask(`Restore ${user}?`, (reason) => act('DELETE', `${at}/suspension`, undefined, { reason }))}>
            Restore
          </button>
        ) : (
          <button type="button" class="danger" onClick={() => ask(`Suspend ${user}? Sessions and streams end at once.`, (reason) => act('PUT', `${at}/suspension`, { reason }))}>
            Suspend
          </button>
        )}
        <button type="button" class="danger" onClick={() => ask(`End all sessions of ${user}?`, (reason) => act('DELETE', `${at}/sessions`, undefined, { reason }))}>
          End all sessions
        </button>
      </p>
      <form class="find" onSubmit={async (event) => {
        event.preventDefault()
        const form = event.currentTarget
        const password = String(new FormData(form).get('password'))
        if (await act('PUT', `${at}/password`, { password })) {
          form.reset()
          await changed()
        }
      }}>
        <label>
          New password
          <input name="password" type="password" required minLength={8} autocomplete="new-password" />
        </label>
        <button>Reset the password</button>
      </form>
      <h3>Sessions</h3>
      <Table pages={sessions} keyOf={(s) => s.session} empty="No session." columns={[
        { title: 'Session', show: (s) => <code>{s.session}</code> },
        { title: 'Last used', show: (s) => <Time at={s.used} /> },
        { title: 'Ends', show: (s) => <Time at={s.expires} /> },
        { title: '', show: (s) => (
          <button type="button" class="danger" onClick={() => ask('End this session?', (reason) => act('DELETE', `${at}/sessions/${part(s.session)}`, undefined, { reason }))}>
            End
          </button>
        ) },
      ]} />
    </>
  )
}
