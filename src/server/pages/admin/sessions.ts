/** `/admin/sessions`: everybody's sessions that have something in common, counted first and then ended. */
import { paths } from '../../../protocol/paths.ts'
import { InvalidMember } from '../../sessions/invalid-member.ts'
import { hasNone, type SessionPredicate } from '../../sessions/predicate.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import { html, type Html } from '../html.ts'
import { field, framed } from './frame.ts'
import { faultWords, words, type Question } from './texts.ts'
import { timeIn } from './time-field.ts'
import { formFrom, type Action, type AdminPage, type Outcome, type Visit, type Wanted } from './visit.ts'

const told = words.sessions

/** By the names of the HTTP contract. */
const FIELDS = [
  'client_id',
  'platform',
  'app',
  'app_version_below',
  'country',
  'ip',
  'created_before',
  'method',
] as const

export function createSessionsPage({ sessions }: { sessions: Pick<Sessions, 'count' | 'revokeWhere'> }): AdminPage {
  /** The number is what the question says; to count is all that the first step does. */
  async function count(wanted: Wanted): Promise<Question | Outcome> {
    const predicate = predicateIn(wanted)
    if (predicate === null) return { fault: words.faults['invalid_time'] ?? '' }
    if (hasNone(predicate)) return { fault: told.sayWhich }
    const number = await sessions.count(predicate, 'active').catch(faultOf)
    if (typeof number !== 'number') return number
    return number === 0 ? { done: told.none } : told.question(number, saidIn(wanted))
  }

  const revoke: Action = {
    ask: (_, wanted) => count(wanted),
    async act({ actor }, wanted) {
      const predicate = predicateIn(wanted)
      if (predicate === null || hasNone(predicate)) return { fault: told.sayWhich }
      const number = await sessions.revokeWhere(predicate, 'revoked_by_admin', actor).catch(faultOf)
      return typeof number === 'number' ? { done: told.revoked(number) } : number
    },
  }

  return {
    path: paths.adminSessionsPage,
    actions: { revoke },
    show: (visit, wanted, outcome) =>
      Promise.resolve(
        framed(visit, {
          path: paths.adminSessionsPage,
          title: told.title,
          outcome,
          body: html`<p>${told.explanation}</p>
            ${predicateForm(visit, wanted)}`,
        }),
      ),
  }
}

const saidIn = (wanted: Wanted): string[] =>
  FIELDS.flatMap((name) => {
    const value = wanted.get(name)
    return value === undefined ? [] : [`${told.fields[name].label}: ${value}`]
  })

/** @returns null where the time is none */
function predicateIn(wanted: Wanted): SessionPredicate | null {
  const createdBefore = timeIn(wanted.get('created_before'))
  if (wanted.has('created_before') && createdBefore === null) return null
  return {
    clientId: wanted.get('client_id'),
    platform: wanted.get('platform'),
    app: wanted.get('app'),
    appVersionBelow: wanted.get('app_version_below'),
    country: wanted.get('country'),
    ip: wanted.get('ip'),
    createdBefore: createdBefore ?? undefined,
    method: wanted.get('method'),
  }
}

function faultOf(error: unknown): { fault: string } {
  if (error instanceof InvalidMember) return { fault: faultWords(error) }
  throw error
}

const predicateForm = (visit: Visit, wanted: Wanted): Html =>
  formFrom(
    visit,
    paths.adminSessionsPage,
    { action: 'revoke' },
    html`<div class="fields">
        ${FIELDS.map((name) =>
          field(told.fields[name].label, name, {
            value: wanted.get(name),
            ...(name === 'created_before' && { type: 'datetime-local' }),
            hint: told.fields[name].hint,
          }),
        )}
      </div>
      <button>${told.count}</button>`,
  )
