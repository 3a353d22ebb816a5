/** API keys: for programs, in place of a person. A key gets access tokens and manages nothing. */
import { v7 as uuidv7, validate as isUuid } from 'uuid'
import type { RevocationReason } from '../../protocol/errors.ts'
import { statement, type Database, type Queryable } from '../database/database.ts'
import { wishMail } from '../emails/outbox.ts'
import { Unavailable } from '../errors.ts'
import { FEED_MARGIN } from '../revocations/ending-sessions.ts'
import type { Actor } from '../sessions/actor.ts'
import { IS_LIVE as IS_LIVE_SESSION } from '../sessions/session.ts'
import { toSeconds } from '../tokens/numeric-date.ts'
import { hashOpaqueToken, newOpaqueToken } from '../tokens/opaque-token.ts'
import { isSameSecret } from '../tokens/secrets.ts'
import { lockAccount, recordEvent } from '../users/account.ts'
import { endTokensOfKey, endTokensOfOwner, revokeAll, revokeOne } from './ending-keys.ts'

/** Nothing in it could be used as a credential. */
export interface ApiKey {
  readonly id: string
  /** Null for a key of the service itself. */
  readonly userId: string | null
  readonly name: string
  readonly scope: string
  /** The key's last four characters, to tell one from another. */
  readonly hint: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  /** To the minute. */
  readonly lastUsedAt: Date | null
  /** Access tokens made with it up to here, in whole seconds, are in force no more. */
  readonly tokensEndedAt: Date | null
}

export interface NewApiKey {
  readonly userId: string | null
  readonly name: string
  readonly scope: string
  readonly expiresAt: Date | null
}

/** A key that may be used now, and the database's clock. */
export interface LiveApiKey {
  readonly apiKey: ApiKey
  readonly now: Date
}

export interface ApiKeys {
  /**
   * @returns the key itself, which nobody can show again; null when the owner has as many as one may have
   * @throws {Unavailable} also where the actor's session ended meanwhile: nothing was made
   */
  create(wanted: NewApiKey, actor: Actor): Promise<{ apiKey: ApiKey; key: string } | null>
  /** Those not revoked, the newest first. @param userId null: those of the service itself */
  list(userId: string | null): Promise<ApiKey[]>
  /** @returns false when the owner has no such key; true also when it was revoked before */
  revoke(userId: string | null, id: string, actor: Actor): Promise<boolean>
  /** Inside a transaction that has locked the account's row. */
  revokeAllIn(tx: Queryable, userId: string, reason: RevocationReason, actor: Actor): Promise<void>
  /** The owner's keys stay, the access tokens made with them so far do not. */
  endTokensIn(tx: Queryable, userId: string, reason: RevocationReason): Promise<void>
  /** The same for one key. */
  endTokens(id: string, reason: RevocationReason): Promise<void>
  /** By id and key, as HTTP Basic carries them. @returns null for a key that is wrong, revoked, expired, or its owner's no more */
  authenticate(id: string, key: string): Promise<LiveApiKey | null>
  /** By the key as it is. */
  findByKey(key: string): Promise<LiveApiKey | null>
  /**
   * By an access token that was made with it, if that is still in force.
   * @param iat of the token; seconds since 1970
   */
  findLive(id: string, iat: number): Promise<LiveApiKey | null>
}

/** When a key was used is noted to the minute. Milliseconds. */
const NOTED_EVERY = 60_000
/** Per owner; a person needs a few, and every one is a credential somebody has to keep. */
const MOST_PER_OWNER = 100

/** @param accessTtl life of an access token, seconds: how long the feed has to remember a revoked key */
export function createApiKeys({ database, accessTtl }: { database: Database; accessTtl: number }): ApiKeys {
  const feedSeconds = accessTtl + FEED_MARGIN

  async function live(row: KeyRow | undefined): Promise<LiveApiKey | null> {
    if (row === undefined) return null
    const { id, last_used_at: lastUsedAt, now } = row
    if (lastUsedAt === null || now.getTime() - lastUsedAt.getTime() > NOTED_EVERY) await database.query(markUsed, [id])
    return { apiKey: toApiKey(row), now: row.now }
  }

  return {
    async create({ userId, name, scope, expiresAt }, actor) {
      const { token: key, hash } = newOpaqueToken('hpak_')
      return database.transaction(async (tx) => {
        const values = [uuidv7(), userId, name, scope, hash, key.slice(-4), expiresAt, MOST_PER_OWNER] as const
        if (userId !== null) await lockAccount(tx, userId)
        if (userId !== null && actor.sessionId !== null) await demandLive(tx, userId, actor.sessionId)
        const [row] = await tx.query(insert, values)
        if (row === undefined) return null
        await recordEvent(tx, userId ?? row.id, 'api_key.created', actor, row.id)
        if (userId !== null) {
          await wishMail(tx, { purpose: 'api_key_created', user_id: userId, name, session_id: actor.sessionId })
        }
        return { apiKey: toApiKey(row), key }
      })
    },
    async list(userId) {
      return (await database.query(listKeys, [userId])).map(toApiKey)
    },
    async revoke(userId, id, actor) {
      if (!isUuid(id)) return false
      const [ended] = await database.query(revokeOne, [...revoking(userId, feedSeconds, reasonOf(actor), actor), id])
      if (ended !== undefined) return true
      const [known] = await database.query(exists, [userId, id])
      return known !== undefined
    },
    async revokeAllIn(tx, userId, reason, actor) {
      await tx.query(revokeAll, revoking(userId, feedSeconds, reason, actor))
    },
    async endTokensIn(tx, userId, reason) {
      await tx.query(endTokensOfOwner, [userId, feedSeconds, reason])
    },
    async endTokens(id, reason) {
      await database.query(endTokensOfKey, [id, feedSeconds, reason])
    },
    async authenticate(id, key) {
      const hash = hashOpaqueToken(key, 'hpak_')
      if (hash === null || !isUuid(id)) return null
      const [row] = await database.query(findById, [id])
      return row !== undefined && isSameSecret(row.key_hash, hash) ? live(row) : null
    },
    async findByKey(key) {
      const hash = hashOpaqueToken(key, 'hpak_')
      if (hash === null) return null
      const [row] = await database.query(findByHash, [hash])
      return live(row)
    },
    async findLive(id, iat) {
      const [row] = isUuid(id) ? await database.query(findById, [id]) : []
      if (row === undefined) return null
      const apiKey = toApiKey(row)
      return isTokenOver(apiKey, iat) ? null : { apiKey, now: row.now }
    },
  }
}

