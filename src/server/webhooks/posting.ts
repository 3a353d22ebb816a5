/**
 * Posts what waits for webhooks: any process takes up a delivery, so many at a time for each webhook, so that a
 * receiver that is slow or away holds up nobody but itself. What was taken up is due again after a while, so that
 * a process which dies before it has noted the answer loses nothing. At least once, and with the same id
 * when it is more.
 */
import type { Logger } from 'pino'
import { statement, type Database, type Queryable } from '../database/database.ts'
import { createFollower } from '../database/follower.ts'
import { createLane, type Lane } from '../database/lane.ts'
import { nameOf } from '../errors.ts'
import { REVOCATIONS_CHANNEL } from '../revocations/ending-sessions.ts'
import type { Ring } from '../tokens/ring.ts'
import { logDelivery } from './delivery-log.ts'
import { writeMessage, type WaitingEvent } from './message.ts'
import { post, type Outcome } from './post.ts'
import { openWebhookSecrets, type SealedSecrets } from './webhook-secret.ts'
import type { DisabledReason } from './webhook.entity.ts'

export interface Posting {
  start(): Promise<void>
  /** Posts what is due now. */
  run(): Promise<void>
  /** Nothing is taken up after this; what is on its way gets two seconds to be answered. */
  stop(): Promise<void>
}

/** Longer than an attempt may take, so that no two processes make one at once. Seconds. */
const LEASE = 60
const MINUTE = 60
const HOUR = 60 * MINUTE
/** How long after each failure it is tried again; after the last it is given up. Seconds. */
const DELAYS = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR] as const
/** A webhook is disabled when it gives something up after so long without a success. Seconds. */
const LONGEST_FAILING = 5 * 24 * HOUR
/** On their way at once to each webhook, in each process. */
const PARALLEL = 4
/** Events wake nobody: whoever writes them would have to wait for it (docs/decisions/0029). Milliseconds. */
const LOOK_EVERY = 1_000

export function createPosting(deps: { database: Database; ring: Ring; log: Logger }): Posting {
  const { database, ring, log } = deps
  const lanes = new Map<string, Lane>()
  let timer: NodeJS.Timeout | undefined
  const stopping = new AbortController()
  let isStopped = false

  /** The lanes in which something is due. */
  async function look(): Promise<Lane[]> {
    const due = await database.query(findDue, [])
    // Stopped while it was asked: a lane that is made now would be stopped by nobody.
    return isStopped ? [] : due.map(({ id }) => laneOf(id))
  }
  const due = createFollower(async () => {
    for (const lane of await look()) lane.changed()
  })

  function laneOf(webhookId: string): Lane {
    const known = lanes.get(webhookId)
    if (known !== undefined) return known
    const lane = createLane({
      lease: async () => (await database.query(lease, [webhookId, LEASE]))[0],
      work: deliver,
      parallel: PARALLEL,
    })
    lanes.set(webhookId, lane)
    return lane
  }

  /** Never rejects. */
  async function deliver(row: LeasedRow): Promise<void> {
    try {
      const outcome = await attempt(row)
      if (!stopping.signal.aborted) await settle(row, outcome)
    } catch (error) {
      log.error(
        { ...lineOf(row), failure: nameOf(error) },
        'something went wrong around a webhook, which is tried again later',
      )
    }
  }

  async function attempt(row: LeasedRow): Promise<Outcome> {
    const secrets = openWebhookSecrets(ring, row.webhook_id, row)
    if (secrets === null) return { status: null, failure: 'unknown_secret', duration: 0 }
    return post(row.url, writeMessage(row.payload, secrets, row.now), { stopping: stopping.signal })
  }

  async function settle(row: LeasedRow, outcome: Outcome): Promise<void> {
    const ending = await database.transaction((tx) => record(tx, row, outcome))
    if (ending === null) return
    const line = { ...lineOf(row), ...outcome }
    if (outcome.failure === null) log.info(line, 'webhook delivered')
    else if (ending.isGivenUp) log.error(line, 'a webhook delivery is given up')
    else log.warn(line, 'a webhook delivery failed, and is tried again later')
    if (ending.disabled !== null) {
      log.error({ event: 'webhook', webhook_id: row.webhook_id, reason: ending.disabled }, 'a webhook is disabled')
    }
  }

  return {
    async run() {
      await look()
      await Promise.all([...lanes.values()].map((lane) => lane.run()))
    },
    async start() {
      // The only word of it that costs nothing; all else is found within a second.
      await database.listen(REVOCATIONS_CHANNEL, due.changed, due.changed)
      timer = setInterval(due.changed, LOOK_EVERY).unref()
      due.changed()
    },
    async stop() {
      isStopped = true
      due.stop()
      clearInterval(timer)
      await Promise.all([...lanes.values()].map((lane) => lane.stop()))
      stopping.abort()
    },
  }
}

