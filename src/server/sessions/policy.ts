/** Policies: what may be different about a device that refreshes, and what is done about it. docs/policies.md */

/** The names are stable: they end up in reasons, events and counters. */
export const POLICY_RULES = ['browser', 'browser_downgrade', 'os', 'country', 'network', 'idle', 'app_version'] as const
export type PolicyRule = (typeof POLICY_RULES)[number]

/** From the weakest to the strongest. */
export const POLICY_ACTIONS = ['off', 'log', 'notify', 'step-up', 'revoke'] as const
export type PolicyAction = (typeof POLICY_ACTIONS)[number]

export interface Policy {
  readonly action: PolicyAction
  /** Nothing is done: what would have been is counted, and written in the history. */
  readonly isShadow: boolean
}

export interface PolicySettings {
  readonly rules: Readonly<Record<PolicyRule, Policy>>
  /** After so long without a refresh the rule `idle` trips. Seconds. */
  readonly idleAfter: number
}

/** A rule that tripped, as it stands in the history. No full address is in it. */
export interface Trip {
  readonly rule: PolicyRule
  readonly action: Exclude<PolicyAction, 'off'>
  readonly shadow?: true
  readonly from: string
  readonly to: string
}

/** As HALLPASS_POLICIES_SHADOW has it: nothing is done. */
export const inShadow = ({ rules, idleAfter }: PolicySettings): PolicySettings => ({
  rules: Object.fromEntries(
    Object.entries(rules).map(([rule, { action }]) => [rule, { action, isShadow: true }]),
  ) as PolicySettings['rules'],
  idleAfter,
})

/** The strongest of what is in force. @returns null where nothing is */
export const strongestOf = (trips: readonly Trip[]): Trip | null =>
  trips
    .filter(({ shadow }) => shadow === undefined)
    .toSorted((one, other) => POLICY_ACTIONS.indexOf(other.action) - POLICY_ACTIONS.indexOf(one.action))[0] ?? null

export const counterOf = ({ rule, action, shadow }: Pick<Trip, 'rule' | 'action' | 'shadow'>): string =>
  `policy.${rule}.${shadow ? 'shadow.' : ''}${action}`
