/**
 * Follows the issuer's feed of revocations: as a stream; by polling where streams do not get through; from the
 * cursor on where the connection broke off.
 */
import { paths } from '../protocol/paths.ts'
import { backOff, pause, type Clock } from './clock.ts'
import { readEvents } from './event-stream.ts'
import { isObject, parseObject } from './json.ts'
import type { RevocationEntry, Revocations } from './revocations.ts'
import { bytesOf, failureOf, readJson, retryAfterOf, ServiceFailure, type Service } from './service.ts'
import { createStaleness } from './staleness.ts'

/**
 * `stream`: told within milliseconds. `poll`: asks again and again. `on-demand`: asks when a token is checked,
 * for runtimes that run nothing between requests.
 */
export type Follow = 'stream' | 'poll' | 'on-demand'

export interface Following {
  /** In the background, from now on. */
  start(): void
  /**
   * Asks once; whoever comes meanwhile waits for the same answer, and nobody is asked who has just failed.
   * @throws {ServiceFailure}
   */
  catchUp(): Promise<void>
  /** What was saved. @param horizon milliseconds since 1970 */
  restore(entries: readonly RevocationEntry[], horizon: number): void
  /** When everything was known. By the monotonic clock, milliseconds; -Infinity before. */
  readonly freshAt: number
  /** The same in seconds since then; Infinity before. */
  readonly staleness: number
  /** Milliseconds since 1970, the issuer's clock; null before. */
  readonly horizon: number | null
  /** How it goes at this moment. */
  readonly by: Follow | 'nothing'
  /** On demand: somebody else asks at this moment, unless they were cut off. */
  readonly isAsking: boolean
  close(): void
}

/** The issuer speaks every five seconds; after three times that the connection is dead. Milliseconds. */
const SILENCE = 15_000
/** Streams that brought nothing: something on the way keeps them back. Then it is polled for a while. */
const MOST_SILENT_STREAMS = 2
/** Milliseconds. */
const POLL_INSTEAD_FOR = 5 * 60_000
const FIRST_WAIT = 200
const LONGEST_WAIT = 30_000
/** For somebody who waits for an answer of theirs. Milliseconds. */
const CATCH_UP_TIMEOUT = 2_000
const POLL_TIMEOUT = 10_000
/** A million revocations are some 130 MB; more is a mistake. Bytes. */
const LARGEST_ANSWER = 256 * 1024 * 1024

