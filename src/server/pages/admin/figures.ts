/** `/admin/figures`: what happens now, in all processes together. */
import { readFileSync } from 'node:fs'
import { paths } from '../../../protocol/paths.ts'
import type { Counters } from '../../counters/counters.ts'
import { counterOf, POLICY_ACTIONS, POLICY_RULES } from '../../sessions/policy.ts'
import { html } from '../html.ts'
import { code, framed, section, table, timeOf } from './frame.ts'
import { words, type Words } from './texts.ts'
import type { AdminPage } from './visit.ts'

const told = words.figures
/** Seconds. */
const SPANS = [60, 60 * 60, 24 * 60 * 60]

const SCRIPT = readFileSync(new URL('./figures.client.js', import.meta.url), 'utf8')

type Counted = readonly ReadonlyMap<string, number>[]

export const createFiguresPage = ({ counters }: { counters: Pick<Counters, 'read'> }): AdminPage => ({
  path: paths.adminFiguresPage,
  actions: {},
  async show(visit, _, outcome) {
    const counted: Counted = await Promise.all(SPANS.map((seconds) => counters.read(seconds)))
    const ofPolicies = policyRows(counted)
    return framed(visit, {
      path: paths.adminFiguresPage,
      title: told.title,
      outcome,
      script: SCRIPT,
      body: html`<p class="quiet">${told.explanation}</p>
        <input type="hidden" id="form-token" value="${visit.formToken}" />
        <div id="figures">
          ${section(told.sessions, table(told.sessions, told.heads, sessionRows(counted)))}
          ${section(
            told.policies,
            ofPolicies.length === 0
              ? html`<p class="quiet">${told.noPolicies}</p>`
              : table(told.policies, told.policyHeads, ofPolicies),
          )}
          <p class="quiet">${told.at(timeOf(visit.now))}</p>
        </div>`,
    })
  },
})

const sessionRows = (counted: Counted): Words[][] =>
  Object.entries(told.names).map(([name, label]) => [label, ...numbersOf(counted, name)])

const numbersOf = (counted: Counted, name: string): string[] =>
  counted.map((counts) => words.number(counts.get(name) ?? 0))

/** Those that did something in a day, or would have. */
const policyRows = (counted: Counted): Words[][] =>
  POLICY_RULES.flatMap((rule) =>
    POLICY_ACTIONS.filter((action) => action !== 'off').flatMap((action) =>
      ([undefined, true] as const).flatMap((shadow) => {
        const name = counterOf({ rule, action, ...(shadow && { shadow }) })
        if (counted.every((counts) => !counts.has(name))) return []
        return [[code(rule), action, shadow ? told.wouldHave : told.did, ...numbersOf(counted, name)]]
      }),
    ),
  )
