/** The feed of revocations, as those read it who follow it: by asking, and as a stream. */
import { setTimeout as delay } from 'node:timers/promises'
import { statement, type Database } from '../../src/server/database/database.ts'
import { basic, type Key } from './api-keys.ts'
import { readEvents, type EventReader, type ReadEvent } from './event-reader.ts'
import { send, type Answer } from './people.ts'
import type { TestServer } from './server.ts'

export interface FeedEntry {
  readonly sid: string
  readonly kind: 'revoked' | 'stale'
  readonly issued_until: string
  readonly until: string
}

export interface FeedBody {
  readonly cursor: string
  readonly horizon: string
  readonly jwks: string
  readonly revocations: FeedEntry[]
  readonly reset?: true
}

/** Asks once. */
export const readFeed = (
  url: string,
  key: Key,
  since?: string,
  headers: Record<string, string> = {},
): Promise<Answer<FeedBody>> =>
  send<FeedBody>(`${url}/v1/revocations${since === undefined ? '' : `?since=${encodeURIComponent(since)}`}`, {
    headers: { ...basic(key), ...headers },
  })

export const sidsIn = ({ body }: Answer<FeedBody>): string[] => body.revocations.map(({ sid }) => sid)

export type FeedEvent = ReadEvent<
  Partial<FeedEntry> & { readonly horizon?: string; readonly jwks?: string; readonly reset?: true }
>

/** One stream, from its first event to its end. */
export interface Follower extends EventReader<FeedEvent['data']> {
  /** The sessions and keys it was told of. */
  readonly sids: ReadonlySet<string>
}

export interface Following {
  readonly since?: string
  readonly lastEventId?: string
  readonly headers?: Record<string, string>
  /** Called for every event, before anybody who waits. */
  readonly onEvent?: (event: FeedEvent) => void
}

export async function follow(url: string, key: Key, options: Following = {}): Promise<Follower> {
  const { since, lastEventId, headers = {}, onEvent = () => undefined } = options
  const target = new URL('/v1/revocations', url)
  if (since !== undefined) target.searchParams.set('since', since)
  const sids = new Set<string>()
  const stream = await readEvents<FeedEvent['data']>(target, {
    headers: { ...basic(key), ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }), ...headers },
    onEvent(event) {
      if (event.data.sid !== undefined) sids.add(event.data.sid)
      onEvent(event)
    },
  })
  return Object.assign(stream, { sids })
}

/** With everything in force, and the first horizon after it. */
export async function followFromNow(url: string, key: Key, options: Following = {}): Promise<Follower> {
  const follower = await follow(url, key, options)
  if (follower.status !== 200) throw new Error(`following was answered ${follower.status}`)
  await follower.until(() => isComplete(follower))
  return follower
}

const isComplete = ({ events }: Follower): boolean => events.some(({ event }) => event === 'horizon')

export const hasHeard = ({ sids }: Follower, all: Iterable<string>): boolean => [...all].every((sid) => sids.has(sid))

/** What a request for a revocation commits, as often as one likes in one transaction, as if it had been so long ago. */
export async function addEntries(
  { hallpass }: Pick<TestServer, 'hallpass'>,
  count = 1,
  options: { kind?: 'revoked' | 'stale'; age?: number; life?: number } = {},
): Promise<string[]> {
  const { kind = 'revoked', age = 0, life = 360 } = options
  const rows = await hallpass.store.database.query(insertEntries, [count, kind, age, life])
  return rows.map(({ sid }) => sid)
}

export const insertEntries = statement<{ sid: string }>(
  'test.insert_entries',
  `with feed as (
     insert into revocations (session_id, user_id, kind, reason, issued_until, until)
     select gen_random_uuid(), gen_random_uuid(), $2::text, 'signed_out',
       clock_timestamp() - make_interval(secs => $3::float8),
       clock_timestamp() - make_interval(secs => $3::float8) + make_interval(secs => $4::float8)
     from generate_series(1, $1::int) returning session_id
   )
   select session_id as sid, pg_notify('hallpass_revocations', '') from feed`,
)

/** Only against waiting for ever; milliseconds. */
const LONGEST_WAIT = 60_000

/** Looks until it is so. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + LONGEST_WAIT; !(await isSo()); await delay(5)) {
    if (Date.now() > deadline) throw new Error('it did not come to be so')
  }
}

/** One statement goes through `around` meanwhile, which may ask the database before, after or not at all. */
export async function withStatement(
  { hallpass }: Pick<TestServer, 'hallpass'>,
  name: string,
  around: (ask: () => Promise<unknown[]>) => Promise<unknown[]>,
  work: () => Promise<void>,
): Promise<void> {
  const { database } = hallpass.store
  const itself = { ...database }
  const query: Database['query'] = (asked, values) => {
    const ask = () => itself.query(asked, values)
    return asked.name === name ? (around(ask) as ReturnType<typeof ask>) : ask()
  }
  Object.assign(database, { query })
  try {
    await work()
  } finally {
    Object.assign(database, itself)
  }
}
