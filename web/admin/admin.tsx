import { render, type ComponentType } from 'preact'
import { enter, failure, leave, service, unread } from './api'
import { Audit } from './audit'
import { Overview } from './overview'
import { Projections } from './projections'
import { Reports } from './reports'
import { Rooms } from './rooms'
import { section } from './route'
import { Users } from './users'

const sections: Record<string, [title: string, view: ComponentType]> = {
  overview: ['Overview', Overview], users: ['Users', Users], rooms: ['Rooms', Rooms], reports: ['Reports', Reports],
  projections: ['Projections', Projections], audit: ['Audit log', Audit],
}

function App() {
  if (!service.value) return <Login />
  const [title, View] = sections[section.value] ?? sections['overview']!
  return (
    <div class="admin">
      <header>
        <img src="app/icon.svg" alt="" width="28" height="28" />
        <h1>Pullchat</h1>
        <nav aria-label="Sections">
          {Object.entries(sections).map(([name, [label]]) => (
            <a key={name} href={`#${name}`} aria-current={label === title ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <button type="button" onClick={leave}>
          Leave
        </button>
      </header>
      <main>
        <h2>{title}</h2>
        {[failure.value, unread.value].map((why) => why && (
          <p class="failure" role="alert">
            {why}
          </p>
        ))}
        <View key={section.value} />
      </main>
    </div>
  )
}

function Login() {
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    void enter(String(new FormData(event.currentTarget as HTMLFormElement).get('token')).trim())
  }
  return (
    <main class="login">
      <form onSubmit={submit}>
        <img src="app/icon.svg" alt="" width="56" height="56" />
        <h1>Pullchat for operators</h1>
        <label>
          Token of a service
          <input name="token" type="password" required autocomplete="off" spellcheck={false} autofocus />
        </label>
        <p class="hint">
          <code>pullchat token --service NAME</code> makes one. This tab forgets it when it is closed.
        </p>
        {failure.value && (
          <p class="failure" role="alert">
            {failure.value}
          </p>
        )}
        <button class="primary">Enter</button>
      </form>
    </main>
  )
}

render(<App />, document.getElementById('app')!)
