/** Sessions of a batch: a row each that its device alone can bring to life, and the hash by which it is found. */
import { statement, type Database } from '../database/database.ts'
import { claimsInData } from '../sessions/claims.ts'
import { describeDevice, deviceEvidence } from '../sessions/device.ts'
import { NO_KEYS } from '../sessions/idempotency.ts'
import { hashSecret, newSecret } from '../tokens/secrets.ts'
import type { Made, Terms } from './importing.ts'
import type { ImportedSession } from './record.ts'

export interface SessionCounts {
  new: number
  present: number
  /** Over in the system before. */
  expired: number
  /** Their account is unknown, in conflict or disabled. */
  ownerless: number
}

export interface ImportSessions {
  readonly counts: Readonly<SessionCounts>
  bring(batch: readonly [where: string, session: ImportedSession][]): Promise<void>
}

const OWNERLESS = 'there is no account for it, or one that may not sign in'

export function createImportSessions(deps: {
  database: Database
  say: (where: string, why: string) => void
  made: Made
  isDry: boolean
  terms: Terms
}): ImportSessions {
  const { database, say, made, isDry, terms } = deps
  const counts = { new: 0, present: 0, expired: 0, ownerless: 0 }
  const seen = new Set<string>()

  async function insert(sessions: readonly Owned[]): Promise<void> {
    if (isDry) counts.new += sessions.length
    if (isDry || sessions.length === 0) return
    const rows = sessions.map((session) => toRow(session, terms))
    const inserted = await database.transaction(async (tx) => {
      // As a sign-in does, so that whoever disables the account meanwhile ends these too.
      const owners = await tx.query(lockUsers, [sessions.map(({ userId }) => userId)])
      const able = new Set(owners.map(({ id }) => id))
      const wanted = rows.filter(({ user_id: userId }) => able.has(userId))
      return tx.query(insertSessions, [JSON.stringify(wanted), NO_KEYS, terms.absoluteTtl])
    })
    counts.new += inserted.length
    counts.ownerless += sessions.length - inserted.length
  }

  return {
    counts,
    async bring(batch) {
      if (batch.length === 0) return
      const known = await lookUpAll(database, batch)
      const fresh: Owned[] = []
      for (const [where, session] of batch) {
        const isOwner = (id: string): boolean => known.owners.has(id) || made.ids.has(id)
        // A subject is looked for first: it is what the application calls its people.
        const userId = known.bySubject.get(session.subject) ?? session.ownerIds.find(isOwner)
        if (known.tokens.has(session.tokenHash.toString('hex')) || seen.has(session.id)) counts.present += 1
        else if (session.expiresAt !== null && session.expiresAt.getTime() <= Date.now()) counts.expired += 1
        else if (userId === undefined) {
          counts.ownerless += 1
          say(where, OWNERLESS)
        } else fresh.push({ session, userId })
        if (userId !== undefined) seen.add(session.id)
      }
      await insert(fresh)
      if (!isDry) seen.clear() // from now on the table says it
    },
  }
}

interface Owned {
  readonly session: ImportedSession
  readonly userId: string
}

async function lookUpAll(database: Database, batch: readonly (readonly [string, ImportedSession])[]) {
  const sessions = batch.map(([, session]) => session)
  const owners = await database.query(lookUpOwners, [
    sessions.flatMap(({ ownerIds }) => ownerIds),
    sessions.map(({ subject }) => subject),
  ])
  const tokens = await database.query(lookUpTokens, [sessions.map(({ tokenHash }) => tokenHash.toString('hex'))])
  return {
    owners: new Set(owners.map(({ id }) => id)),
    bySubject: new Map(owners.map(({ id, subject }) => [subject, id])),
    tokens: new Set(tokens.map(({ hash }) => hash)),
  }
}

function toRow({ session, userId }: Owned, { client, transport }: Terms) {
  const device = describeDevice(
    deviceEvidence(session.userAgent === '' ? {} : { 'user-agent': session.userAgent }, null),
  )
  return {
    id: session.id,
    user_id: userId,
    token_hash: session.tokenHash.toString('hex'),
    // Nobody's, until the device comes with its token (exchange.ts).
    secret_hash: hashSecret(newSecret()).toString('hex'),
    client_id: client.id,
    scope: client.scope,
    transport,
    created_at: session.createdAt,
    authenticated_at: session.authenticatedAt,
    expires_at: session.expiresAt,
    data: session.data,
    data_claims: claimsInData(session.data, client.dataClaims),
    user_agent: session.userAgent,
    device_label: device.label,
    device_type: device.type,
    device_model: device.model,
    browser_name: device.browser.name,
    browser_version: device.browser.version,
    os_name: device.os.name,
    os_version: device.os.version,
  }
}

const lookUpOwners = statement<{ id: string; subject: string | null }>(
  'imports.look_up_owners',
  `select id, subject from users where id = any ($1::uuid[]) and disabled_at is null
   union select id, subject from users where subject = any ($2::text[]) and disabled_at is null`,
)

const lookUpTokens = statement<{ hash: string }>(
  'imports.look_up_tokens',
  `select encode(token_hash, 'hex') as hash from imported_tokens
   where token_hash = any (array(select decode(given.hash, 'hex') from unnest($1::text[]) as given (hash)))`,
)

const lockUsers = statement<{ id: string }>(
  'imports.lock_users',
  `select id from users where id = any ($1::uuid[]) and disabled_at is null order by id for no key update`,
)

/**
 * `amr` says all that is known of the proof. A session without an end gets ours. The absolute end counts from today:
 * who was signed in there for a year has done nothing wrong.
 */
const insertSessions = statement<{ id: string }>(
  'imports.insert_sessions',
  `with given as (
     select given.*, clock.now + make_interval(secs => $3::float8) as absolute_end
     from jsonb_to_recordset($1::jsonb) as given (
       id uuid, user_id uuid, token_hash text, secret_hash text, client_id text, scope text, transport text,
       created_at timestamptz, authenticated_at timestamptz, expires_at timestamptz, data jsonb, data_claims jsonb,
       user_agent text, device_label text, device_type text, device_model text, browser_name text,
       browser_version text, os_name text, os_version text),
     (select clock_timestamp() as now offset 0) as clock
   ), found_by as (
     insert into imported_tokens (token_hash, user_id, session_id, expires_at)
     select decode(token_hash, 'hex'), user_id, id, least(expires_at, absolute_end) from given
     on conflict do nothing
     returning session_id
   ), added as (
     insert into sessions (
       user_id, id, secret_hash, idempotency_hashes, client_id, transport, persistent, scope, amr, claims,
       authenticated_at, created_at, last_used_at, idle_expires_at, absolute_expires_at, device_label, device_type,
       device_model, browser_name, browser_version, os_name, os_version, user_agent, data)
     select
       given.user_id, given.id, decode(given.secret_hash, 'hex'), $2::bytea, given.client_id, given.transport, true,
       given.scope, '{imported}', users.claims || given.data_claims, given.authenticated_at, given.created_at,
       given.created_at, least(given.expires_at, absolute_end), absolute_end, given.device_label, given.device_type,
       given.device_model, given.browser_name, given.browser_version, given.os_name, given.os_version,
       given.user_agent, given.data
     from given
     join found_by on found_by.session_id = given.id
     join users on users.id = given.user_id
     returning user_id, id
   ), history as (
     insert into events (user_id, session_id, type, subtype, actor)
     select user_id, id, 'session.created', 'imported', 'admin' from added
   )
   select id from added`,
)
