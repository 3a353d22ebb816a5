import { expect } from 'chai'
import { Unavailable } from '../../../src/server/errors.ts'
import { createLookout, type Lookout } from '../../../src/server/sessions/lookout.ts'
import type { LiveSession } from '../../../src/server/sessions/reading.ts'
import type { Session } from '../../../src/server/sessions/session.ts'
import { eventually } from '../../support/revocation-feed.ts'

const SESSION = { id: 'session', userId: 'user' }
const START = Date.parse('2026-11-24T19:00:00.000Z')
const DAY = 24 * 60 * 60 * 1000

/** A row, some milliseconds before its idle and absolute end. */
const live = (idle: number, absolute = 365 * DAY): LiveSession => ({
  now: new Date(START),
  session: { idleExpiresAt: new Date(START + idle), expiresAt: new Date(START + absolute) } as Session,
})

const over = (row: Partial<Session>): Partial<Session> => ({
  revokedReason: null,
  idleExpiresAt: new Date(START),
  expiresAt: new Date(START + DAY),
  ...row,
})

describe('a lookout for sessions that end by themselves', () => {
  let looks: string[]
  /** What the rows say, one look after the other; the last one for good. */
  let rows: (LiveSession | null | Error)[]
  let ended: Partial<Session> | null
  let told: string[]
  let lookout: Lookout
  let stops: (() => void)[]

  beforeEach(() => {
    looks = []
    told = []
    stops = []
    ended = null
    lookout = createLookout({
      sessions: {
        findLive(userId, sessionId) {
          looks.push(`${userId} ${sessionId}`)
          const row = (rows.length > 1 ? rows.shift() : rows[0]) ?? null
          return row instanceof Error ? Promise.reject(row) : Promise.resolve(row)
        },
        find: () => Promise.resolve(ended as Session | null),
      },
    })
  })
  afterEach(() => {
    for (const stop of stops) stop()
  })

  const watch = (): (() => void) => {
    const stop = lookout.watch(SESSION, {
      ended: (reason) => void told.push(reason),
      mayHaveMissed: () => void told.push('may have missed'),
    })
    stops.push(stop)
    return stop
  }

  it('looks at once, and says why a session has ended', async () => {
    rows = [null]
    for (const [row, reason] of [
      [over({ status: 'revoked', revokedReason: 'not_me' }), 'not_me'],
      [over({ status: 'expired' }), 'expired_idle'],
      [over({ status: 'expired', expiresAt: new Date(START - 1) }), 'expired_absolute'],
      [null, 'unknown_session'],
    ] as const) {
      ended = row
      const before = told.length
      watch()
      await eventually(() => told.length > before)
      expect(told.at(-1)).to.equal(reason)
    }
    expect(looks).to.deep.equal(Array.from({ length: 4 }, () => 'user session'))
  })

  it('looks again when the time is over, which refreshes have moved meanwhile', async () => {
    rows = [live(30), live(30), live(3 * DAY, 30), null]
    ended = over({ status: 'expired' })
    watch()
    await eventually(() => told.length > 0)
    expect(told).to.deep.equal(['expired_idle'])
    expect(looks).to.have.length(4)
  })

  it('waits for an end in a year, too', async () => {
    rows = [live(365 * DAY)]
    watch()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(looks).to.have.length(1)
  })

  it('looks at everybody after a gap, and says that something may have been missed', async () => {
    rows = [live(DAY)]
    watch()
    watch()
    await eventually(() => looks.length === 2)
    lookout.lookAtAll()
    lookout.lookAtAll()
    await eventually(() => told.length === 2)
    expect(told).to.deep.equal(['may have missed', 'may have missed'])
    expect(looks).to.have.length(4)
  })

  it('looks again at those of a person whose end may have been moved, and says nothing where they live', async () => {
    rows = [live(DAY), live(30), null]
    ended = over({ status: 'expired' })
    watch()
    await eventually(() => looks.length === 1)
    lookout.lookAtAllOf('somebody else')
    lookout.lookAtAllOf(SESSION.userId)
    await eventually(() => told.length > 0)
    expect(told, 'at its new end').to.deep.equal(['expired_idle'])
    expect(looks).to.have.length(3)
  })

  it('finds after a gap what nobody told', async () => {
    rows = [live(DAY), null]
    ended = over({ status: 'revoked', revokedReason: 'signed_out' })
    watch()
    lookout.lookAtAll()
    await eventually(() => told.length > 0)
    expect(told).to.deep.equal(['signed_out'])
  })

  it('asks again while the database cannot say, and forgets no gap over it', async () => {
    rows = [live(DAY), new Unavailable('away'), live(DAY)]
    watch()
    await eventually(() => looks.length === 1)
    lookout.lookAtAll()
    await eventually(() => told.length > 0)
    expect(told).to.deep.equal(['may have missed'])
    expect(looks).to.have.length(3)
  })

  it('asks for a few at a time', async () => {
    let asking = 0
    let most = 0
    const many = createLookout({
      sessions: {
        async findLive() {
          most = Math.max(most, (asking += 1))
          await new Promise((resolve) => setImmediate(resolve))
          asking -= 1
          looks.push('')
          return live(DAY)
        },
        find: () => Promise.resolve(null),
      },
    })
    for (let count = 0; count < 100; count += 1)
      stops.push(many.watch(SESSION, { ended: () => undefined, mayHaveMissed: () => undefined }))
    await eventually(() => looks.length === 100)
    expect(most).to.equal(4)
  })

  it('says nothing any more to whoever stopped it', async () => {
    rows = [null]
    const stop = watch()
    stop()
    watch()
    await eventually(() => told.length > 0)
    lookout.lookAtAll()
    expect(told).to.deep.equal(['unknown_session'])
  })
})