interface Ending {
  readonly isGivenUp: boolean
  /** Why the webhook was disabled with it, if it was. */
  readonly disabled: DisabledReason | null
}

/** @returns null where somebody else has taken it up since, or queued it anew: then theirs is the end that counts */
async function record(tx: Queryable, row: LeasedRow, outcome: Outcome): Promise<Ending | null> {
  const { webhook_id: webhookId, payload: event, attempts: attempt } = row
  const isDelivered = outcome.failure === null
  const delay = isDelivered || outcome.failure === 'gone' ? undefined : DELAYS[attempt - 1]
  const [left] = delay === undefined ? await tx.query(remove, [row.id, attempt]) : await postpone(tx, row, delay)
  if (left === undefined) return null
  await tx.query(isDelivered ? noteSuccess : noteFailure, [webhookId])
  const isGivenUp = !isDelivered && delay === undefined
  const nextAttemptAt = delay === undefined ? null : left.next_attempt_at
  await logDelivery(tx, { webhookId, event, attempt, outcome, nextAttemptAt })
  return { isGivenUp, disabled: isGivenUp ? await disable(tx, webhookId, outcome) : null }
}

/** Jittered, so that a receiver which comes back is not met by all that waited at once. */
const postpone = (tx: Queryable, { id, attempts }: LeasedRow, delay: number) =>
  tx.query(delayNext, [id, attempts, delay * (0.8 + Math.random() * 0.4)])

async function disable(tx: Queryable, webhookId: string, { failure }: Outcome): Promise<DisabledReason | null> {
  const [disabled] =
    failure === 'gone'
      ? await tx.query(disableGone, [webhookId])
      : await tx.query(disableFailing, [webhookId, LONGEST_FAILING])
  return disabled?.reason ?? null
}

/** Without the URL, whose query may hold a secret. */
const lineOf = ({ webhook_id, payload, attempts }: LeasedRow): Record<string, unknown> => ({
  event: 'webhook',
  webhook_id,
  event_id: payload.id,
  type: payload.type,
  attempt: attempts,
})

interface LeasedRow extends SealedSecrets {
  id: string
  webhook_id: string
  payload: WaitingEvent
  /** This one included. */
  attempts: number
  url: string
  now: Date
}

/** The statement's time where an index is asked: one that changes from row to row would read them all. */
const findDue = statement<{ id: string }>(
  'posting.find_due',
  `select id from webhooks where disabled_at is null and exists (
     select from outbox
     where kind = 'webhook' and webhook_id = webhooks.id and next_attempt_at <= statement_timestamp())`,
)

const lease = statement<LeasedRow>(
  'posting.lease',
  `update outbox set attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $2::float8)
   from webhooks
   where webhooks.id = $1::uuid and webhooks.disabled_at is null and outbox.id = (
     select id from outbox
     where kind = 'webhook' and webhook_id = $1::uuid and next_attempt_at <= statement_timestamp()
     order by next_attempt_at limit 1 for update skip locked)
   returning outbox.id, webhook_id, payload, attempts, url, secret, secret_fingerprint,
     case when previous_until > clock_timestamp() then previous_secret end as previous_secret,
     clock_timestamp() as now`,
)

/** Only while it is still leased to us. */
const remove = statement<{ next_attempt_at: Date }>(
  'posting.remove',
  'delete from outbox where id = $1::uuid and attempts = $2::int returning next_attempt_at',
)

const delayNext = statement<{ next_attempt_at: Date }>(
  'posting.delay',
  `update outbox set next_attempt_at = clock_timestamp() + make_interval(secs => $3::float8)
   where id = $1::uuid and attempts = $2::int returning next_attempt_at`,
)

const noteSuccess = statement(
  'posting.note_success',
  'update webhooks set failing_since = null where id = $1::uuid and failing_since is not null',
)

const noteFailure = statement(
  'posting.note_failure',
  'update webhooks set failing_since = clock_timestamp() where id = $1::uuid and failing_since is null',
)

const disabling = (reason: DisabledReason, condition = 'true') =>
  statement<{ reason: DisabledReason }>(
    `posting.disable_${reason}`,
    `update webhooks set disabled_at = clock_timestamp(), disabled_reason = '${reason}'
     where id = $1::uuid and disabled_at is null and ${condition} returning disabled_reason as reason`,
  )

const disableGone = disabling('gone')
const disableFailing = disabling('failing', 'failing_since < clock_timestamp() - make_interval(secs => $2::float8)')
