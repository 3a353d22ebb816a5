import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { expect } from 'chai'
import pg from 'pg'
import { pino } from 'pino'
import { statement, type Database } from '../../../src/server/database/database.ts'
import { Unavailable } from '../../../src/server/errors.ts'
import type { BusListener } from '../../../src/server/revocations/bus.ts'
import { NOTHING_SEEN } from '../../../src/server/revocations/cursor.ts'
import { createFeed, type Feed, type FeedAnswer, type Reading } from '../../../src/server/revocations/feed.ts'
import { addEntries, eventually } from '../../support/revocation-feed.ts'
import { onStore, startServer, type TestServer } from '../../support/server.ts'

/** Life of an access token, seconds. */
const ACCESS_TTL = 300

const sidsIn = ({ entries }: Pick<FeedAnswer, 'entries'>): string[] => entries.map(({ sid }) => sid)

/** A statement of a test is none of the feed's. */
const READ_NEWS = 'revocations.read_news'

/** Takes numbers, as transactions do that write something. */
async function useUpNumbers({ hallpass }: TestServer, count: number): Promise<void> {
  const take = statement('test.take_number', 'select pg_current_xact_id()::text')
  for (let each = 0; each < count; each += 1) await hallpass.store.database.query(take, [])
}

describe('the feed', () => {
  const feeds: Feed[] = []
  /** What a bus would call. */
  let bus: BusListener

  /** On a bus that carries what the test puts on it. */
  function aFeed(database: Database): Feed {
    const feed = createFeed({
      database,
      bus: { subscribe: (listener) => Promise.resolve(void (bus = listener)) },
      accessTtl: ACCESS_TTL,
      log: pino({ level: 'silent' }),
    })
    feeds.push(feed)
    return feed
  }
  afterEach(() => {
    for (const feed of feeds.splice(0)) feed.stop()
  })

  onStore('embedded', (server) => {
    /** Every reading waits for its `letGo`, once the database has answered it. */
    function holding(): { database: Database; held: (() => void)[] } {
      const { database } = server().hallpass.store
      const held: (() => void)[] = []
      return {
        held,
        database: {
          ...database,
          async query(asked, values) {
            const rows = await database.query(asked, values)
            if (asked.name === READ_NEWS) await new Promise<void>((letGo) => held.push(letGo))
            return rows
          },
        },
      }
    }

    async function startHeld(database: Database, held: (() => void)[]): Promise<Feed> {
      const feed = aFeed(database)
      const starting = feed.start()
      await eventually(() => held.length === 1)
      held.pop()?.()
      await starting
      return feed
    }

    it('is read once at a time, and whoever asks meanwhile gets the reading after it', async () => {
      const { database, held } = holding()
      const feed = await startHeld(database, held)

      const first = feed.read()
      await eventually(() => held.length === 1)
      const [sid = ''] = await addEntries(server())
      const asked = [feed.read(), feed.read(), feed.read()]
      bus.onNews()
      const turn = statement('test.turn', 'select 1')
      for (let count = 0; count < 3; count += 1) await server().hallpass.store.database.query(turn, [])
      expect(held, 'readings under way').to.have.length(1)
      held.pop()?.()
      await first
      expect(sidsIn(feed.since(null)), 'committed after it was asked for').not.to.include(sid)

      await eventually(() => held.length === 1)
      held.pop()?.()
      await Promise.all(asked)
      expect(sidsIn(feed.since(null))).to.include(sid)
      expect(held, 'one reading for all of them').to.be.empty
    })

    it('says so when it cannot be read, and goes on where it was', async () => {
      const { database } = server().hallpass.store
      let isAway = false
      const feed = aFeed({
        ...database,
        query: (asked, values) =>
          isAway ? Promise.reject(new Unavailable('the connection was lost')) : database.query(asked, values),
      })
      await feed.start()
      const readings: Reading[] = []
      feed.subscribe((reading) => readings.push(reading))
      const before = feed.since(null)

      isAway = true
      const [sid = ''] = await addEntries(server())
      for (let count = 0; count < 3; count += 1) {
        const failure = await feed.read().catch((error: unknown) => error)
        expect(failure).to.be.instanceOf(Unavailable)
      }
      bus.onNews() // nobody waits for it, and nobody hears of it
      expect(feed.since(null)).to.deep.equal(before)
      expect(readings).to.be.empty

      isAway = false
      await feed.read()
      expect(sidsIn(feed.since(before.cursor))).to.include(sid)
      expect(readings.flatMap(({ news }) => news.map((entry) => entry.sid))).to.include(sid)
    })

    it('says of every reading from where to where it went', async () => {
      const feed = aFeed(server().hallpass.store.database)
      await feed.start()
      const readings: Reading[] = []
      const leave = feed.subscribe((reading) => readings.push(reading))
      const start = feed.since(null).cursor
      const all: string[] = []
      for (let count = 0; count < 3; count += 1) {
        all.push(...(await addEntries(server(), 2, { age: 60 })))
        await feed.read()
      }
      expect(readings.map(({ from }) => from)).to.deep.equal([
        start,
        ...readings.slice(0, -1).map(({ cursor }) => cursor),
      ])
      expect(readings.flatMap(({ news }) => news.map(({ sid }) => sid))).to.have.members(all)
      for (const [index, { from, cursor }] of readings.entries()) {
        expect(sidsIn(feed.since(from))).to.include.members(all.slice(2 * index))
        expect(sidsIn(feed.since(cursor))).not.to.include.members(all.slice(2 * index, 2 * index + 2))
      }
      leave()
      await feed.read()
      expect(readings).to.have.length(3)
    })

    it('tells the widest of several entries of one session, in whichever order they were written', async () => {
      const { database } = server().hallpass.store
      const insert = statement(
        'test.insert_two',
        `insert into revocations (session_id, user_id, kind, reason, issued_until, until)
         select $1::uuid, $1::uuid, 'revoked', 'signed_out', issued_until, issued_until + interval '6 min'
         from unnest($2::timestamptz[]) as issued_until`,
      )
      const now = Date.now()
      const [early, late] = [new Date(now - 60_000).toISOString(), new Date(now - 30_000).toISOString()] as const
      const sids = [randomUUID(), randomUUID(), randomUUID()] as const
      const feed = aFeed(database)
      await feed.start()
      const news: Reading['news'][number][] = []
      feed.subscribe((reading) => news.push(...reading.news))
      await database.query(insert, [sids[0], [early, late]])
      await database.query(insert, [sids[1], [late, early]])
      await database.query(insert, [sids[2], [late]])
      await feed.read()
      await database.query(insert, [sids[2], [early]])
      await feed.read()
      for (const sid of sids) {
        const [entry, ...more] = feed.since(null).entries.filter((each) => each.sid === sid)
        expect(more).to.be.empty
        expect(entry?.issuedUntil).to.equal(Math.floor(Date.parse(late) / 1000))
        expect(news.findLast((each) => each.sid === sid)?.issuedUntil).to.equal(Math.floor(Date.parse(late) / 1000))
      }
    })

    it('is read by itself where nothing wakes it, and not before it starts nor after it stops', async () => {
      const { database } = server().hallpass.store
      const counts = { neverStarted: 0, stopped: 0 }
      const counting = (which: keyof typeof counts): Database => ({
        ...database,
        query(asked, values) {
          counts[which] += 1
          return database.query(asked, values)
        },
      })
      aFeed(counting('neverStarted'))
      const stopped = aFeed(counting('stopped'))
      await stopped.start()
      stopped.stop()
      bus.onNews()

      const feed = aFeed(database)
      await feed.start()
      const readings: Reading[] = []
      feed.subscribe((reading) => readings.push(reading))
      const [sid] = await addEntries(server())
      await eventually(() => readings.some(({ news }) => news.some((entry) => entry.sid === sid)))
      expect(readings).to.have.length(1)
      expect(readings[0]?.isPeriodic).to.equal(true)
      expect(counts).to.deep.equal({ neverStarted: 0, stopped: 1 })
    })
  })

  onStore('postgresql', (server) => {
    /** As the driver sends a statement, with something in between that takes its time. */
    async function queryInTwo(text: string, values: string[], between: () => Promise<void>): Promise<string[][]> {
      const client = new pg.Client({ connectionString: server().databaseUrl ?? '' })
      await client.connect()
      const { connection } = client as unknown as { connection: EventEmitter & Record<string, (what?: object) => void> }
      const rows: string[][] = []
      const nothing = (): void => undefined
      try {
        await new Promise<void>((resolve, reject) => {
          connection.once('bindComplete', () => {
            between().then(() => {
              connection['execute']?.({ portal: '' })
              connection['sync']?.()
            }, reject)
          })
          client.query({
            submit() {
              connection['parse']?.({ name: '', text, types: [] })
              connection['bind']?.({ portal: '', statement: '', values })
              connection['flush']?.()
            },
            handleParseComplete: nothing,
            handleDataRow: ({ fields }: { fields: unknown[] }) => void rows.push(fields.map(String)),
            handleCommandComplete: nothing,
            handleReadyForQuery: () => resolve(),
            handleError: reject,
          } as unknown as pg.Submittable)
        })
      } finally {
        await client.end()
      }
      return rows
    }

    it('claims to be complete no later than its snapshot is, however slowly PostgreSQL is asked', async () => {
      const { database } = server().hallpass.store
      let readNews = ''
      const feed = aFeed({
        ...database,
        query(asked, values) {
          if (asked.name === READ_NEWS) readNews = asked.text
          return database.query(asked, values)
        },
      })
      await feed.start()

      const clock = statement<{ now: string }>('test.clock', 'select clock_timestamp()::text as now')
      let bound = ''
      let committed: string[] = []
      const rows = await queryInTwo(readNews, [NOTHING_SEEN], async () => {
        bound = (await database.query(clock, []))[0]?.now ?? ''
        committed = await addEntries(server())
      })
      expect(JSON.stringify(rows), 'what was committed after the snapshot').not.to.include(committed[0])
      expect(Date.parse(rows[0]?.[1] ?? '')).to.be.at.most(Date.parse(bound))
    })
  })

  describe('of a database that may have lost commits', () => {
    let primary: TestServer
    let standby: TestServer
    before(async () => {
      ;[primary, standby] = await Promise.all([startServer('embedded'), startServer('embedded')])
    })
    after(() => Promise.all([primary.stop(), standby.stop()]))

    /** The first database answers until `failOver`, and then the other one. */
    function failingOver(): { database: Database; failOver: () => void } {
      let { database } = primary.hallpass.store
      return {
        database: { ...database, query: (asked, values) => database.query(asked, values) },
        failOver: () => void ({ database } = standby.hallpass.store),
      }
    }

    it('is read as a whole in the very reading in which numbers go back', async () => {
      const { database, failOver } = failingOver()
      await useUpNumbers(primary, 500)
      const feed = aFeed(database)
      await feed.start()
      const { cursor } = feed.since(null)
      const news: string[] = []
      feed.subscribe((reading) => news.push(...reading.news.map(({ sid }) => sid)))
      const sids = await addEntries(standby)
      failOver()
      await feed.read()
      expect(sidsIn(feed.since(null))).to.include.members(sids)
      expect(sidsIn(feed.since(cursor)), 'by a cursor of before').to.include.members(sids)
      expect(news).to.include.members(sids)

      const { cursor: next } = feed.since(null)
      const more = await addEntries(standby, 1, { age: 60 })
      await feed.read()
      expect(sidsIn(feed.since(next))).to.include.members(more)
      expect(news.filter((sid) => more.includes(sid))).to.deep.equal(more)
    })

    it('is read as a whole where the other database has given out the same numbers, and more', async () => {
      const { database, failOver } = failingOver()
      await useUpNumbers(primary, 100)
      const feed = aFeed(database)
      await feed.start()
      const sids = await addEntries(standby)
      await useUpNumbers(standby, 1_000)
      failOver()
      await feed.read()
      expect(sidsIn(feed.since(null))).to.include.members(sids)
    })

    it('keeps what it knew', async () => {
      const { database, failOver } = failingOver()
      const sids = await addEntries(primary, 2, { age: 60 })
      const feed = aFeed(database)
      await feed.start()
      failOver()
      await feed.read()
      expect(sidsIn(feed.since(null))).to.include.members(sids)
    })

    it('is read as a whole after a gap, also one that comes in the middle of a reading', async () => {
      const { database } = primary.hallpass.store
      const seen: unknown[] = []
      let letGo: (() => void) | undefined
      const feed = aFeed({
        ...database,
        async query(asked, values) {
          const rows = await database.query(asked, values)
          if (asked.name !== READ_NEWS) return rows
          seen.push(values[0])
          if (seen.length === 2) await new Promise<void>((resolve) => (letGo = resolve))
          return rows
        },
      })
      await feed.start()
      const reading = feed.read()
      await eventually(() => letGo !== undefined)
      bus.onGap()
      letGo?.()
      await reading
      await eventually(() => seen.length === 3)
      expect(seen[2], 'what the third reading has seen').to.equal(seen[0])
      await feed.read()
      expect(seen[3]).not.to.equal(seen[0])
    })
  })
})
