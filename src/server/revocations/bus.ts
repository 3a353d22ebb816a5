/**
 * How processes wake each other when the feed has grown. Small, so that a broker can take the place of
 * LISTEN/NOTIFY: whatever it carries is a hint, the table is the truth (docs/decisions/0012), and a bus
 * that loses everything costs followers up to five seconds and nothing else.
 */
import type { Database } from '../database/database.ts'
import { REVOCATIONS_CHANNEL } from './ending-sessions.ts'

export interface BusListener {
  /** Somebody has committed an entry. */
  readonly onNews: () => void
  /** Something may have been missed, and the database may be another one than before. */
  readonly onGap: () => void
}

export interface RevocationBus {
  /** Resolves once nothing sent from now on is missed without a word. */
  subscribe(listener: BusListener): Promise<void>
}

/** The statements that write entries announce them, see `endingSessions`. */
export const createNotifyBus = (database: Database): RevocationBus => ({
  subscribe: ({ onNews, onGap }) => database.listen(REVOCATIONS_CHANNEL, onNews, onGap),
})
