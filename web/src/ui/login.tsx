import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { enter, loginNote } from '../state/session'
import { server } from '../state/settings'
import { wordsOf } from '../state/words'

const registering = signal(false)
const busy = signal(false)
const failure = signal('')

async function submit(event: SubmitEvent): Promise<void> {
  event.preventDefault()
  const fields = new FormData(event.currentTarget as HTMLFormElement)
  const field = (name: string) => String(fields.get(name) ?? '')
  busy.value = true
  failure.value = ''
  try {
    await enter(field('user').trim(), field('password'), registering.value ? { name: field('name').trim() } : undefined)
  } catch (error) {
    failure.value = wordsOf(error)
  } finally {
    busy.value = false
  }
}

export function Login() {
  useEffect(() => () => void (registering.value = false), []) // the next time it asks for a login
  const mayRegister = server.auth && server.registration === 'open'
  const isNew = registering.value && mayRegister
  const note = failure.value || loginNote.value
  return (
    <main class="login">
      <form onSubmit={submit}>
        <img src="app/icon.svg" alt="" width="56" height="56" />
        <h1>Pullchat</h1>
        {!server.auth && <p class="hint">Choose a name. This server asks for no password.</p>}
        <label>
          {server.auth ? 'User' : 'Name'}
          <input name="user" required autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={64} autofocus dir="auto" />
        </label>
        {isNew && (
          <label>
            Display name
            <input name="name" autocomplete="name" maxLength={128} dir="auto" placeholder="optional" />
          </label>
        )}
        {server.auth && (
          <label>
            Password
            <input name="password" type="password" required minLength={isNew ? 8 : undefined} autocomplete={isNew ? 'new-password' : 'current-password'} />
          </label>
        )}
        {isNew && <p class="hint">At least 8 characters.</p>}
        {note && (
          <p class="failure" role="alert">
            {note}
          </p>
        )}
        <button class="primary" disabled={busy.value}>
          {isNew ? 'Create account' : server.auth ? 'Log in' : 'Enter'}
        </button>
        {mayRegister && (
          <button type="button" class="plain" onClick={() => ((registering.value = !registering.value), (failure.value = ''))}>
            {isNew ? 'I have an account' : 'Create an account'}
          </button>
        )}
      </form>
    </main>
  )
}
