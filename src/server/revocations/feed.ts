/**
 * The feed: every revocation that some access token could still outlive, in the memory of every process.
 * It is read from the table whenever the bus says so, whenever a follower asks, and every five seconds.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { statement, type Database } from '../database/database.ts'
import { nameOf } from '../errors.ts'
import { toSeconds } from '../tokens/numeric-date.ts'
import type { RevocationBus } from './bus.ts'
import { decodeCursor, encodeCursor, hasSeen, NOTHING_SEEN, parseSnapshot } from './cursor.ts'
import { FEED_MARGIN } from './ending-sessions.ts'
import type { Entry } from './entry.ts'

/** An entry together with what only we are told of it. */
export interface Revocation extends Entry {
  readonly userId: string
  readonly reason: string | null
  /** Milliseconds since 1970. */
  readonly revokedAt: number
}

/** What one reading of the table brought. */
export interface Reading {
  readonly news: readonly Revocation[]
  /** Of the reading before, and of this one. */
  readonly from: string
  readonly cursor: string
  /** Whatever was committed before this instant is known. Milliseconds since 1970, the database's clock. */
  readonly horizon: number
  /** Its turn came every five seconds, news or not. */
  readonly isPeriodic: boolean
}

export interface FeedAnswer {
  readonly entries: readonly Entry[]
  /** A cursor from which all of them are told again. */
  readonly from: string
  /** With all of them. */
  readonly cursor: string
  readonly horizon: number
  /** The follower's cursor is unknown or too old: entries may have come and gone that it never saw. */
  readonly isReset: boolean
}

export interface Feed {
  start(): Promise<void>
  /** Resolves when everything committed before this call is known. @throws {Unavailable} */
  read(): Promise<void>
  /** What a follower at `cursor` may not know; with null, everything in force. */
  since(cursor: string | null): FeedAnswer
  /** Called after every reading, also after one that brought nothing. @returns to stop that */
  subscribe(onReading: (reading: Reading) => void): () => void
  stop(): void
}

/** Between readings that nobody asked for: followers know that nothing is missing. Milliseconds. */
const READ_EVERY = 5_000
/**
 * After a failover that lost commits, transaction numbers that were seen are given out again. Entries that
 * young are told once more to whoever resumes; the clocks of two primaries may differ by this. Milliseconds.
 */
const OVERLAP = 10_000
/** A statement may commit this much later than its clock said. Milliseconds. */
const LATEST_COMMIT = 30_000
/** Telling a thousand followers takes some milliseconds; at least as many belong to other requests. Milliseconds. */
const SHORTEST_REST = 2
const LONGEST_REST = 100

