/** For React. */
import { useSyncExternalStore } from 'react'
import type { Client } from './client.ts'
import type { SessionState } from './state.ts'

/** The state of the session, kept up to date. On a server, and while hydrating, nobody knows it. */
export const useSession = (client: Client): SessionState => {
  const read = (): SessionState => client.state
  return useSyncExternalStore(client.onChange, read, read)
}
