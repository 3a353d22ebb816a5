import { expect } from 'chai'
import type { EventStream } from '../../../src/server/http/event-stream.ts'
import { createRevocationStreams } from '../../../src/server/http/revocation-streams.ts'
import type { FeedAnswer, Reading, Revocation } from '../../../src/server/revocations/feed.ts'

const START = Date.parse('2026-11-24T19:00:00.000Z')
const FOLLOWER = { id: 'key', expiresAt: null }

const entry = (sid: string): Revocation => ({
  sid,
  kind: 'revoked',
  userId: 'nobody',
  reason: 'signed_out',
  revokedAt: START,
  issuedUntil: START / 1000,
  until: START + 360_000,
  transactionId: 1,
})

const entries = (count: number, name: string): Revocation[] =>
  Array.from({ length: count }, (_, index) => entry(`${name}-${index}`))

/** The order of things, as a feed and a reader would bring it about. */
describe('the streams of the feed', () => {
  let readings: number
  let tell: (reading: Partial<Reading>) => void
  let streams: ReturnType<typeof createRevocationStreams>

  beforeEach(() => {
    readings = 0
    const subscribers = new Set<(reading: Reading) => void>()
    tell = (reading) => {
      readings += 1
      const { horizon = START + readings } = reading
      const whole = { news: [], from: `${readings - 1}`, cursor: `${readings}`, isPeriodic: false, ...reading, horizon }
      for (const each of subscribers) each(whole)
    }
    const feed = {
      subscribe(onReading: (reading: Reading) => void) {
        subscribers.add(onReading)
        return () => subscribers.delete(onReading)
      },
    }
    streams = createRevocationStreams({ feed, keys: { jwks: () => ({ keys: [] }) } })
  })
  afterEach(() => streams.close())

  /** Takes a write whenever `takes` is called; until then it has room for none. */
  function aReader(isFast = true) {
    const sent: { event: string; id: string; sid?: string }[] = []
    const waiting: (() => void)[] = []
    const ending: (() => void)[] = []
    let isOver = false
    let sharedWrites = 0
    const take = (text: string): void => {
      for (const part of text.split('\n\n').filter((each) => each !== '')) {
        const [, event = '', id = '', data = '{}'] = /^event: (.*)\nid: (.*)\ndata: (.*)$/.exec(part) ?? []
        sent.push({ event, id, ...(JSON.parse(data) as object) })
      }
    }
    const stream: EventStream = {
      async sendAll(text) {
        take(text)
        if (!isFast && !isOver) await new Promise<void>((resolve) => waiting.push(resolve))
      },
      send(bytes) {
        sharedWrites += 1
        take(Buffer.from(bytes).toString())
      },
      get isOver() {
        return isOver
      },
      onEnd: (run) => void ending.push(run),
      end() {
        if (isOver) return
        isOver = true
        for (const run of ending) run()
        for (const resolve of waiting.splice(0)) resolve()
      },
    }
    return {
      stream,
      sent,
      get sharedWrites() {
        return sharedWrites
      },
      async takes() {
        waiting.shift()?.()
        await new Promise((resolve) => setImmediate(resolve))
      },
    }
  }

  const answerOf = (news: Revocation[] = []): FeedAnswer => ({
    entries: news,
    from: 'from',
    cursor: `${readings}`,
    horizon: START,
    isReset: false,
  })

  const open = async (reader: ReturnType<typeof aReader>, answer = answerOf()): Promise<void> => {
    streams.open(() => reader.stream, answer, FOLLOWER)
    await new Promise((resolve) => setImmediate(resolve))
  }

  it('say with every reading that comes by itself that nothing is missing, whatever was read in between', async () => {
    const reader = aReader()
    await open(reader)
    for (const [seconds, isPeriodic] of [
      [0, true],
      [4.6, false],
      [5, true],
      [9.4, false],
      [10, true],
      [10.6, false],
      [15, true],
    ] as const) {
      const before = reader.sent.length
      tell({ horizon: START + seconds * 1000, isPeriodic })
      expect(reader.sent.length - before, `after ${seconds} s`).to.equal(isPeriodic ? 1 : 0)
    }
    expect(new Set(reader.sent.map(({ event }) => event))).to.deep.equal(new Set(['horizon']))
  })

  it('tell a follower what came while it was catching up, once and in order', async () => {
    const reader = aReader(false)
    await open(reader, answerOf(entries(1_100, 'old')))
    tell({ news: [entry('first')] })
    await reader.takes()
    tell({ news: [entry('second')] })
    tell({})
    for (let count = 0; count < 10; count += 1) await reader.takes()
    tell({ news: [entry('third')] })
    const told = reader.sent.flatMap(({ sid }) => sid ?? [])
    expect(told).to.deep.equal([...entries(1_100, 'old').map(({ sid }) => sid), 'first', 'second', 'third'])
    expect(reader.sharedWrites, 'written for all at once').to.equal(1)
    expect(reader.sent.at(-1)?.id).to.equal(`${readings}`)
  })

  it('give no id that skips what is still to come', async () => {
    const reader = aReader(false)
    await open(reader, answerOf(entries(1_100, 'old')))
    tell({ news: entries(3, 'new') })
    for (let count = 0; count < 10; count += 1) await reader.takes()
    tell({ news: entries(1_200, 'many') })
    for (let count = 0; count < 10; count += 1) await reader.takes()
    const idsOf = (name: string): string[] => reader.sent.filter(({ sid }) => sid?.startsWith(name)).map(({ id }) => id)
    expect(new Set(idsOf('old'))).to.deep.equal(new Set(['from']))
    expect(idsOf('new').slice(0, -1)).to.deep.equal(['0', '0'])
    expect(new Set(idsOf('many').slice(0, -1))).to.deep.equal(new Set(['1']))
    expect(reader.sent.at(-1)).to.include({ event: 'horizon', id: '2' })
  })

  it('give many news in pieces, as fast as each reader takes them', async () => {
    const [fast, slow] = [aReader(), aReader()]
    await open(fast)
    await open(slow)
    tell({ news: entries(20_000, 'many') })
    expect([fast.sharedWrites, slow.sharedWrites]).to.deep.equal([0, 0])
    await new Promise((resolve) => setImmediate(resolve))
    tell({ news: [entry('after')] })
    for (const { sent } of [fast, slow]) {
      expect(sent.filter(({ sid }) => sid !== undefined)).to.have.length(20_001)
      expect(sent.at(-1)).to.include({ sid: 'after' })
    }
  })

  it('drop a follower who catches up more slowly than news come', async () => {
    const reader = aReader(false)
    await open(reader, answerOf(entries(1, 'old')))
    let told = 0
    while (!reader.stream.isOver) {
      tell({ news: entries(1_000, `${readings}`) })
      told += 1_000
      expect(told).to.be.at.most(1_000_000)
    }
  })

  it('end with the key that they were opened with, and only those', async () => {
    const [one, other] = [aReader(), aReader()]
    streams.open(() => one.stream, answerOf(), { id: 'one', expiresAt: null })
    streams.open(() => other.stream, answerOf(), { id: 'other', expiresAt: null })
    await new Promise((resolve) => setImmediate(resolve))
    tell({ news: [{ ...entry('one'), kind: 'stale' }] })
    expect(one.stream.isOver).to.equal(false)
    tell({ news: [entry('one')] })
    expect(one.stream.isOver).to.equal(true)
    expect(other.stream.isOver).to.equal(false)
    expect(other.sent.at(-1)).to.include({ sid: 'one' })
  })
})