/** @param accessTtl life of an access token, seconds */
export function createFeed(deps: { database: Database; bus: RevocationBus; accessTtl: number; log: Logger }): Feed {
  const { database, bus, accessTtl, log } = deps
  /** By kind and `sid`, oldest news first: a later entry says all that an earlier one said. */
  const inForce = new Map<string, Revocation>()
  const subscribers = new Set<(reading: Reading) => void>()
  let snapshot = NOTHING_SEEN
  let horizon = 0
  /** Which server answered last. */
  let server = ''
  let gaps = 0
  let gapsCovered = 0
  let isDue = false
  let tellingTook = 0
  let isStopped = false

  async function readTable(): Promise<void> {
    const gapsBefore = gaps
    let from = gapsBefore === gapsCovered ? snapshot : NOTHING_SEEN
    let answer = await ask(from)
    if (from !== NOTHING_SEEN && isNewDatabase(answer)) answer = await ask((from = NOTHING_SEEN))
    const before = encodeCursor(from, horizon)
    ;({ snapshot, server } = answer)
    gapsCovered = gapsBefore
    horizon = answer.now.getTime()
    const news = answer.rows.flatMap(toRevocation).filter(isNews)
    forgetOld()
    const isPeriodic = isDue
    isDue = false
    tellAll({ news, from: before, cursor: encodeCursor(snapshot, horizon), horizon, isPeriodic })
  }

  async function ask(from: string): Promise<NewsRow & { rows: NewsRow[] }> {
    const rows = await database.query(readNews, [from])
    const [first] = rows
    if (first === undefined) throw new Error('a snapshot has one row at least')
    return { ...first, rows }
  }

  /** Numbers that we have seen are given out again there: everything in force is read, and is news where it is. */
  const isNewDatabase = (answer: NewsRow): boolean =>
    answer.server !== server || parseSnapshot(answer.snapshot).xmax < parseSnapshot(snapshot).xmax

  function tellAll(reading: Reading): void {
    const start = performance.now()
    for (const tell of subscribers) tell(reading)
    tellingTook = performance.now() - start
  }

  /** And remembers it, if so. */
  function isNews(entry: Revocation): boolean {
    const key = keyOf(entry)
    if ((inForce.get(key)?.issuedUntil ?? 0) >= entry.issuedUntil) return false
    inForce.delete(key)
    inForce.set(key, entry)
    return true
  }

  function forgetOld(): void {
    for (const [key, { until }] of inForce) {
      if (until > horizon) return
      inForce.delete(key)
    }
  }

  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  /** Readings never overlap, and whoever asks while one is under way gets the one after it. */
  function read(): Promise<void> {
    return (next ??= running.then(() => {
      next = undefined
      const reading = readTable()
      running = reading.then(rest, rest)
      return reading
    }))
  }

  const rest = async (): Promise<void> => {
    if (tellingTook >= SHORTEST_REST) await sleep(Math.min(tellingTook, LONGEST_REST), undefined, { ref: false })
  }

  function readForNobody(): void {
    if (isStopped) return
    read().catch((error: unknown) => log.warn({ failure: nameOf(error) }, 'the feed could not be read'))
  }

  let timer: NodeJS.Timeout | undefined

  return {
    read,
    async start() {
      await bus.subscribe({
        onNews: readForNobody,
        onGap() {
          gaps += 1
          readForNobody()
        },
      })
      await read()
      timer = setInterval(() => {
        isDue = true
        readForNobody()
      }, READ_EVERY).unref()
    },
    since(cursor) {
      const seen = cursor === null ? null : decodeCursor(cursor)
      const oldest = horizon - (accessTtl + FEED_MARGIN) * 1000 + LATEST_COMMIT
      const isReset = cursor !== null && (seen === null || seen.at < oldest || seen.at > horizon + OVERLAP)
      const isUnknown = ({ transactionId, revokedAt }: Revocation): boolean =>
        seen === null || isReset || !hasSeen(seen.snapshot, transactionId) || revokedAt >= seen.at - OVERLAP
      return {
        entries: [...inForce.values()].filter((entry) => entry.until > horizon && isUnknown(entry)),
        from: cursor === null || isReset ? encodeCursor(NOTHING_SEEN, horizon) : cursor,
        cursor: encodeCursor(snapshot, horizon),
        horizon,
        isReset,
      }
    },
    subscribe(onReading) {
      subscribers.add(onReading)
      return () => subscribers.delete(onReading)
    },
    stop() {
      isStopped = true
      clearInterval(timer)
    },
  }
}

const keyOf = ({ kind, sid }: Entry): string => `${kind} ${sid}`

interface NewsRow {
  snapshot: string
  now: Date
  server: string
  /** Null where there are no news; then so is the rest. */
  session_id: string | null
  user_id: string
  kind: 'revoked' | 'stale'
  reason: string | null
  issued_until: Date
  until: Date
  transaction_id: string
}

const toRevocation = (row: NewsRow): Revocation[] =>
  row.session_id === null
    ? []
    : [
        {
          sid: row.session_id,
          userId: row.user_id,
          kind: row.kind,
          reason: row.reason,
          revokedAt: row.issued_until.getTime(),
          issuedUntil: toSeconds(row.issued_until),
          until: row.until.getTime(),
          transactionId: Number(row.transaction_id),
        },
      ]

/**
 * One row at least, for the snapshot; it is the statement's own. `now()` is older than that: nothing that was
 * committed before it is missing. `statement_timestamp()` would not do: the driver sends Bind and Execute, and
 * PostgreSQL takes the snapshot at the first and this time at the second. A server has the time of its start
 * for a name, since another one, and the same one restored, has another.
 */
const readNews = statement<NewsRow>(
  'revocations.read_news',
  `select seen.snapshot, seen.now, seen.server, r.session_id, r.user_id, r.kind, r.reason, r.issued_until, r.until,
     r.transaction_id::text
   from (
     select pg_current_snapshot()::text as snapshot, now() as now, pg_postmaster_start_time()::text as server
   ) as seen
   left join revocations r on r.transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
     and not pg_visible_in_snapshot(r.transaction_id, $1::text::pg_snapshot)
     and r.until > now()
   order by r.position`,
)
