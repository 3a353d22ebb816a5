import { Command, InvalidArgumentError } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { counterOf, POLICY_ACTIONS, POLICY_RULES, type PolicyRule } from '../sessions/policy.ts'
import { required } from './required.ts'

export function policiesCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('policies').description('what is compared when a device refreshes')

  command
    .command('report')
    .description('what each rule did, and what it would have done')
    .option('--days <days>', 'how far back', days, 7)
    .action(async ({ days: count }: { days: number }) => {
      const { counters, policies } = required(hallpass)
      const counted = await counters.read(count * DAY)
      const rows = POLICY_RULES.map((rule) => {
        const { action, isShadow } = policies.rules[rule]
        const now = isShadow ? `shadow:${action}` : action
        return [rule, now, totalsOf(rule, counted, false), totalsOf(rule, counted, true)]
      })
      const span = count === 1 ? 'in a day' : `in ${count} days`
      for (const line of aligned([['rule', 'now', `did ${span}`, 'would have done'], ...rows])) write(`${line}\n`)
    })

  return command
}

/** Seconds. */
const DAY = 24 * 60 * 60

function days(text: string): number {
  const count = Number(text)
  if (!/^\d{1,3}$/.test(text) || count < 1) throw new InvalidArgumentError('A whole number from 1 to 999.')
  return count
}

/** "log 12, revoke 3" */
function totalsOf(rule: PolicyRule, counted: ReadonlyMap<string, number>, isShadow: boolean): string {
  const totals = POLICY_ACTIONS.flatMap((action) => {
    if (action === 'off') return []
    const count = counted.get(counterOf({ rule, action, ...(isShadow && { shadow: true }) }))
    return count === undefined ? [] : [`${action} ${count}`]
  })
  return totals.join(', ') || '-'
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
