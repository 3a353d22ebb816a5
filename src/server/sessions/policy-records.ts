/** What a policy that tripped leaves behind: an event for each rule, a mail where the action asks for one, a note in the row. */
import { statement, type Database, type Queryable, type Value } from '../database/database.ts'
import type { MailWish } from '../emails/outbox.ts'
import { endingSessions, FEED_MARGIN } from '../revocations/ending-sessions.ts'
import type { Trip } from './policy.ts'
import type { Verdict } from './policies.ts'
import { IS_LIVE } from './session.ts'

/** The session that was judged, as it was read. */
export interface Judged {
  readonly user_id: string
  readonly id: string
  readonly generation: number
  readonly seen: Buffer | null
}

/**
 * For a refresh that is refused, or a replay, neither of which makes a new baseline. Once for what one device shows,
 * however often it comes.
 * @returns false when it was noted before, or the session ended meanwhile
 */
export async function noteTrips(database: Queryable, judged: Judged, verdict: Verdict): Promise<boolean> {
  const { trips, decisive, baseline } = verdict
  const rules = trips.map(({ rule }) => rule).join(',')
  const text = `${decisive?.action ?? 'shadow'} ${rules} ${baseline.seen.toString('base64url')}`
  const [noted] = await database.query(note, [judged.user_id, judged.id, text, ...recordValues(judged, verdict)])
  return noted !== undefined
}

/**
 * Ends the session by the rule that decided.
 * @returns false when it is not what was judged any more: nothing was done
 */
export const endByPolicy = (
  database: Database,
  judged: Judged,
  verdict: Verdict & { readonly decisive: Trip },
  accessTtl: number,
): Promise<boolean> =>
  database.transaction(async (tx) => {
    const { user_id: userId, id, generation, seen } = judged
    const reason = `policy:${verdict.decisive.rule}`
    const common = [accessTtl + FEED_MARGIN, 'system', null, verdict.baseline.ip, null] as const
    const [ended] = await tx.query(end, [userId, reason, ...common, id, generation, seen])
    if (ended === undefined) return false
    await tx.query(record, [userId, id, ...recordValues(judged, verdict)])
    return true
  })

/** Common table expressions that record what tripped for the row of `source`; their values are `recordValues`, from $`first` on. */
export const recording = (source: string, first: number): string => `
   history as (
     insert into events (user_id, session_id, type, actor, ip, details)
     select user_id, id, 'session.policy', 'system', $${first}::inet, trip
     from ${source}, jsonb_array_elements($${first + 1}::jsonb) as trips (trip)
   ), mail as (
     insert into outbox (kind, payload)
     select 'mail', $${first + 2}::jsonb from ${source} where $${first + 2}::jsonb is not null
   )`

export const recordValues = (
  judged: Pick<Judged, 'user_id' | 'id'>,
  { trips, decisive, baseline }: Verdict,
): Value[] => [
  baseline.ip,
  JSON.stringify(trips.filter(isHistory)),
  decisive === null || decisive.action === 'log' ? null : JSON.stringify(wishOf(judged, decisive, baseline)),
]

/** A telephone changes its network all day: what is only logged is no history, nor is what would have been done. */
const isHistory = ({ action, shadow }: Trip): boolean => action !== 'log' && shadow === undefined

const wishOf = (
  { user_id: userId, id }: Pick<Judged, 'user_id' | 'id'>,
  { rule, action }: Trip,
  { ip, place }: Verdict['baseline'],
): MailWish => ({
  purpose: 'device_changed',
  user_id: userId,
  session_id: id,
  subtype: action,
  rule,
  ip,
  place: place && { city: place.city, country: place.country },
})

const note = statement<{ id: string }>(
  'policies.note',
  `with noted as (
     update sessions set step_up = $3::text
     where user_id = $1::uuid and id = $2::uuid and step_up is distinct from $3::text and ${IS_LIVE}
     returning user_id, id
   ), ${recording('noted', 4)}
   select id from noted`,
)

const end = endingSessions(
  'policies.end',
  'id = $8::uuid and generation = $9::bigint and seen is not distinct from $10::bytea',
)

const record = statement(
  'policies.record',
  `with ended as (select $1::uuid as user_id, $2::uuid as id), ${recording('ended', 3)} select 1 from ended`,
)
