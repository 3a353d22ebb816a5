/**
 * Policies at a refresh: what is different about the device, and what is to be done about it. Each request is judged
 * by itself: what a thief tried from elsewhere never stands in the owner's way.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Clients } from '../clients/clients.ts'
import type { Locate } from '../location/location.ts'
import { readBaseline, type Baseline } from './baseline.ts'
import { cluesFromHallpassClient } from './hallpass-client.ts'
import { POLICY_RULES, strongestOf, type PolicySettings, type PolicyRule, type Trip } from './policy.ts'
import { POLICY_COMPARISONS, type Refreshing, type Sight } from './policy-rules.ts'
import { createSee, type See } from './seen.ts'

/** What the row has to say of the refreshes before. */
export interface SeenRow {
  client_id: string
  seen: Buffer | null
  step_up: string | null
  user_agent: string
  browser_name: string | null
  browser_version: string | null
  os_name: string | null
  ip_last: string | null
  last_used_at: Date
  now: Date
}

export const SEEN_COLUMNS = `
  seen, step_up, user_agent, browser_name, browser_version, os_name, host(ip_last) as ip_last, last_used_at`

/** A request, as far as policies look at it. */
export interface Appearance {
  readonly headers: IncomingHttpHeaders
  readonly ip: string | null
  readonly seen: Buffer
}

export interface Verdict {
  /** All that tripped. */
  readonly trips: readonly Trip[]
  /** The strongest of those that are in force. */
  readonly decisive: Trip | null
  /** What the next refresh is compared with, if this one is let through. */
  readonly baseline: Baseline
  /** Of the same families, whatever is done about it: what its owner is shown of it may follow. */
  readonly isSameDevice: boolean
}

export interface Policies {
  readonly see: See
  /** Longer without a refresh is for `judge`. Seconds; null where that is no matter. */
  readonly idleAfter: number | null
  /** @returns null where nothing is different, so that nothing is compared */
  judge(row: SeenRow, appearance: Appearance): Verdict | null
}

export function createPolicies(deps: {
  policies: PolicySettings
  clients: Pick<Clients, 'known'>
  locate: Locate
}): Policies {
  const { policies, clients, locate } = deps
  const idleAfter = policies.rules.idle.action === 'off' ? null : policies.idleAfter

  const isDifferent = ({ seen, last_used_at: lastUsedAt, now }: SeenRow, appearance: Appearance): boolean =>
    seen === null ||
    !seen.equals(appearance.seen) ||
    (idleAfter !== null && now.getTime() - lastUsedAt.getTime() >= idleAfter * 1000)

  function judge(row: SeenRow, appearance: Appearance): Verdict | null {
    if (!isDifferent(row, appearance)) return null
    const { headers, ip, seen } = appearance
    const baseline = readBaseline(headers, ip, seen, locate)
    const refreshing: Refreshing = {
      before: row.seen === null ? NOTHING_KNOWN : sightIn(row, locate),
      now: sightOf(baseline),
      lastUsedAt: row.last_used_at,
      at: row.now,
      idleAfter: policies.idleAfter,
      appVersion: cluesFromHallpassClient(asText(headers['hallpass-client'])).app.version,
      minAppVersion: clients.known().get(row.client_id)?.minAppVersion ?? null,
    }
    const trips = POLICY_RULES.flatMap((rule) => tripOf(policies, rule, refreshing))
    const isSameDevice = POLICY_COMPARISONS.browser(refreshing) === null && POLICY_COMPARISONS.os(refreshing) === null
    return { trips, decisive: strongestOf(trips), baseline, isSameDevice }
  }

  return { see: createSee(clients), idleAfter, judge }
}

function tripOf({ rules }: PolicySettings, rule: PolicyRule, refreshing: Refreshing): Trip[] {
  const { action, isShadow } = rules[rule]
  if (action === 'off') return []
  const difference = POLICY_COMPARISONS[rule](refreshing)
  return difference === null ? [] : [{ rule, action, ...(isShadow && { shadow: true }), ...difference }]
}

/** Of before there were policies, or of an import: whoever comes first is the one to compare with. */
const NOTHING_KNOWN: Sight = {
  userAgent: '',
  browser: { name: null, version: null },
  os: null,
  country: null,
  ip: null,
}

/** The country is looked up once more, so that both are of one database: a newer one moves nobody. */
const sightIn = (row: SeenRow, locate: Locate): Sight => ({
  userAgent: row.user_agent,
  browser: { name: row.browser_name, version: row.browser_version },
  os: row.os_name,
  country: locate(row.ip_last)?.code ?? null,
  ip: row.ip_last,
})

const sightOf = ({ userAgent, device, ip, place }: Baseline): Sight => ({
  userAgent,
  browser: device.browser,
  os: device.os.name,
  country: place?.code ?? null,
  ip,
})

const asText = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : undefined
