import { effect, signal } from '@preact/signals'
import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import { inboxLoaded, listed, titleOf } from './state/chats'
import { threadOf } from './state/editing'
import { startInbox } from './state/inbox'
import { startKeeping } from './state/keeping'
import { startMarks } from './state/marks'
import { spoken, toast } from './state/notices'
import { isMuted } from './state/preferences'
import { goTo, openChat, panel } from './state/route'
import { me, resume } from './state/session'
import './state/settings'
import { Conversation } from './ui/conversation'
import { giveFocus, Info } from './ui/info'
import { Login } from './ui/login'
import { NewChat } from './ui/newchat'
import { Settings } from './ui/settings'
import { Sidebar } from './ui/sidebar'
import { Thread } from './ui/thread'
import { nextChat } from './ui/keys'

const phone = matchMedia('(max-width: 720px)')
const narrow = signal(phone.matches)
phone.onchange = () => (narrow.value = phone.matches)

const App = () => (me.value ? <Chats key={me.value} /> : <Login />)

function Chats() {
  useEffect(() => {
    if (document.activeElement === document.body) giveFocus() // the login had it
  }, [])
  const covered = narrow.value && panel.value !== 'none' && panel.value !== 'new' // by the panel
  return (
    <div class="shell" data-open={openChat.value ? 'chat' : 'list'} data-panel={panel.value}>
      <header class="hidden">
        <h1>Pullchat</h1>
      </header>
      <Sidebar inert={covered} />
      <main class="main" inert={covered}>{openChat.value ? <Conversation key={openChat.value} chat={openChat.value} /> : <Nothing />}</main>
      {panel.value === 'info' && openChat.value && <Info key={openChat.value} chat={openChat.value} />}
      {panel.value === 'thread' && threadOf.value && <Thread key={threadOf.value.send_time} of={threadOf.value} />}
      {panel.value === 'settings' && <Settings />}
      {panel.value === 'new' && <NewChat />}
      {toast.value && (
        <div class="toast" role="alert">
          {toast.value}
        </div>
      )}
      <div class="hidden" aria-live="polite">
        {spoken.value}
      </div>
    </div>
  )
}

function Nothing() {
  return (
    <div class="nothing">
      <img src="app/icon.svg" alt="" width="72" height="72" />
      <h2>{inboxLoaded.value ? 'No chat is open' : 'Loading …'}</h2>
      <p>Choose a chat from the list, or begin a new one.</p>
      <button class="primary" onClick={() => (panel.value = 'new')}>
        New chat
      </button>
    </div>
  )
}

effect(() => {
  const count = listed.value.filter((c) => c.unread > 0 && !isMuted(c.chat)).length
  const title = me.value && openChat.value ? `${titleOf(openChat.value)} · Pullchat` : 'Pullchat'
  document.title = count ? `(${count}) ${title}` : title
})

addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    if (panel.peek() !== 'none') panel.value = 'none'
    else if (phone.matches) goTo(undefined)
  } else if (event.altKey && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    event.preventDefault()
    nextChat(event.key === 'ArrowDown' ? 1 : -1)
  } else if ((event.ctrlKey || event.metaKey) && event.key === 'k') {
    event.preventDefault()
    document.querySelector<HTMLInputElement>('.search input')?.focus()
  }
})

// What was said of one chat is not said of the next.
openChat.subscribe((chat) => chat && (toast.value = ''))

startInbox()
startKeeping()
startMarks()
render(<App />, document.getElementById('app')!)
resume()
