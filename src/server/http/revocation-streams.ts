/** Everybody who follows the feed by server-sent events, told at once. */
import { Unavailable } from '../errors.ts'
import { entryJson, type Entry } from '../revocations/entry.ts'
import type { Feed, FeedAnswer, Reading } from '../revocations/feed.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import type { CallingKey } from './context.ts'
import { jwksTag } from './entity-tag.ts'
import { writeEvent, type EventStream } from './event-stream.ts'

export interface RevocationStreams {
  /** @throws {Unavailable} when the process is about to stop, or the key ended while it was looked up */
  open(openStream: () => EventStream, answer: FeedAnswer, follower: CallingKey): void
  /** Followers go to another process, or come again. */
  close(): void
}

/** Then a follower comes again, perhaps to another process: what was once uneven does not stay so. Milliseconds. */
const LONGEST_STREAM = 60 * 60 * 1000
/** In one write. */
const ENTRIES_AT_ONCE = 500
/** What comes while a follower catches up; with more it is dropped, and resumes by its cursor. Entries. */
const MOST_MISSED = 100_000
/** Between looking a key up and opening its stream, in which its end may have come and been told already. Milliseconds. */
const LOOKED_UP_WITHIN = 10_000

interface Missed extends FeedAnswer {
  readonly entries: Entry[]
}

export function createRevocationStreams(deps: {
  feed: Pick<Feed, 'subscribe'>
  keys: Pick<SigningKeys, 'jwks'>
}): RevocationStreams {
  const { feed, keys } = deps
  const all = new Set<EventStream>()
  /** Those that have got everything that was before them. */
  const live = new Set<EventStream>()
  /** Those that have not, with what came meanwhile. */
  const catchingUp = new Map<EventStream, Missed | null>()
  /** A key that is revoked follows no more. */
  const byKey = new Map<string, Set<EventStream>>()
  let isClosed = false

  feed.subscribe((reading) => {
    for (const [stream, missed] of catchingUp) miss(stream, missed, reading)
    tellLive(reading)
    for (const { sid, kind } of reading.news) {
      if (kind === 'revoked') for (const stream of byKey.get(sid) ?? []) stream.end()
    }
  })

  function miss(stream: EventStream, missed: Missed | null, { news, from, cursor, horizon }: Reading): void {
    const entries = missed?.entries ?? []
    for (const entry of news) entries.push(entry)
    catchingUp.set(stream, { entries, from: missed?.from ?? from, cursor, horizon, isReset: false })
    if (entries.length > MOST_MISSED) stream.end()
  }

  /** The same bytes for all; more than one write holds goes to each as fast as it takes them. */
  function tellLive(reading: Reading): void {
    if (live.size === 0) return
    if (reading.news.length > ENTRIES_AT_ONCE) {
      const { news: entries, from, cursor, horizon } = reading
      const pieces: string[] = []
      for (const stream of live) void catchUp(stream, { entries, from, cursor, horizon, isReset: false }, pieces)
      return
    }
    const text = textOf(reading)
    if (text === '') return
    const bytes = Buffer.from(text)
    for (const stream of live) stream.send(bytes)
  }

  /** @param pieces of the answer, where others are told the same: each is written once */
  async function catchUp(stream: EventStream, answer: FeedAnswer, pieces?: string[]): Promise<void> {
    live.delete(stream)
    for (let next: FeedAnswer | null = answer; next !== null && !stream.isOver;) {
      catchingUp.set(stream, null)
      await tellInPieces(stream, next, next === answer ? pieces : undefined)
      next = catchingUp.get(stream) ?? null
    }
    catchingUp.delete(stream)
    if (!stream.isOver) live.add(stream)
  }

  async function tellInPieces(stream: EventStream, answer: FeedAnswer, pieces?: string[]): Promise<void> {
    const { entries, from, cursor, horizon, isReset } = answer
    for (let index = 0; index < entries.length && !stream.isOver; index += ENTRIES_AT_ONCE) {
      const piece = pieces?.[index] ?? entryEvents(entries.slice(index, index + ENTRIES_AT_ONCE), from)
      if (pieces !== undefined) pieces[index] = piece
      await stream.sendAll(piece)
    }
    await stream.sendAll(horizonEvent(cursor, horizon, isReset))
  }

  /** The last entry carries the new cursor; who breaks off before it gets all of them again. */
  function textOf({ news, from, cursor, horizon, isPeriodic }: Reading): string {
    const last = news.at(-1)
    const entries = last === undefined ? '' : entryEvents(news.slice(0, -1), from) + entryEvents([last], cursor)
    return isPeriodic ? entries + horizonEvent(cursor, horizon, false) : entries
  }

  const horizonEvent = (cursor: string, horizon: number, isReset: boolean): string =>
    writeEvent({
      event: 'horizon',
      id: cursor,
      data: JSON.stringify({
        horizon: new Date(horizon).toISOString(),
        jwks: jwksTag(keys),
        ...(isReset ? { reset: true } : {}),
      }),
    })

  return {
    open(openStream, answer, { id, expiresAt }) {
      if (isClosed) throw new Unavailable('this process is about to stop')
      if (hasJustEnded(answer, id)) throw new Unavailable('the key ended while it was looked up')
      const stream = openStream()
      const life = Math.min(LONGEST_STREAM * (0.9 + Math.random() / 10), (expiresAt ?? Infinity) - answer.horizon)
      const over = setTimeout(() => stream.end(), Math.max(life, 0)).unref()
      all.add(stream)
      byKey.set(id, (byKey.get(id) ?? new Set()).add(stream))
      stream.onEnd(() => {
        clearTimeout(over)
        all.delete(stream)
        live.delete(stream)
        byKey.get(id)?.delete(stream)
        if (byKey.get(id)?.size === 0) byKey.delete(id)
      })
      void catchUp(stream, answer)
    },
    close() {
      isClosed = true
      for (const stream of all) stream.end()
    },
  }
}

/** Whoever comes again after that is told by the key itself. */
const hasJustEnded = ({ entries, horizon }: FeedAnswer, keyId: string): boolean =>
  entries.some(
    ({ sid, kind, issuedUntil }) =>
      sid === keyId && kind === 'revoked' && issuedUntil * 1000 >= horizon - LOOKED_UP_WITHIN,
  )

const entryEvents = (entries: readonly Entry[], id: string): string =>
  entries.map((entry) => writeEvent({ event: 'revocation', id, data: entryJson(entry) })).join('')
