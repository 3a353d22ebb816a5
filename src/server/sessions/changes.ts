/**
 * How processes tell each other that somebody's sessions are not what they were: one began, or has another
 * name. Those that end are told by the feed. A hint, as the feed's bus (docs/decisions/0012): the rows are the truth.
 */
import { EVERYTHING } from '../database/announcements.ts'
import type { Database, Statement } from '../database/database.ts'

export interface ChangesListener {
  readonly onChange: (userId: string) => void
  /** Anybody's sessions may have changed without a word. */
  readonly onGap: () => void
}

export interface SessionChanges {
  /** Resolves once nothing sent from now on is missed without a word. */
  subscribe(listener: ChangesListener): Promise<void>
}

const CHANNEL = 'hallpass_sessions'

/** For statements whose first value is the user's id. */
export const ANNOUNCED_TO_OWNER: Pick<Statement<never>, 'announces' | 'about'> = {
  announces: CHANNEL,
  about: ([userId]) => String(userId),
}

export const createSessionChanges = (database: Pick<Database, 'listen'>): SessionChanges => ({
  subscribe: ({ onChange, onGap }) =>
    // Whoever may connect to the database may send any payload: it is compared with ids that are known, and nothing else.
    database.listen(CHANNEL, (payload) => (payload === EVERYTHING ? onGap() : onChange(payload)), onGap),
})
