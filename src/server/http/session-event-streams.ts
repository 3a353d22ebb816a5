/** Everybody who follows a session of their own by server-sent events: told when it ends, and when others change. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Unavailable } from '../errors.ts'
import type { Feed, Reading } from '../revocations/feed.ts'
import type { ChangesListener } from '../sessions/changes.ts'
import type { Lookout } from '../sessions/lookout.ts'
import type { Session } from '../sessions/session.ts'
import { writeEvent, type EventStream } from './event-stream.ts'

export interface SessionEventStreams extends ChangesListener {
  /** @throws {Unavailable} when the process is about to stop */
  open(openStream: () => EventStream, session: Pick<Session, 'id' | 'userId'>): void
  /** Followers go to another process, or come again. */
  close(): void
}

/** Then a follower comes again, perhaps to another process. Milliseconds, as the others. */
const LONGEST_STREAM = 60 * 60 * 1000
/** Many changes in a row are told as one. */
const QUIET = 200
/** A connection that a proxy forgot says nothing at all. */
const HEARTBEAT_EVERY = 15_000
/** Then other requests get their turn. */
const HEARTBEATS_AT_ONCE = 100
/** The feed keeps every entry for longer than that: where it was not read for so long, some may have come and gone. */
const LONGEST_SILENCE = 60_000
/** Beyond these the oldest stream is closed: nobody exhausts the sockets of a process. */
const MOST_OF_A_SESSION = 20
const MOST_OF_A_USER = 100
/** Its reader would come again at once, and push out the next one. */
const COME_LATER = Buffer.from('retry: 60000\n\n')
const CHANGED = Buffer.from(writeEvent({ event: 'sessions_changed', data: '{}' }))
/** A comment, which readers skip. */
const HEARTBEAT = Buffer.from(': \n\n')

interface Follower {
  readonly stream: EventStream
  readonly sessionId: string
  readonly person: Person
  stop(): void
}

interface Person {
  readonly userId: string
  /** The oldest first. */
  readonly followers: Set<Follower>
  /** By the process's own clock. */
  toldAt: number
  telling?: NodeJS.Timeout | undefined
}

export function createSessionEventStreams(deps: {
  feed: Pick<Feed, 'subscribe'>
  lookout: Lookout
  heartbeatEvery?: number
}): SessionEventStreams {
  const { feed, lookout, heartbeatEvery = HEARTBEAT_EVERY } = deps
  const people = new Map<string, Person>()
  let horizon = 0
  let isClosed = false

  feed.subscribe((reading) => {
    tellEnds(reading)
    if (reading.horizon - horizon > LONGEST_SILENCE) lookout.lookAtAll()
    ;({ horizon } = reading)
  })

  function tellEnds({ news }: Reading): void {
    const changed = new Set<string>()
    for (const { sid, kind, userId, reason } of news) {
      const person = people.get(userId)
      // Without a reason it goes on as it was: only what its tokens say is outdated.
      if (person === undefined || reason === null) continue
      changed.add(userId)
      if (kind === 'stale') continue
      for (const follower of person.followers) if (follower.sessionId === sid) tellEnd(follower, reason)
    }
    for (const userId of changed) onChange(userId)
  }

  function tellEnd(follower: Follower, reason: string): void {
    follower.stream.send(Buffer.from(writeEvent({ event: 'ended', data: JSON.stringify({ reason }) })))
    dismiss(follower)
  }

  function dismiss(follower: Follower): void {
    follower.stream.end()
    forget(follower)
  }

  function forget(follower: Follower): void {
    const { person } = follower
    follower.stop()
    if (!person.followers.delete(follower) || person.followers.size > 0) return
    clearTimeout(person.telling)
    people.delete(person.userId)
  }

  /** The first change is told at once, and what follows soon after it together. It may have moved a session's end. */
  function onChange(userId: string): void {
    const person = people.get(userId)
    if (person === undefined) return
    lookout.lookAtAllOf(userId)
    if (person.telling !== undefined) return
    const wait = person.toldAt + QUIET - performance.now()
    if (wait <= 0) tellChange(person)
    else person.telling = setTimeout(() => tellChange(person), wait).unref()
  }

  function tellChange(person: Person): void {
    person.telling = undefined
    person.toldAt = performance.now()
    for (const { stream } of person.followers) stream.send(CHANGED)
  }

  function makeRoom({ followers }: Person, sessionId: string): void {
    const ofSession = [...followers].filter((follower) => follower.sessionId === sessionId)
    const [oldest] = ofSession.length >= MOST_OF_A_SESSION ? ofSession : followers
    if (oldest === undefined || (ofSession.length < MOST_OF_A_SESSION && followers.size < MOST_OF_A_USER)) return
    oldest.stream.send(COME_LATER)
    dismiss(oldest)
  }

  function follow(stream: EventStream, person: Person, session: Pick<Session, 'id' | 'userId'>): void {
    const over = setTimeout(() => dismiss(follower), LONGEST_STREAM * (0.9 + Math.random() / 10)).unref()
    const follower: Follower = {
      stream,
      sessionId: session.id,
      person,
      stop() {
        clearTimeout(over)
        stopWatching()
      },
    }
    // It may have ended, and everybody been told of it, since it was looked up for this request.
    const stopWatching = lookout.watch(session, {
      ended: (reason) => tellEnd(follower, reason),
      mayHaveMissed: () => stream.send(CHANGED),
    })
    person.followers.add(follower)
    stream.onEnd(() => forget(follower))
  }

  function* everybody(): Generator<Follower> {
    for (const { followers } of people.values()) yield* followers
  }

  async function beat(): Promise<void> {
    let count = 0
    for (const { stream } of everybody()) {
      stream.send(HEARTBEAT)
      if (++count % HEARTBEATS_AT_ONCE === 0) await nextTurn()
    }
  }

  const heartbeat = setInterval(() => void beat(), heartbeatEvery).unref()

  return {
    open(openStream, session) {
      if (isClosed) throw new Unavailable('this process is about to stop')
      const { userId } = session
      const person = people.get(userId) ?? { userId, followers: new Set(), toldAt: -Infinity }
      makeRoom(person, session.id)
      const stream = openStream()
      people.set(userId, person)
      follow(stream, person, session)
    },
    onChange,
    onGap: () => lookout.lookAtAll(),
    close() {
      isClosed = true
      clearInterval(heartbeat)
      for (const follower of everybody()) dismiss(follower)
    },
  }
}
