/**
 * Events that are sent again, from the history. Each keeps its id, so that a receiver which has it already can
 * tell; what still waits begins anew in its place.
 */
import { randomUUID } from 'node:crypto'
import { NIL } from 'uuid'
import { statement, type Database, type Statement } from '../database/database.ts'
import { PING } from './event-types.ts'

/** @returns false when the history has no such event any more */
export async function replayEvent(database: Database, webhookId: string, eventId: string): Promise<boolean> {
  // Events are found by their time; one that was never tried has none in the log, and all of them are read.
  const [logged] = await database.query(findTime, [webhookId, eventId])
  const [from, to] = logged === undefined ? ['-infinity', 'infinity'] : [logged.at, logged.at]
  const [queued] = await database.query(queueOne, [webhookId, from, eventId, to])
  return queued !== undefined
}

/** What a webhook asks for and happened since. @returns how many events that were */
export const replaySince = (database: Database, webhookId: string, since: Date): Promise<number> =>
  queueAll(database, queueSince, webhookId, since)

/** Those of them that were given up, and did not arrive by a replay since. */
export const replayFailed = (database: Database, webhookId: string, since: Date): Promise<number> =>
  queueAll(database, queueFailed, webhookId, since)

/** @returns the event's id */
export async function queuePing(database: Database, webhookId: string): Promise<string> {
  const eventId = randomUUID()
  await database.query(insertPing, [webhookId, eventId])
  return eventId
}

/** In steps that each are over before anybody has to wait for them. */
async function queueAll(
  database: Database,
  queue: Statement<QueuedRow>,
  webhookId: string,
  since: Date,
): Promise<number> {
  let count = 0
  let after: QueuedRow = { at: since.toISOString(), id: NIL }
  for (;;) {
    const queued = await database.query(queue, [webhookId, after.at, after.id])
    count += queued.length
    const last = queued.at(-1)
    if (last === undefined || queued.length < AT_ONCE) return count
    after = last
  }
}

const AT_ONCE = 1_000

interface QueuedRow {
  id: string
  /** As text: a `Date` would lose the microseconds. */
  at: string
}

/** $1 webhook · $2 time and $3 id of an event; `which` is said of `event`, a row of events. */
const queueing = (name: string, which: string): Statement<QueuedRow> =>
  statement(
    name,
    `with chosen as materialized (
       select id, created_at, to_jsonb(event) as payload from events as event
       where ${which} order by created_at, id limit ${AT_ONCE}
     ), waiting as (
       delete from outbox using chosen
       where kind = 'webhook' and webhook_id = $1::uuid and outbox.payload ->> 'id' = chosen.id::text
     ), queued as (
       insert into outbox (kind, webhook_id, payload) select 'webhook', $1::uuid, payload from chosen
     )
     select id, created_at::text as at from chosen order by created_at, id`,
  )

/** The first condition is for the partitions. */
const IS_LATER = 'created_at >= $2::timestamptz and (created_at, id) > ($2::timestamptz, $3::uuid)'

const queueOne = queueing(
  'replaying.queue_one',
  'id = $3::uuid and created_at between $2::timestamptz and $4::timestamptz',
)

const queueSince = queueing(
  'replaying.queue_since',
  `${IS_LATER} and exists (
     select from webhooks
     where webhooks.id = $1::uuid and (event_types = '{}' or event.type = any (event_types)))`,
)

const queueFailed = queueing(
  'replaying.queue_failed',
  `${IS_LATER} and exists (
     select from webhook_deliveries as last
     where webhook_id = $1::uuid and event_id = event.id and failure is not null and next_attempt_at is null
       and not exists (
         select from webhook_deliveries as later
         where later.webhook_id = $1::uuid and later.event_id = event.id and later.id > last.id))`,
)

const findTime = statement<{ at: string }>(
  'replaying.find_time',
  `select event_at::text as at from webhook_deliveries
   where webhook_id = $1::uuid and event_id = $2::uuid limit 1`,
)

const insertPing = statement(
  'replaying.insert_ping',
  `insert into outbox (kind, webhook_id, payload)
   select 'webhook', $1::uuid, jsonb_build_object('id', $2::uuid, 'type', '${PING}', 'created_at', clock_timestamp())`,
)
