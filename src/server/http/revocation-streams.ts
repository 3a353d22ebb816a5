/** Everybody who follows the feed by server-sent events, told at once. */
import { Unavailable } from '../errors.ts'
import { entryJson, type Entry } from '../revocations/entry.ts'
import type { Feed, FeedAnswer, Reading } from '../revocations/feed.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import type { CallingKey } from './context.ts'
import { jwksTag } from './entity-tag.ts'
import { writeEvent, type EventStream } from './event-stream.ts'

export interface RevocationStreams {
  /** @throws {Unavailable} when the process is about to stop */
  open(openStream: () => EventStream, answer: FeedAnswer, follower: CallingKey): void
  /** Followers go to another process, or come again. */
  close(): void
}

/** Milliseconds. */
const HORIZON_EVERY = 4_500
/** Then a follower comes again, perhaps to another process: what was once uneven does not stay so. Milliseconds. */
const LONGEST_STREAM = 60 * 60 * 1000
/** In one write. */
const ENTRIES_AT_ONCE = 500

export function createRevocationStreams({ feed, keys }: { feed: Feed; keys: SigningKeys }): RevocationStreams {
  const all = new Set<EventStream>()
  /** Those that have got everything that was before them. */
  const live = new Set<EventStream>()
  /** A key that is revoked follows no more. */
  const byKey = new Map<string, Set<EventStream>>()
  let horizonSentAt = 0
  let isClosed = false

  feed.subscribe((reading) => {
    const text = textOf(reading, isHorizonDue(reading.horizon))
    if (text !== '' && live.size > 0) {
      const bytes = Buffer.from(text)
      for (const stream of live) stream.send(bytes)
    }
    for (const { sid, kind } of reading.news) {
      if (kind === 'revoked') for (const stream of byKey.get(sid) ?? []) stream.end()
    }
  })

  function isHorizonDue(horizon: number): boolean {
    if (horizon - horizonSentAt < HORIZON_EVERY) return false
    horizonSentAt = horizon
    return true
  }

  async function catchUp(stream: EventStream, { entries, from, cursor, horizon, isReset }: FeedAnswer) {
    const missed: Reading[] = []
    const leave = feed.subscribe((reading) => void missed.push(reading))
    stream.onEnd(leave)
    for (let index = 0; index < entries.length && !stream.isOver; index += ENTRIES_AT_ONCE) {
      await stream.sendAll(entryEvents(entries.slice(index, index + ENTRIES_AT_ONCE), from))
    }
    await stream.sendAll(horizonEvent(cursor, horizon, isReset))
    for (let next = missed.shift(); next !== undefined && !stream.isOver; next = missed.shift()) {
      await stream.sendAll(textOf(next, missed.length === 0))
    }
    leave()
    if (!stream.isOver) live.add(stream)
  }

  /** The last entry carries the new cursor; who breaks off before it gets all of them again. */
  function textOf({ news, from, cursor, horizon }: Reading, hasHorizon: boolean): string {
    const last = news.at(-1)
    const entries = last === undefined ? '' : entryEvents(news.slice(0, -1), from) + entryEvents([last], cursor)
    return hasHorizon ? entries + horizonEvent(cursor, horizon, false) : entries
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

const entryEvents = (entries: readonly Entry[], id: string): string =>
  entries.map((entry) => writeEvent({ event: 'revocation', id, data: entryJson(entry) })).join('')
