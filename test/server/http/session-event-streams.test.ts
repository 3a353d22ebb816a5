import { mock } from 'node:test'
import { expect } from 'chai'
import { Unavailable } from '../../../src/server/errors.ts'
import type { EventStream } from '../../../src/server/http/event-stream.ts'
import { createSessionEventStreams } from '../../../src/server/http/session-event-streams.ts'
import type { Reading, Revocation } from '../../../src/server/revocations/feed.ts'
import type { Watcher } from '../../../src/server/sessions/lookout.ts'
import { eventually } from '../../support/revocation-feed.ts'

const START = Date.parse('2026-11-24T19:00:00.000Z')
const CHANGED = 'event: sessions_changed\ndata: {}\n\n'
const ended = (reason: string): string => `event: ended\ndata: {"reason":"${reason}"}\n\n`

/** The order of things, as a feed, a lookout and readers would bring it about. */
describe('the streams of sessions', () => {
  let tell: (news: Partial<Revocation>[], horizon?: number) => void
  let watchers: Set<Watcher>
  let looks: number
  let looksAt: string[]
  let streams: ReturnType<typeof createSessionEventStreams>

  const start = (heartbeatEvery?: number): void => {
    const subscribers = new Set<(reading: Reading) => void>()
    tell = (news, horizon = START) => {
      const whole = news.map(
        (each) => ({ kind: 'revoked', userId: 'ada', reason: 'signed_out', ...each }) as Revocation,
      )
      const reading = { news: whole, from: '', cursor: '', isPeriodic: false, horizon }
      for (const each of subscribers) each(reading)
    }
    watchers = new Set()
    looksAt = []
    streams = createSessionEventStreams({
      feed: {
        subscribe(onReading) {
          subscribers.add(onReading)
          return () => subscribers.delete(onReading)
        },
      },
      lookout: {
        watch(_, watcher) {
          watchers.add(watcher)
          return () => watchers.delete(watcher)
        },
        lookAtAll: () => void (looks += 1),
        lookAtAllOf: (userId) => void looksAt.push(userId),
      },
      ...(heartbeatEvery === undefined ? {} : { heartbeatEvery }),
    })
    tell([])
    looks = 0
  }
  beforeEach(() => start())
  afterEach(() => streams.close())

  function aReader() {
    const sent: { text: string; at: number }[] = []
    const ending: (() => void)[] = []
    let isOver = false
    let isGone = false
    const goAway = (): void => {
      isOver = isGone = true
      for (const run of ending.splice(0)) run()
    }
    const stream: EventStream = {
      sendAll: () => Promise.reject(new Error('nobody waits for a reader')),
      send(bytes) {
        if (!isOver) sent.push({ text: Buffer.from(bytes).toString(), at: performance.now() })
      },
      get isOver() {
        return isOver
      },
      onEnd: (run) => void (isGone ? run() : ending.push(run)),
      end: () => void (isOver = true), // and it goes away when it has read the rest
    }
    return { stream, sent, goAway, texts: () => sent.map(({ text }) => text) }
  }

  const open = (userId = 'ada', id = 'phone'): ReturnType<typeof aReader> => {
    const reader = aReader()
    streams.open(() => reader.stream, { id, userId })
    return reader
  }

  it('tell of many changes as one, and lose the last of them never', async () => {
    const reader = open()
    let last = 0
    for (let count = 0; count < 40; count += 1) {
      streams.onChange('ada')
      last = performance.now()
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
    await eventually(() => (reader.sent.at(-1)?.at ?? 0) >= last)
    expect([...new Set(reader.texts())]).to.deep.equal([CHANGED])
    expect(reader.sent.length).to.be.within(2, 39)
    for (const [index, { at }] of reader.sent.entries()) {
      if (index > 0) expect(at - (reader.sent[index - 1]?.at ?? 0)).to.be.at.least(195)
    }
  })

  it('tell the first change at once', () => {
    const reader = open()
    streams.onChange('ada')
    expect(reader.texts()).to.deep.equal([CHANGED])
  })

  it('tell an end to every stream of that session, and of it to all others of that person, once', async () => {
    const [phone, tab, laptop, stranger] = [open(), open(), open('ada', 'laptop'), open('grace', 'phone')]
    tell([{ sid: 'phone' }, { sid: 'tablet' }, { sid: 'phone', userId: 'nobody' }])
    for (const { texts } of [phone, tab]) expect(texts()).to.deep.equal([ended('signed_out')])
    expect(laptop.texts()).to.deep.equal([CHANGED])
    expect(stranger.texts()).to.deep.equal([])
    expect(phone.stream.isOver && tab.stream.isOver).to.equal(true)
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(laptop.texts(), 'nothing was left to tell').to.deep.equal([CHANGED])
  })

  it('tell nothing of what is only outdated', () => {
    const reader = open()
    tell([{ sid: 'phone', kind: 'stale', reason: null }])
    expect(reader.texts()).to.deep.equal([])
  })

  it('tell that a session lives again, and look once more when it ends', () => {
    const reader = open()
    tell([{ sid: 'tablet', kind: 'stale', reason: 'revived' }])
    expect(reader.texts()).to.deep.equal([CHANGED])
    expect(looksAt).to.deep.equal(['ada'])
  })

  it('tell what the lookout saw', () => {
    const reader = open()
    const [watcher] = watchers
    watcher?.mayHaveMissed()
    watcher?.ended('expired_idle')
    expect(reader.texts()).to.deep.equal([CHANGED, ended('expired_idle')])
    expect(watchers, 'it has stopped watching').to.be.empty
  })

  it('have everybody looked at after a gap on the channel, and when the feed was silent for too long', () => {
    streams.onGap()
    expect(looks).to.equal(1)
    tell([], START + 5_000)
    expect(looks).to.equal(1)
    tell([], START + 70_000)
    expect(looks).to.equal(2)
  })

  it('send a sign of life to all', async () => {
    start(20)
    const readers = [open(), open(), open('grace')]
    for (const { texts } of readers) await eventually(() => texts().length >= 2)
    for (const { texts } of readers) expect([...new Set(texts())]).to.deep.equal([': \n\n'])
  })

  it('forget whoever goes away, also before it was opened', () => {
    const [first, second] = [open(), open()]
    first.goAway()
    expect(watchers.size).to.equal(1)
    second.goAway()
    const gone = aReader()
    gone.goAway()
    streams.open(() => gone.stream, { id: 'phone', userId: 'ada' })
    expect(watchers).to.be.empty
    const third = open()
    first.goAway()
    streams.onChange('ada')
    expect(third.texts()).to.deep.equal([CHANGED])
    expect([...first.texts(), ...second.texts(), ...gone.texts()]).to.deep.equal([])
  })

  it('know of the next one when the last bytes of the one before have gone', () => {
    const before = open()
    tell([{ sid: 'phone' }])
    const next = open('ada', 'laptop')
    before.goAway()
    streams.onChange('ada')
    expect(next.texts()).to.deep.equal([CHANGED])
    expect(before.texts()).to.deep.equal([ended('signed_out')])
  })

  it('do not mind what the channel says', () => {
    const reader = open()
    for (const payload of ['', 'nobody', '__proto__', 'ada ', 'x'.repeat(8_000), '\u0000', '{"userId":"ada"}'])
      streams.onChange(payload)
    expect(reader.texts()).to.deep.equal([])
  })

  it('end within the hour, and not much earlier', () => {
    const time = mock.timers
    time.enable({ apis: ['setTimeout'] })
    try {
      const reader = open()
      time.tick(53 * 60_000)
      expect(reader.stream.isOver).to.equal(false)
      time.tick(7 * 60_000)
      expect(reader.stream.isOver).to.equal(true)
      expect(reader.texts()).to.deep.equal([])
      expect(watchers).to.be.empty
    } finally {
      time.reset()
    }
  })

  it('end when their process stops, and are opened no more', () => {
    const readers = [open(), open(), open('ada', 'laptop'), open('grace')]
    streams.close()
    for (const { stream } of readers) expect(stream.isOver).to.equal(true)
    expect(watchers).to.be.empty
    expect(() => open()).to.throw(Unavailable)
  })
})
