import { createContext, createElement, useContext, useMemo, useSyncExternalStore, type FunctionComponent, type ReactNode } from 'react'
import type { Pullchat } from './client.js'
import type { PresenceResponse } from './openapi.js'
import { ChatStore, InboxStore, PresenceStore, type ChatState, type InboxState, type Store } from './stores.js'

export type { ChatState, InboxState } from './stores.js'

const Context = createContext<Pullchat | undefined>(undefined)

/** Gives the hooks below it their client. */
export const PullchatProvider: FunctionComponent<{ client: Pullchat; children?: ReactNode }> = ({ client, children }) =>
  createElement(Context.Provider, { value: client }, children)

/** The client of the nearest provider. */
export function usePullchat(): Pullchat {
  const client = useContext(Context)
  if (!client) throw new Error('there is no PullchatProvider around this component')
  return client
}

const useStore = <State>(store: Store<State>): State => useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot)

/** A chat, its live messages, and functions to send. A message is among `outgoing` at once, before it is stored. */
export function useChat(chat: string): ChatState & Pick<ChatStore, 'send' | 'retry' | 'discard' | 'loadOlder'> {
  const client = usePullchat()
  const store = useMemo(() => new ChatStore(client, chat), [client, chat])
  const state = useStore(store)
  return { ...state, send: store.send, retry: store.retry, discard: store.discard, loadOlder: store.loadOlder }
}

/** The user's chats, the one that moved last first. */
export function useInbox(): InboxState {
  const client = usePullchat()
  return useStore(useMemo(() => new InboxStore(client), [client]))
}

/** Which users are in a chat now; undefined until it is known. */
export function usePresence(chat: string): PresenceResponse | undefined {
  const client = usePullchat()
  return useStore(useMemo(() => new PresenceStore(client, chat), [client, chat])).presence
}
