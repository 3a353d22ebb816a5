/** `browser=revoke, country=shadow:notify, idle=14d:step-up`: what is not named is as it is by default. */
import {
  POLICY_ACTIONS,
  POLICY_RULES,
  type PolicySettings,
  type Policy,
  type PolicyAction,
  type PolicyRule,
} from '../sessions/policy.ts'
import { duration, InvalidValue, quoted, showDuration, type Kind } from './values.ts'

const SHADOW = 'shadow'
const idleTime = duration({ min: '1m', max: '3650d' })

const LOG: Policy = { action: 'log', isShadow: false }
/** Seconds. */
const IDLE_AFTER = 14 * 24 * 60 * 60

export const policyList: Kind<PolicySettings> = {
  parse(text) {
    const problems: string[] = []
    const rules = new Map<PolicyRule, Policy>()
    let idleAfter = IDLE_AFTER
    for (const entry of text.split(',').map((part) => part.trim())) {
      try {
        const read = readEntry(entry)
        if (rules.has(read.rule)) throw new InvalidValue(`names ${read.rule} twice: leave one of them`)
        rules.set(read.rule, read.policy)
        idleAfter = read.idleAfter ?? idleAfter
      } catch (error) {
        if (!(error instanceof InvalidValue)) throw error
        problems.push(...error.problems)
      }
    }
    if (problems.length > 0) throw new InvalidValue(...problems)
    const all = POLICY_RULES.map((rule): [PolicyRule, Policy] => [rule, rules.get(rule) ?? LOG])
    return { rules: Object.fromEntries(all) as PolicySettings['rules'], idleAfter }
  },
  show: ({ rules, idleAfter }) =>
    POLICY_RULES.map((rule) => {
      const { action, isShadow } = rules[rule]
      const words = [isShadow && SHADOW, rule === 'idle' && showDuration(idleAfter), action]
      return `${rule}=${words.filter((word) => word !== false).join(':')}`
    }).join(', '),
}

function readEntry(entry: string): { rule: PolicyRule; policy: Policy; idleAfter: number | null } {
  const [name = '', value, ...more] = entry.split('=').map((part) => part.trim())
  const rule = POLICY_RULES.find((known) => known === name)
  if (rule === undefined)
    throw new InvalidValue(`names no rule with ${quoted(name)}: there are ${POLICY_RULES.join(', ')}`)
  const words = more.length > 0 ? [] : (value ?? '').split(':')
  const isShadow = words[0] === SHADOW
  if (isShadow) words.shift()
  const time = rule === 'idle' && words.length > 1 ? idleTimeIn(words.shift() ?? '') : null
  return { rule, policy: { action: actionIn(rule, words), isShadow }, idleAfter: time }
}

function actionIn(rule: PolicyRule, words: readonly string[]): PolicyAction {
  const action = POLICY_ACTIONS.find((known) => known === words[0])
  if (action !== undefined && words.length === 1) return action
  const example = rule === 'idle' ? 'idle=14d:step-up' : `${rule}=notify`
  throw new InvalidValue(
    `must say ${POLICY_ACTIONS.join(', ')} of ${rule}, as in ${example} or ${rule}=${SHADOW}:revoke, not ${quoted(words.join(':'))}`,
  )
}

function idleTimeIn(text: string): number {
  try {
    return idleTime.parse(text)
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    throw new InvalidValue(...error.problems.map((problem) => `(idle) ${problem}`))
  }
}
