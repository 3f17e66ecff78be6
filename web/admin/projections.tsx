import { useEffect } from 'preact/hooks'
import type * as api from '../../clients/js/src/openapi'
import { act, part } from './api'
import { Table, Time, usePages } from './list'

const every = 2000 // milliseconds

const seconds = (milliseconds: number) => (milliseconds / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 }) + ' s'

export function Projections() {
  const pages = usePages<api.Projection>('/api/projections', 'projections')
  useEffect(() => {
    const timer = setInterval(() => void pages.reload(), every)
    return () => clearInterval(timer)
  }, [pages])
  const change = (name: string, action: string) => async () => {
    if (await act('POST', `/api/projections/${part(name)}`, { action })) await pages.reload()
  }
  return (
    <Table pages={pages} keyOf={(p) => p.name} empty="No worker has run a projection yet." columns={[
      { title: 'Projection', show: (p) => p.name },
      { title: 'State', show: (p) => (
        <>
          <span class={p.paused || p.failing_since ? 'tag' : undefined}>{p.paused ? 'paused' : p.failing_since ? 'failing' : 'runs'}</span>
          {p.failing_since && (
            <small>
              {' '}
              since <Time at={p.failing_since} />: {p.error}
            </small>
          )}
        </>
      ) },
      { title: 'Lag', show: (p) => seconds(p.lag_ms), number: true },
      { title: 'Chats behind', show: (p) => p.behind.toLocaleString(), number: true },
      { title: 'Handled', show: (p) => p.handled.toLocaleString(), number: true },
      { title: 'Dead letters', show: (p) => p.dead_letters.toLocaleString(), number: true },
      { title: 'Workers', show: (p) => Object.keys(p.owners).length, number: true },
      { title: '', show: (p) => (
        <button type="button" onClick={change(p.name, p.paused ? 'resume' : 'pause')}>
          {p.paused ? 'Resume' : 'Pause'}
        </button>
      ) },
    ]} />
  )
}
