import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { attemptRead, service } from './api'
import { Table, usePages } from './list'
import { PullchatError } from 'pullchat'
import { parse, rate, sum, type Sample } from './metrics'
import { addressOf } from './route'

const every = 2000 // milliseconds

const samples = signal<readonly [before: Sample | undefined, now: Sample] | undefined>(undefined)
const off = signal(false) // the server has no metrics

async function read(): Promise<void> {
  const response = await service.peek()?.http.call('GET', '/api/admin/metrics').catch((error) => {
    if (!(error instanceof PullchatError) || error.status !== 404) throw error
    off.value = true
  })
  if (!response) return
  const now = { at: performance.now(), series: parse(await response.text()) }
  samples.value = [samples.peek()?.[1], now]
}

export const Overview = () => (
  <>
    <Metrics />
    <Online />
  </>
)

/** What this http-server does now. It goes on after errors. */
function Metrics() {
  useEffect(() => {
    let ended = false
    samples.value = undefined
    off.value = false
    const loop = async () => {
      while (!ended && service.peek() && !off.peek()) {
        await attemptRead(read)
        await new Promise((resolve) => setTimeout(resolve, every))
      }
    }
    void loop()
    return () => void (ended = true)
  }, [])
  if (off.value) {
    return (
      <p class="hint">
        This http-server keeps no metrics. Start it with <code>METRICS_ADDR=127.0.0.1:9090</code> to see them here.
      </p>
    )
  }
  if (!samples.value) return <p class="hint">Loading …</p>
  const [before, now] = samples.value
  const connections = now.series.filter((s) => s.name === 'pullchat_connections' && s.value > 0)
  const per = (name: string, labels: Record<string, string> = {}) => {
    const found = before && rate(before, now, name, labels)
    return found === undefined ? '…' : found.toLocaleString(undefined, { maximumFractionDigits: 1 }) + '/s'
  }
  const build = now.series.find((s) => s.name === 'pullchat_build_info')?.labels
  return (
    <>
      <p class="hint">
        The http-server that answered, every two seconds. {build && `Version ${build['version']}, ${build['go']}.`} Others answer for themselves:{' '}
        <a href="docs#/moderation/readMetrics">metrics</a>.
      </p>
      <dl class="figures">
        <Figure title="Open connections" value={sum(now, 'pullchat_connections')} />
        <Figure title="Followed chats" value={sum(now, 'pullchat_followers')} />
        <Figure title="Requests" value={per('pullchat_http_requests_total')} />
        <Figure title="Sends" value={per('pullchat_http_requests_total', { route: '/api/send' })} />
        <Figure title="Pulls" value={per('pullchat_http_requests_total', { route: '/api/pull' })} />
        <Figure title="Refused" value={per('pullchat_refusals_total')} />
        <Figure title="Failed logins" value={per('pullchat_logins_total', { outcome: 'wrong' })} />
        <Figure title="rpc-servers, serving" value={sum(now, 'pullchat_rpc_servers', { state: 'serving' })} />
        <Figure title="rpc-servers, away" value={sum(now, 'pullchat_rpc_servers', { state: 'away' })} />
      </dl>
      <h3>Connections by transport</h3>
      {connections.length === 0 && <p class="hint">None but this page's requests.</p>}
      <ul class="bars">
        {connections.map((s) => (
          <li key={s.labels['transport']}>
            <span>{s.labels['transport']}</span>
            <meter min={0} max={Math.max(...connections.map((c) => c.value))} value={s.value} aria-label={s.labels['transport']} />
            <span class="number">{s.value.toLocaleString()}</span>
          </li>
        ))}
      </ul>
    </>
  )
}

function Online() {
  const pages = usePages<string>('/api/online', 'users')
  return (
    <>
      <h3>Users who are online</h3>
      <Table pages={pages} keyOf={(user) => user} empty="No user is in a chat now." columns={[{ title: 'User', show: (user) => <a href={addressOf('users', user)}>{user}</a> }]} />
    </>
  )
}

function Figure({ title, value }: { title: string; value: number | string }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{value.toLocaleString()}</dd>
    </div>
  )
}
