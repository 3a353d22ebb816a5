/** Every attempt to deliver something, for whoever asks why nothing came. Kept for thirty days. */
import { statement, type Database, type Queryable } from '../database/database.ts'
import { inPieces } from '../upkeep/in-pieces.ts'
import type { WaitingEvent } from './message.ts'
import type { Outcome } from './post.ts'

export interface Delivery extends Outcome {
  readonly eventId: string
  readonly type: string
  /** How many there were for this event, this one included. */
  readonly attempt: number
  readonly at: Date
  /** Null after a success, and where it was given up. */
  readonly nextAttemptAt: Date | null
}

export interface Attempt {
  readonly webhookId: string
  readonly event: WaitingEvent
  readonly attempt: number
  readonly outcome: Outcome
  readonly nextAttemptAt: Date | null
}

/** Days. */
const KEPT_FOR = 30
const PRUNED_AT_ONCE = 1_000
const LISTED = 200

export async function logDelivery(tx: Queryable, attempt: Attempt): Promise<void> {
  const { webhookId, event, outcome, nextAttemptAt } = attempt
  await tx.query(insert, [
    webhookId,
    event.id,
    event.created_at,
    event.type,
    attempt.attempt,
    outcome.status,
    outcome.duration,
    outcome.failure,
    nextAttemptAt,
  ])
}

/** The newest 200, newest first. */
export async function listDeliveries(
  database: Queryable,
  webhookId: string,
  { since, failedOnly }: { since: Date | null; failedOnly: boolean },
): Promise<Delivery[]> {
  const rows = await database.query(list, [webhookId, since, failedOnly, LISTED])
  return rows.map(({ event_id, next_attempt_at, ...row }) => ({
    ...row,
    eventId: event_id,
    nextAttemptAt: next_attempt_at,
  }))
}

/** Removes attempts of more than thirty days ago, and what waits for a webhook that was deleted, or disabled for as long. */
export async function pruneDeliveries(database: Pick<Database, 'query'>, signal: AbortSignal): Promise<void> {
  for (const what of [prune, pruneWaiting]) {
    await inPieces(
      signal,
      async () => (await database.query(what, [KEPT_FOR, PRUNED_AT_ONCE])).length === PRUNED_AT_ONCE,
    )
  }
}

const insert = statement(
  'deliveries.insert',
  `insert into webhook_deliveries
     (webhook_id, event_id, event_at, type, attempt, status, duration, failure, next_attempt_at)
   values ($1::uuid, $2::uuid, $3::timestamptz, $4::text, $5::int, $6::int, $7::int, $8::text, $9::timestamptz)`,
)

const list = statement<{
  event_id: string
  type: string
  attempt: number
  at: Date
  status: number | null
  duration: number
  failure: string | null
  next_attempt_at: Date | null
}>(
  'deliveries.list',
  `select event_id, type, attempt, at, status, duration, failure, next_attempt_at from webhook_deliveries
   where webhook_id = $1::uuid and ($2::timestamptz is null or at >= $2::timestamptz)
     and (failure is not null or not $3::boolean)
   order by at desc, id desc limit $4::int`,
)

/** Ids grow as time does, so the oldest have the lowest. */
const prune = statement<{ id: number | string }>(
  'deliveries.prune',
  `delete from webhook_deliveries where id in (
     select id from (select id, at from webhook_deliveries order by id limit $2::int) as oldest
     where at < clock_timestamp() - make_interval(days => $1::int)
   ) returning id`,
)

const pruneWaiting = statement<{ id: number | string }>(
  'deliveries.prune_waiting',
  `delete from outbox where id in (
     select id from outbox
     where kind = 'webhook' and (
       created_at < clock_timestamp() - make_interval(days => $1::int)
       or not exists (select from webhooks where webhooks.id = outbox.webhook_id))
     limit $2::int for update skip locked
   ) returning id`,
)
