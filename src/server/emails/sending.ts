/**
 * Empties the outbox: any process takes up a mail, one at a time for each mail. What was taken up is
 * due again after a while, so that a process which dies between taking and sending loses nothing; it
 * is gone from the outbox when it was delivered. At least once, and with the same id when it is more.
 */
import type { Logger } from 'pino'
import { statement, type Database } from '../database/database.ts'
import { createLane } from '../database/lane.ts'
import { nameOf, Unavailable } from '../errors.ts'
import type { Ring } from '../tokens/ring.ts'
import type { Compose } from './composing.ts'
import type { Deliver, Mail } from './mail.ts'
import { OUTBOX_CHANNEL, type MailWish } from './outbox.ts'
import { isSealed, openMail, sealMail, type SealedMail } from './sealed-mail.ts'

export interface Sending {
  start(): Promise<void>
  /** Sends what is due now. */
  run(): Promise<void>
  /** Nothing is taken up after this; what is on its way gets two seconds to arrive. */
  stop(): Promise<void>
}

/** It can never be delivered, so nobody should try again. The message tells why, without the address. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable'
}

/** Longer than a delivery may take, so that no two processes deliver one mail at once. Seconds. */
const LEASE = 60
const LONGEST_DELIVERY = 45
/** Retries come after about 5 s, 15 s, 45 s, ... Seconds. */
const FIRST_DELAY = 5
const LONGEST_DELAY = 60 * 60
/** What nobody took up for so long, as no process ran, is no news any more. Seconds. */
const LATEST_WISH = 72 * 60 * 60
/** Mails on their way at once, in each process. */
const PARALLEL = 4
/** For retries that are due, and where no notification arrives. Milliseconds. */
const LOOK_EVERY = 2_000

export function createSending(deps: {
  database: Database
  ring: Ring
  compose: Compose
  deliver: Deliver
  log: Logger
}): Sending {
  const { database, ring, compose, deliver, log } = deps
  let timer: NodeJS.Timeout | undefined
  const lane = createLane({
    lease: async () => (await database.query(lease, [LEASE]))[0],
    work: prepareAndSend,
    parallel: PARALLEL,
  })

  /** Never rejects: one mail that cannot be prepared holds up no other. */
  async function prepareAndSend(row: LeasedRow): Promise<void> {
    try {
      const taken = await prepare(row)
      if (taken !== null) await send(taken)
    } catch (error) {
      log.error(
        { event: 'mail', mail_id: row.id, ...describe(error) },
        'something went wrong around a mail, which is tried again later',
      )
      await postpone(row.id, row.attempts).catch(() => undefined) // the lease ends by itself
    }
  }

  /** @returns null for what comes to nothing */
  async function prepare({ id, payload, attempts, now, created_at: created }: LeasedRow): Promise<Taken | null> {
    if (isSealed(payload)) {
      if (now <= new Date(payload.until)) return { mail: openMail(ring, id, payload), attempts }
      log.error({ event: 'mail', mail_id: id, purpose: payload.purpose, attempts }, 'a mail outlived its use')
      await database.query(remove, [id])
      return null
    }
    const isStale = now.getTime() - created.getTime() > LATEST_WISH * 1000
    const composed = await database.transaction(async (tx) => {
      const mail = isStale ? null : await compose(tx, payload)
      if (mail === null) {
        await tx.query(remove, [id])
        return null
      }
      const until = new Date(now.getTime() + mail.goodFor * 1000)
      const [kept] = await tx.query(replaceWish, [id, attempts, JSON.stringify(sealMail(ring, id, mail, until))])
      // Whoever took it up since makes a token of its own, which would void this one.
      if (kept === undefined) throw new Unavailable('a mail took longer to make than it was leased for')
      return mail
    })
    return composed && { mail: { id, ...composed }, attempts }
  }

  async function send(taken: Taken): Promise<void> {
    if (await isSettled(taken)) await database.query(remove, [taken.mail.id])
    else await postpone(taken.mail.id, taken.attempts)
  }

  /** @returns true when it was delivered, or nobody should try again */
  async function isSettled({ mail, attempts }: Taken): Promise<boolean> {
    const line = { event: 'mail', mail_id: mail.id, purpose: mail.purpose, attempts }
    try {
      await within(LONGEST_DELIVERY, deliver(mail))
      log.info(line, 'mail delivered')
      return true
    } catch (error) {
      if (error instanceof Undeliverable) log.warn({ ...line, failure: error.message }, 'a mail is refused for good')
      else log.warn({ ...line, ...describe(error) }, 'a mail was not delivered, and is tried again later')
      return error instanceof Undeliverable
    }
  }

  async function postpone(id: string, attempts: number): Promise<void> {
    const delay = Math.min(FIRST_DELAY * 3 ** (attempts - 1), LONGEST_DELAY)
    // Jittered, so that a mail server which comes back is not met by all that waited at once.
    await database.query(delayNext, [id, attempts, delay * (0.8 + Math.random() * 0.4)])
  }

  return {
    run: () => lane.run(),
    async start() {
      await database.listen(OUTBOX_CHANNEL, lane.changed, lane.changed)
      timer = setInterval(lane.changed, LOOK_EVERY).unref()
      lane.changed()
    },
    async stop() {
      clearInterval(timer)
      await lane.stop()
    },
  }
}

interface LeasedRow {
  id: string
  payload: MailWish | SealedMail
  attempts: number
  created_at: Date
  now: Date
}

interface Taken {
  readonly mail: Mail
  /** This one included. */
  readonly attempts: number
}

/** @param seconds after which nobody waits any more, though it may still arrive */
async function within(seconds: number, delivery: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the delivery takes too long')), seconds * 1000)
  })
  await Promise.race([delivery, late]).finally(() => clearTimeout(timer))
}

const describe = (error: unknown): Record<string, unknown> => ({
  failure: nameOf(error),
  code: error instanceof Error && 'code' in error ? error.code : undefined,
})

/** One row that nobody else holds; `skip locked` lets the next process take the next one. */
const lease = statement<LeasedRow>(
  'sending.lease',
  `update outbox set attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $1::float8)
   where id = (
     select id from outbox where kind = 'mail' and next_attempt_at <= clock_timestamp()
     order by next_attempt_at limit 1 for update skip locked)
   returning id, payload, attempts, created_at, clock_timestamp() as now`,
)

/** Only while it is still leased to us. */
const replaceWish = statement<{ id: string }>(
  'sending.compose',
  'update outbox set payload = $3::jsonb where id = $1::uuid and attempts = $2::int returning id',
)

const remove = statement('sending.remove', 'delete from outbox where id = $1::uuid')

const delayNext = statement(
  'sending.delay',
  `update outbox set next_attempt_at = clock_timestamp() + make_interval(secs => $3::float8)
   where id = $1::uuid and attempts = $2::int`,
)
