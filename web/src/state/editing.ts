import { signal } from '@preact/signals'
import type { Message, Outgoing } from 'pullchat'
import { openChat } from './route'

/** The message of the open chat that the composer edits. */
export const editing = signal<Message | undefined>(undefined)

/** The message of the open chat that the composer answers. */
export const answering = signal<Message | undefined>(undefined)

/** A message that was not sent, and goes back into the composer. */
export const takenBack = signal<Outgoing | undefined>(undefined)

/** The message whose answers the panel shows. */
export const threadOf = signal<Message | undefined>(undefined)

openChat.subscribe(() => (editing.value = answering.value = threadOf.value = undefined))
