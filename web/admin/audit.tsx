import type * as api from '../../clients/js/src/openapi'
import { Table, Time, usePages } from './list'
import { addressOf } from './route'

export function Audit() {
  const pages = usePages<api.AuditEntry>('/api/audit', 'entries')
  return (
    <Table pages={pages} keyOf={(e) => String(e.at)} empty="Nothing has been done yet." columns={[
      { title: 'Time', show: (e) => <Time at={e.at} /> },
      { title: 'Service', show: (e) => e.by },
      { title: 'Action', show: (e) => e.action.replaceAll('_', ' ') },
      { title: 'User', show: (e) => e.user && <a href={addressOf('users', e.user)}>{e.user}</a> },
      { title: 'Reason', show: (e) => e.reason },
      { title: 'Request', show: (e) => e.request_id && <code>{e.request_id}</code> },
    ]} />
  )
}
