import { nameOf } from '../state/names'
import { attempt, show } from '../state/notices'
import { ignored, setIgnored } from '../state/preferences'
import { tellReads } from '../state/reading'
import { client, logout, me, status } from '../state/session'
import { direction, notify, server, theme, type Direction, type Theme } from '../state/settings'
import { Avatar } from './avatar'
import { Panel, Switch } from './info'
import { PushSwitch } from './push'

async function end(): Promise<void> {
  if (status.peek().state === 'live') await tellReads() // it needs the session
  await logout()
}

export function Settings() {
  return (
    <Panel title="Settings">
      <div class="who">
        <Avatar id={me.value!} name={nameOf(me.value!)} />
        <h3>
          <bdi>{nameOf(me.value!)}</bdi>
        </h3>
        <code dir="ltr">{me.value}</code>
      </div>
      <label class="choice">
        Theme
        <select value={theme.value} onChange={(e) => (theme.value = e.currentTarget.value as Theme)}>
          <option value="auto">as the system</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
      </label>
      <label class="choice">
        Direction
        <select value={direction.value} onChange={(e) => (direction.value = e.currentTarget.value as Direction)}>
          <option value="auto">by the language</option>
          <option value="ltr">left to right</option>
          <option value="rtl">right to left</option>
        </select>
      </label>
      {'Notification' in window && <Switch label="Notifications while this page is hidden" on={notify.value === 'on'} change={setNotify} />}
      <PushSwitch />
      {ignored.value.size > 0 && (
        <>
          <h3>Ignored users</h3>
          <ul class="members">
            {[...ignored.value].map((user) => (
              <li key={user}>
                <Avatar id={user} name={nameOf(user)} small />
                <bdi class="name">{nameOf(user)}</bdi>
                <button class="plain" onClick={() => attempt(() => setIgnored(user, false))}>
                  Ignore no longer
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {server.auth && <Password />}
      <h3>Keys</h3>
      <dl class="keys">
        <dt>Enter</dt>
        <dd>send; with Shift a new line</dd>
        <dt>
          <bdi>Alt + ↑ ↓</bdi>
        </dt>
        <dd>the chat above or below</dd>
        <dt>
          <bdi>Ctrl + K</bdi>
        </dt>
        <dd>filter the chats</dd>
        <dt>Esc</dt>
        <dd>close the panel</dd>
      </dl>
      <button class="danger" onClick={() => void end()}>
        {server.auth ? 'Log out' : 'Leave'}
      </button>
      <p class="hint">
        <a href="docs">The API</a> · <a href="app/licences.txt">Licences</a>
      </p>
    </Panel>
  )
}

async function setNotify(on: boolean): Promise<void> {
  if (on && (await Notification.requestPermission()) !== 'granted') {
    show('The browser does not allow notifications of this page.')
    notify.value = 'on' // so that the next line changes the box back
    on = false
  }
  notify.value = on ? 'on' : 'off'
}

function Password() {
  return (
    <details>
      <summary>Change the password</summary>
      <form
        class="stack"
        onSubmit={async (e) => {
          e.preventDefault()
          const form = e.currentTarget
          const fields = new FormData(form)
          const done = await attempt(() => client.changePassword(String(fields.get('old')), String(fields.get('new'))))
          if (!done) return
          form.reset()
          show('The password is changed, and all other sessions have ended.')
        }}
      >
        <input class="hidden" name="user" autocomplete="username" value={me.value} readOnly tabIndex={-1} aria-hidden="true" />
        <label>
          Present password
          <input name="old" type="password" required autocomplete="current-password" />
        </label>
        <label>
          New password
          <input name="new" type="password" required minLength={8} autocomplete="new-password" />
        </label>
        <button>Change</button>
      </form>
    </details>
  )
}