/** In whole seconds, as everybody who follows the feed compares them. @param iat seconds since 1970 */
export const isTokenOver = ({ tokensEndedAt }: ApiKey, iat: number): boolean =>
  tokensEndedAt !== null && iat <= toSeconds(tokensEndedAt)

/** Whoever waited for the lock may have been signed out by what held it: no key made in flight survives a reset. */
async function demandLive(tx: Queryable, userId: string, sessionId: string): Promise<void> {
  const [session] = await tx.query(findMaker, [userId, sessionId])
  if (session === undefined) throw new Unavailable('the session ended while it made a key')
}

const reasonOf = (actor: Actor): RevocationReason => (actor.kind === 'admin' ? 'revoked_by_admin' : 'revoked_by_user')

const revoking = (userId: string | null, feedSeconds: number, reason: RevocationReason, actor: Actor) =>
  [userId, feedSeconds, reason, actor.kind, actor.sessionId, actor.ip, actor.id ?? null] as const

interface KeyRow {
  id: string
  user_id: string | null
  name: string
  scope: string
  key_hash: Buffer
  hint: string
  created_at: Date
  expires_at: Date | null
  last_used_at: Date | null
  tokens_ended_at: Date | null
  now: Date
}

const toApiKey = (row: KeyRow): ApiKey => ({
  id: row.id,
  userId: row.user_id,
  name: row.name,
  scope: row.scope,
  hint: row.hint,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
  tokensEndedAt: row.tokens_ended_at,
})

const KEY_COLUMNS = `
  id, user_id, name, scope, key_hash, hint, created_at, expires_at, last_used_at, tokens_ended_at,
  clock_timestamp() as now`

const findMaker = statement<{ id: string }>(
  'api_keys.find_maker',
  `select id from sessions where user_id = $1::uuid and id = $2::uuid and ${IS_LIVE_SESSION}`,
)

const insert = statement<KeyRow>(
  'api_keys.insert',
  `insert into api_keys (id, user_id, name, scope, key_hash, hint, expires_at)
   select $1::uuid, $2::uuid, $3::text, $4::text, $5::bytea, $6::text, $7::timestamptz
   where (select count(*) from api_keys where user_id is not distinct from $2::uuid and revoked_at is null) < $8::int
   returning ${KEY_COLUMNS}`,
)

const listKeys = statement<KeyRow>(
  'api_keys.list',
  `select ${KEY_COLUMNS} from api_keys
   where user_id is not distinct from $1::uuid and revoked_at is null order by created_at desc, id desc`,
)

/** A key whose owner is disabled is no key until the owner is enabled again. */
const IS_LIVE = `
  revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
  and (user_id is null or exists (select from users where users.id = api_keys.user_id and disabled_at is null))`

const findById = statement<KeyRow>(
  'api_keys.find_by_id',
  `select ${KEY_COLUMNS} from api_keys where id = $1::uuid and ${IS_LIVE}`,
)

const findByHash = statement<KeyRow>(
  'api_keys.find_by_hash',
  `select ${KEY_COLUMNS} from api_keys where key_hash = $1::bytea and ${IS_LIVE}`,
)

const exists = statement<{ id: string }>(
  'api_keys.exists',
  'select id from api_keys where user_id is not distinct from $1::uuid and id = $2::uuid',
)

/** Never waiting for others who note the same: two hundred calls with one key do not queue. */
const markUsed = statement(
  'api_keys.mark_used',
  `update api_keys set last_used_at = clock_timestamp()
   where id = (select id from api_keys where id = $1::uuid for update skip locked)`,
)
