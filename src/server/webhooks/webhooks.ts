/** Where operators have the service tell what happens (Standard Webhooks 1.0). */
import { v7 as uuidv7 } from 'uuid'
import { statement, type Database } from '../database/database.ts'
import type { Ring } from '../tokens/ring.ts'
import { listDeliveries, type Delivery } from './delivery-log.ts'
import { EVENT_TYPES } from './event-types.ts'
import { queuePing, replayEvent, replayFailed, replaySince } from './replaying.ts'
import { newWebhookSecret, resealWebhookSecrets, type SealedSecrets } from './webhook-secret.ts'
import { Webhook } from './webhook.entity.ts'

export interface Webhooks {
  /** @throws {Error} in words for an operator, when the address or a type of event is none */
  create(wanted: NewWebhook): Promise<{ id: string; secret: string }>
  /** Oldest first. */
  list(): Promise<Webhook[]>
  find(id: string): Promise<Webhook | null>
  /** Nothing is sent any more, and nothing noted for later; what waits stays. @returns false when there is none */
  disable(id: string): Promise<boolean>
  /** What waits goes out; what happened meanwhile does so by a replay. @returns false when there is none */
  enable(id: string): Promise<boolean>
  /** @returns false when there is none */
  delete(id: string): Promise<boolean>
  /**
   * The secret before signs too for a day, or for no time with `immediately`; one before that does not any more.
   * @returns the new one; null when there is no such webhook
   */
  rotateSecret(id: string, options?: { immediately?: boolean }): Promise<string | null>
  /** Seals every secret with the ring's current one; returns how many were not. */
  reencrypt(): Promise<number>
  deliveries(id: string, options: { since: Date | null; failedOnly: boolean }): Promise<Delivery[]>
  /** How many events wait to be delivered. */
  countWaiting(id: string): Promise<number>
  replayEvent(id: string, eventId: string): Promise<boolean>
  replaySince(id: string, since: Date): Promise<number>
  replayFailed(id: string, since: Date): Promise<number>
  /** @returns the id of the event that it sends */
  ping(id: string): Promise<string>
}

export interface NewWebhook {
  readonly url: string
  readonly description: string
  /** Empty: all. */
  readonly eventTypes: readonly string[]
}

/** For how long two secrets sign. Seconds. */
const OVERLAP = 24 * 60 * 60

export function createWebhooks({ database, ring }: { database: Database; ring: Ring }): Webhooks {
  const change = (id: string, change: (webhook: Webhook) => Partial<Webhook>): Promise<boolean> =>
    database.unitOfWork(async (em) => {
      const webhook = await em.findOne(Webhook, { id })
      if (webhook === null) return false
      Object.assign(webhook, change(webhook))
      await em.flush()
      return true
    })

  return {
    async create({ url, description, eventTypes }) {
      const fault = faultOfUrl(url) ?? faultOfTypes(eventTypes)
      if (fault !== null) throw new Error(fault)
      const id = uuidv7()
      const { shown, sealed, fingerprint } = newWebhookSecret(ring, id)
      await database.query(insert, [id, url, description, eventTypes, sealed, fingerprint])
      return { id, secret: shown }
    },

    list: () => database.unitOfWork((em) => em.findAll(Webhook, { orderBy: { createdAt: 'asc', id: 'asc' } })),
    find: (id) => database.unitOfWork((em) => em.findOne(Webhook, { id })),
    // Since when nothing is noted for it counts for the replay that makes up for it.
    disable: (id) =>
      change(id, ({ disabledAt }) =>
        disabledAt == null ? { disabledAt: new Date(), disabledReason: 'operator' } : {},
      ),
    enable: (id) => change(id, () => ({ disabledAt: null, disabledReason: null, failingSince: null })),
    delete: (id) => database.unitOfWork(async (em) => (await em.nativeDelete(Webhook, { id })) > 0),

    async rotateSecret(id, { immediately = false } = {}) {
      const { shown, sealed, fingerprint } = newWebhookSecret(ring, id)
      // What one secret of the ring sealed is opened with it: the former is sealed anew along with the new one.
      return database.transaction(async (tx) => {
        const [row] = await tx.query(lockSecrets, [id])
        if (row === undefined) return null
        const former = immediately ? null : resealWebhookSecrets(ring, id, { ...row, previous_secret: null })
        await tx.query(replaceSecret, [id, sealed, former?.secret ?? null, fingerprint, OVERLAP])
        return shown
      })
    },

    async reencrypt() {
      const older = await database.query(findSealedBefore, [ring.current.fingerprint])
      for (const row of older) {
        const sealed = resealWebhookSecrets(ring, row.id, row)
        if (sealed === null) continue
        await database.query(reseal, [
          row.id,
          sealed.secret,
          sealed.previous_secret,
          sealed.secret_fingerprint,
          row.secret,
        ])
      }
      return older.length
    },

    deliveries: (id, options) => listDeliveries(database, id, options),
    countWaiting: async (id) => (await database.query(countWaiting, [id]))[0]?.count ?? 0,
    replayEvent: (id, eventId) => replayEvent(database, id, eventId),
    replaySince: (id, since) => replaySince(database, id, since),
    replayFailed: (id, since) => replayFailed(database, id, since),
    ping: (id) => queuePing(database, id),
  }
}

/** @returns what is wrong with it, without repeating it: its query may hold a secret */
function faultOfUrl(text: string): string | null {
  const url = URL.parse(text)
  if (url === null) return 'this is no URL; it reads like https://app.example.com/webhooks'
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) {
    return 'it must be https, as what is sent tells of people; http is for localhost only'
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return 'leave out user, password and fragment: a receiver checks the signature'
  }
  return null
}

function faultOfTypes(eventTypes: readonly string[]): string | null {
  const unknown = eventTypes.find((type) => !EVENT_TYPES.includes(type))
  return unknown === undefined ? null : `there are no events ${unknown}; there are ${EVENT_TYPES.join(', ')}`
}

const insert = statement(
  'webhooks.insert',
  `insert into webhooks (id, url, description, event_types, secret, secret_fingerprint)
   values ($1::uuid, $2::text, $3::text, $4::text[], $5::bytea, $6::bytea)`,
)

const lockSecrets = statement<SealedSecrets>(
  'webhooks.lock_secrets',
  `select secret, previous_secret, secret_fingerprint from webhooks where id = $1::uuid for no key update`,
)

const replaceSecret = statement(
  'webhooks.replace_secret',
  `update webhooks set secret = $2::bytea, previous_secret = $3::bytea, secret_fingerprint = $4::bytea,
     previous_until = case when $3::bytea is not null then clock_timestamp() + make_interval(secs => $5::float8) end
   where id = $1::uuid`,
)

const findSealedBefore = statement<SealedSecrets & { id: string }>(
  'webhooks.find_sealed_before',
  'select id, secret, previous_secret, secret_fingerprint from webhooks where secret_fingerprint <> $1::bytea',
)

/** Unless it was changed meanwhile. */
const reseal = statement(
  'webhooks.reseal',
  `update webhooks set secret = $2::bytea, previous_secret = $3::bytea, secret_fingerprint = $4::bytea
   where id = $1::uuid and secret = $5::bytea`,
)

const countWaiting = statement<{ count: number }>(
  'webhooks.count_waiting',
  `select count(*)::int as count from outbox where kind = 'webhook' and webhook_id = $1::uuid`,
)
