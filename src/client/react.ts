/** For React. */
import { useSyncExternalStore } from 'react'
import type { Client } from './client.ts'
import { STARTING, type SessionState } from './state.ts'

/** The state of the session, kept up to date. On a server nobody knows it, and so a page begins like that, too. */
export const useSession = (client: Client): SessionState =>
  useSyncExternalStore(
    client.onChange,
    () => client.state,
    () => STARTING,
  )
