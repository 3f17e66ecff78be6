import { signal } from '@preact/signals'
import type * as api from '../../clients/js/src/openapi'
import { act } from './api'
import { Table, Time, usePages } from './list'
import { addressOf } from './route'

const state = signal<'open' | 'resolved'>('open')

export function Reports() {
  const pages = usePages<api.Report>('/api/reports', 'reports', { state: state.value })
  const resolve = (r: api.Report) => async () => {
    const note = prompt('What was done? The note is kept with the report.')
    if (note !== null && (await act('PATCH', `/api/reports/${r.report}`, { state: 'resolved', note }))) await pages.reload()
  }
  const remove = (r: api.Report) => async () => {
    if (confirm(`Delete the message of ${r.user} for all?`) && (await act('DELETE', '/api/messages', { chat: r.chat, send_time: r.send_time }))) await pages.reload()
  }
  return (
    <>
      <label class="find">
        Show
        <select value={state.value} onChange={(e) => (state.value = e.currentTarget.value as 'open' | 'resolved')}>
          <option value="open">open reports</option>
          <option value="resolved">resolved reports</option>
        </select>
      </label>
      <Table pages={pages} keyOf={(r) => String(r.report)} empty={state.value === 'open' ? 'No report is open.' : 'No report is resolved.'} columns={[
        { title: 'Time', show: (r) => <Time at={r.report} /> },
        { title: 'About', show: (r) => <a href={addressOf('users', r.user)}>{r.user}</a> },
        { title: 'Chat', show: (r) => r.chat },
        { title: 'Message', show: (r) => r.text ?? (r.send_time ? <Time at={r.send_time} /> : '') },
        { title: 'By', show: (r) => <a href={addressOf('users', r.by)}>{r.by}</a> },
        { title: 'Reason', show: (r) => r.reason },
        { title: '', show: (r) => (r.state === 'open' ? (
          <span class="buttons">
            {r.send_time && (
              <button type="button" class="danger" onClick={remove(r)}>
                Delete the message
              </button>
            )}
            <button type="button" onClick={resolve(r)}>
              Resolve
            </button>
          </span>
        ) : (
          <small>
            {r.resolved_by}: {r.note}
          </small>
        )) },
      ]} />
    </>
  )
}
