/** Everything that is known of one person, as one document: no hash and no token in it, and nothing of others. */
import { statement, type Database, type Statement } from '../database/database.ts'
import type { History, HistoryEvent } from '../events/history.ts'
import { ownEvent } from '../events/own-event.ts'

/** In names of JSON, as it is handed over. Times are RFC 3339. */
export interface OwnData {
  readonly exported_at: string
  readonly user_id: string
  /** Null where the account was deleted. */
  readonly account: Row | null
  readonly sessions: readonly Row[]
  readonly api_keys: readonly Row[]
  readonly email_tokens: readonly Row[]
  /** What each mail that waits is about. */
  readonly pending_mail: readonly Row[]
  /** Newest first, as `GET /v1/events` tells it. */
  readonly events: readonly Row[]
}

type Row = Readonly<Record<string, unknown>>

const EVENTS_AT_ONCE = 1_000

/** @returns null where nothing is known of such a user */
export async function readOwnData(
  { database, history }: { database: Pick<Database, 'query'>; history: Pick<History, 'ofUser'> },
  userId: string,
): Promise<OwnData | null> {
  const read = async (what: Statement<{ item: Row }>): Promise<Row[]> =>
    (await database.query(what, [userId])).map(({ item }) => item)

  const [account = null] = await read(readAccount)
  const data = {
    account,
    sessions: await read(readSessions),
    api_keys: await read(readApiKeys),
    email_tokens: await read(readEmailTokens),
    pending_mail: await read(readPendingMail),
    events: (await readEvents(history, userId)).map(ownEvent),
  }
  const isKnown = account !== null || Object.values(data).some((rows) => rows !== null && rows.length !== 0)
  return isKnown ? { exported_at: new Date().toISOString(), user_id: userId, ...data } : null
}

async function readEvents(history: Pick<History, 'ofUser'>, userId: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = []
  let cursor: string | null = null
  do {
    const page = await history.ofUser(userId, { limit: EVENTS_AT_ONCE, cursor })
    events.push(...(page?.events ?? []))
    cursor = page?.cursor ?? null
  } while (cursor !== null)
  return events
}

const readItems = (name: string, item: string, from: string) =>
  statement<{ item: Row }>(name, `select ${item} as item from ${from}`)

const readAccount = readItems(
  'own_data.account',
  `to_jsonb(users) - '{password_hash}'::text[] || jsonb_build_object('has_password', password_hash is not null)`,
  'users where id = $1::uuid',
)

/** `seen` is a hash as well. */
const readSessions = readItems(
  'own_data.sessions',
  `to_jsonb(sessions) - '{secret_hash,idempotency_hashes,seen}'::text[]`,
  'sessions where user_id = $1::uuid order by created_at desc, id desc',
)

const readApiKeys = readItems(
  'own_data.api_keys',
  `to_jsonb(api_keys) - '{key_hash}'::text[]`,
  'api_keys where user_id = $1::uuid order by created_at desc, id desc',
)

const readEmailTokens = readItems(
  'own_data.email_tokens',
  `to_jsonb(email_tokens) - '{token_hash}'::text[]`,
  'email_tokens where user_id = $1::uuid order by created_at desc',
)

/** Those to the account's own address, too, which may be composed already: the link in them stays sealed. */
const readPendingMail = readItems(
  'own_data.pending_mail',
  `jsonb_build_object('purpose', payload->'purpose', 'to', coalesce(payload->'to', payload->'address'),
     'created_at', created_at)`,
  `outbox where kind = 'mail' and (${isAbout('$1::uuid')}) order by created_at`,
)

/** The SQL of whether a mail in the outbox is about a user: by their id, or by the address of their account. */
export function isAbout(userId: string): string {
  return `payload->>'user_id' = (${userId})::text or exists (
    select from users where users.id = ${userId}
      and lower(users.email) in (lower(payload->>'to'), lower(payload->>'address')))`
}
