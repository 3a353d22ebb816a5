/** Everything that has to be done now and then: one line each. A new task is one more. */
import { pruneApiKeys } from '../api-keys/pruning.ts'
import { pruneCounters } from '../counters/pruning.ts'
import type { Database } from '../database/database.ts'
import { pruneEmailTokens } from '../emails/email-tokens.ts'
import { shortenAddressesOfEvents } from '../events/addresses.ts'
import { keepMonths } from '../events/months.ts'
import { pruneImportedTokens } from '../imports/pruning.ts'
import { clearExpired } from '../rate-limits/clearing.ts'
import { pruneRevocations } from '../revocations/pruning.ts'
import type { Pruning } from '../sessions/pruning.ts'
import { pruneDeliveries } from '../webhooks/delivery-log.ts'
import type { Task } from './task.ts'

/** Seconds. */
const MINUTE = 60
const HOUR = 60 * MINUTE

/** @param settings how long what is kept, seconds */
export function createTasks(deps: {
  database: Database
  pruning: Pick<Pruning, 'takeTurn'>
  settings: { readonly retention: number; readonly eventRetention: number; readonly ipRetention: number }
}): Task[] {
  const { database, pruning, settings } = deps
  const { retention, eventRetention, ipRetention } = settings
  return [
    { name: 'sessions', every: HOUR, run: pruning.takeTurn },
    { name: 'revocations', every: 10 * MINUTE, run: ({ signal }) => pruneRevocations(database, signal) },
    { name: 'event_months', every: 6 * HOUR, run: () => keepMonths(database, eventRetention) },
    { name: 'event_addresses', every: HOUR, run: (turn) => shortenAddressesOfEvents(database, ipRetention, turn) },
    { name: 'email_tokens', every: 10 * MINUTE, run: ({ signal }) => pruneEmailTokens(database, signal) },
    { name: 'api_keys', every: HOUR, run: ({ signal }) => pruneApiKeys(database, retention, signal) },
    { name: 'counters', every: HOUR, run: ({ signal }) => pruneCounters(database, signal) },
    { name: 'webhook_deliveries', every: HOUR, run: ({ signal }) => pruneDeliveries(database, signal) },
    { name: 'imported_tokens', every: HOUR, run: ({ signal }) => pruneImportedTokens(database, signal) },
    { name: 'rate_limits', every: 5 * MINUTE, run: ({ signal }) => clearExpired(database, signal) },
  ]
}
