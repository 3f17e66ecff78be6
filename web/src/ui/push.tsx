import { push, pushFailure, setPush } from '../state/push'
import { client } from '../state/session'
import { Switch } from './info'

/** The switch of notifications while no page is open, where browser and server have Web Push. */
export function PushSwitch() {
  if (push.value === 'none') return null
  return (
    <>
      <Switch label="Notifications while Pullchat is closed" on={push.value === 'on'} change={(on) => void setPush(client, on)} />
      {push.value === 'changing' && (
        <p class="hint" role="status">
          The browser is asked …
        </p>
      )}
      {pushFailure.value && (
        <p class="failure" role="alert">
          {pushFailure.value}
        </p>
      )}
    </>
  )
}