export function createFollowing(deps: {
  service: Service
  clock: Clock
  revocations: Revocations
  follow: Follow
  /** Seconds between two polls. */
  pollInterval: number
  /** The issuer's keys are those with this ETag. */
  onKeysAnnounced: (etag: string) => Promise<void>
  onFailure: (error: unknown) => void
}): Following {
  const { service, clock, revocations, follow, pollInterval, onKeysAnnounced, onFailure } = deps
  const staleness = createStaleness(clock)
  const closing = new AbortController()
  let cursor: string | null = null
  let horizon: number | null = null
  let failures = 0
  let silentStreams = 0
  let pollUntil = -Infinity
  let by: Following['by'] = 'nothing'

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await (mustPoll() ? pollAndPause() : stream())
        failures = 0
      } catch (error) {
        if (closing.signal.aborted) return
        by = 'nothing'
        onFailure(error)
        await pause(clock, Math.max(backOff(failures, FIRST_WAIT, LONGEST_WAIT), retryAfterOf(error)), closing.signal)
        failures += 1
      }
    }
  }

  const mustPoll = (): boolean => follow === 'poll' || clock.monotonic() < pollUntil

  async function pollAndPause(): Promise<void> {
    await poll(POLL_TIMEOUT)
    by = 'poll'
    await pause(clock, pollInterval * 1000 * (0.9 + Math.random() / 5), closing.signal)
  }

  async function poll(timeout: number): Promise<void> {
    const askedAt = clock.monotonic()
    const path = paths.revocations + (cursor === null ? '' : `?since=${encodeURIComponent(cursor)}`)
    const headers = { accept: 'application/json', 'cache-control': 'no-cache' }
    await service.ask(
      path,
      { headers, isAuthorized: true, timeout, signal: closing.signal },
      async (response, heard) => {
        if (response.status !== 200) throw failureOf(paths.revocations, response)
        // A million entries take their time: what counts is that they keep coming.
        const answer = await readJson(paths.revocations, response, LARGEST_ANSWER, heard)
        const { cursor: next, revocations: list } = answer
        if (typeof next !== 'string' || !Array.isArray(list)) throw unreadable()
        for (const each of list as unknown[]) revocations.add(entryIn(each))
        staleness.answered(askedAt, horizonIn(answer))
        const keysKnown = learn(answer, next)
        // Nothing goes on after the request that asked.
        if (follow === 'on-demand') await keysKnown
      },
    )
  }

  async function stream(): Promise<void> {
    const askedAt = clock.monotonic()
    const headers = {
      accept: 'text/event-stream',
      'cache-control': 'no-cache',
      ...(cursor === null ? {} : { 'last-event-id': cursor }),
    }
    const options = { headers, isAuthorized: true, timeout: SILENCE, signal: closing.signal }
    let isAnswered = false
    let isComplete = false
    try {
      await service.ask(paths.revocations, options, async (response, heard) => {
        isAnswered = true
        if (response.status !== 200) throw failureOf(paths.revocations, response)
        silentStreams += 1
        if (!/^text\/event-stream/i.test(response.headers.get('content-type') ?? '')) throw unreadable()
        for await (const { event, data, id } of readEvents(bytesOf(response))) {
          heard()
          const value = parseObject(data)
          if (value === null) throw unreadable()
          if (event === 'revocation') revocations.add(entryIn(value))
          if (event !== 'horizon') continue
          if (isComplete) staleness.moved(horizonIn(value))
          else staleness.answered(askedAt, horizonIn(value))
          void learn(value, id)
          if (isComplete) failures = 0 // it has lasted: what breaks it now is another matter
          silentStreams = 0
          isComplete = true
          by = 'stream'
          if (staleness.seconds * 1000 > SILENCE) throw new ServiceFailure('the feed comes late')
        }
      })
    } catch (error) {
      // Something on the way may keep back even the head of the answer.
      if (!isAnswered && error instanceof ServiceFailure && error.isSilence) silentStreams += 1
      throw error
    } finally {
      if (silentStreams >= MOST_SILENT_STREAMS) {
        silentStreams = 0
        pollUntil = clock.monotonic() + POLL_INSTEAD_FOR
      }
    }
    // Its hour is over, or its process stops: everybody comes again, and not all at once.
    await pause(clock, isComplete ? Math.random() * 1000 : FIRST_WAIT, closing.signal)
  }

  /** Only a horizon says that everything before it has arrived: the ids of single entries are not kept. */
  function learn({ jwks, reset, ...answer }: Record<string, unknown>, next: string): Promise<void> | undefined {
    if (reset === true && cursor !== null) revocations.missedSome()
    if (next !== '') cursor = next
    horizon = horizonIn(answer)
    revocations.forget(horizon / 1000)
    return typeof jwks === 'string' ? onKeysAnnounced(jwks) : undefined
  }

  let catchingUp: Promise<void> | undefined
  let mayCatchUpAt = -Infinity
  let askingSince = -Infinity

  async function catchUp(): Promise<void> {
    if (catchingUp === undefined && clock.monotonic() < mayCatchUpAt)
      throw new ServiceFailure('the feed could not be read a moment ago')
    // Where nothing runs between requests, what one began never ends for another, should it be cut off.
    await (follow === 'on-demand'
      ? catchUpOnDemand()
      : (catchingUp ??= catchUpOnce().finally(() => (catchingUp = undefined))))
  }

  async function catchUpOnDemand(): Promise<void> {
    askingSince = clock.monotonic()
    await catchUpOnce().finally(() => (askingSince = -Infinity))
  }

  async function catchUpOnce(): Promise<void> {
    try {
      await poll(CATCH_UP_TIMEOUT)
      if (follow === 'on-demand') by = 'on-demand'
    } catch (error) {
      mayCatchUpAt = clock.monotonic() + Math.max(pollInterval * 1000, retryAfterOf(error))
      if (follow === 'on-demand') by = 'nothing'
      onFailure(error)
      throw error
    }
  }

  return {
    start: () => void run(),
    catchUp,
    restore(entries, savedHorizon) {
      for (const entry of entries) revocations.add(entry)
      staleness.restored(savedHorizon)
      horizon ??= savedHorizon
    },
    get freshAt() {
      return staleness.freshAt
    },
    get staleness() {
      return staleness.seconds
    },
    get horizon() {
      return horizon
    },
    get by() {
      return by
    },
    get isAsking() {
      return clock.monotonic() - askingSince < CATCH_UP_TIMEOUT
    },
    close: () => closing.abort(),
  }
}

function entryIn(value: unknown): RevocationEntry {
  if (!isObject(value)) throw unreadable()
  const { sid, kind, issued_until: issuedUntil, until } = value
  if (typeof sid !== 'string' || typeof kind !== 'string') throw unreadable()
  return {
    sid,
    // A kind of a later version: whatever it says, a refresh settles it.
    kind: kind === 'revoked' ? 'revoked' : 'stale',
    issuedUntil: Math.floor(instantIn(issuedUntil) / 1000),
    until: Math.ceil(instantIn(until) / 1000),
  }
}

const horizonIn = ({ horizon }: Record<string, unknown>): number => instantIn(horizon)

/** RFC 3339. @returns milliseconds since 1970 */
function instantIn(value: unknown): number {
  const instant = typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (Number.isNaN(instant)) throw unreadable()
  return instant
}

const unreadable = (): ServiceFailure => new ServiceFailure('the feed is not what a verifier can read')
