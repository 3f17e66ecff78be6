import { signal } from '@preact/signals'
import type { Message } from 'pullchat'
import { openChat } from './route'

/** The message of the open chat that the composer edits. */
export const editing = signal<Message | undefined>(undefined)

openChat.subscribe(() => (editing.value = undefined))
