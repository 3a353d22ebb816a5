/** What is done about a device that trips a policy at a refresh. */
import type { Logger } from 'pino'
import type { Counters } from '../counters/counters.ts'
import type { Database } from '../database/database.ts'
import { refreshRefused } from '../errors.ts'
import type { Verdict } from './policies.ts'
import { counterOf } from './policy.ts'
import { endByPolicy, noteTrips, type Judged } from './policy-records.ts'
import { describeRefusal } from './refusals.ts'

interface EnforcementDependencies {
  database: Database
  counters: Pick<Counters, 'count'>
  settings: { readonly accessTtl: number }
  log: Logger
}

/**
 * Committed before it is refused.
 * @param isReplay nothing is rotated, and so nothing else records what tripped
 * @returns false when the session is not what was judged any more
 * @throws {OAuthError} unless it may pass
 */
export async function enforce(
  deps: EnforcementDependencies,
  judged: Judged,
  verdict: Verdict,
  isReplay: boolean,
): Promise<boolean> {
  const { database, settings, log } = deps
  const { trips, decisive } = verdict
  const told = { session_id: judged.id, user_id: judged.user_id, rule: decisive?.rule }
  if (decisive?.action === 'revoke') {
    if (!(await endByPolicy(database, judged, { ...verdict, decisive }, settings.accessTtl))) return false
    tellTrips(deps, judged, verdict)
    log.warn({ event: 'policy_revoked', ...told }, 'a policy ended a session')
    const reason = `policy:${decisive.rule}` as const
    throw refreshRefused(reason, describeRefusal(reason), true)
  }
  const isStepUp = decisive?.action === 'step-up'
  if ((isStepUp || (isReplay && trips.length > 0)) && (await noteTrips(database, judged, verdict))) {
    tellTrips(deps, judged, verdict)
    if (isStepUp) log.info({ event: 'policy_step_up', ...told }, 'a policy wants to know who it is')
  }
  if (isStepUp) {
    const reason = 'insufficient_user_authentication'
    throw refreshRefused(reason, describeRefusal(reason), false)
  }
  return true
}

/** By a line of the log and a figure for each; and what the rules would have done, where they are only tried. */
export function tellTrips(
  { counters, log }: Pick<EnforcementDependencies, 'counters' | 'log'>,
  judged: Judged,
  verdict: Verdict,
): void {
  for (const trip of verdict.trips) {
    counters.count(counterOf(trip))
    log.info({ event: 'policy', session_id: judged.id, user_id: judged.user_id, ...trip }, 'a policy tripped')
  }
}
