import { expect } from 'chai'
import { MikroORM } from '@mikro-orm/postgresql'
import { postgresOptions } from '../../mikro-orm.config.ts'
import { statement } from '../../src/server/database/database.ts'
import { createLog } from '../../src/server/log.ts'
import type { Task } from '../../src/server/upkeep/task.ts'
import { createUpkeep, type Upkeep } from '../../src/server/upkeep/upkeep.ts'
import { connectTo, type SecondConnection } from '../support/held.ts'
import { refresh } from '../support/people.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { DAY, moveTimes, rowOf } from '../support/rows.ts'
import { onStore } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'
import { ageSession, doUpkeep, makeUpkeepDue } from '../support/upkeep.ts'

describe('upkeep, at the same time as others', function () {
  this.timeout(60_000)

  onStore('postgresql', (server) => {
    let other: SecondConnection
    beforeEach(async () => {
      other = await connectTo(server().databaseUrl)
    })
    afterEach(() => other.end())

    const anOldSession = async () => {
      const session = await createSession(server(), await createUser(server()))
      await ageSession(server(), session.sessionId, 90 * DAY)
      return session
    }
    const prune = (): Promise<number> => server().hallpass.pruning.pruneAll()

    describe('pruning', () => {
      it('leaves a session to whoever is about to revive it, and waits for nobody', async () => {
        const [held, free] = [await anOldSession(), await anOldSession()]
        await other.query('begin')
        await other.query(
          `update sessions set idle_expires_at = now() + interval '1 day', absolute_expires_at = now() + interval '1 day'
           where user_id = $1 and id = $2`,
          [held.userId, held.sessionId],
        )
        const pruning = prune()
        expect(await other.isWaitedForBy(pruning)).to.equal(false)
        expect(await pruning).to.equal(1)
        await other.query('commit')
        expect(await prune()).to.equal(0)
        expect((await refresh(server().url, held.refreshToken)).status).to.equal(200)
        expect((await refresh(server().url, free.refreshToken)).body).to.include({ reason: 'unknown_session' })
      })

      it('never takes a session that was revived between being looked at and being removed', async () => {
        for (let round = 0; round < 20; round += 1) {
          const session = await anOldSession()
          const reviving = moveTimes(server(), session, { idle_expires_at: DAY, absolute_expires_at: DAY })
          const [pruned] = await Promise.all([prune(), reviving])
          const answer = await refresh(server().url, session.refreshToken)
          if (pruned === 0) expect(answer.status).to.equal(200)
          else expect(answer.body).to.include({ reason: 'unknown_session' })
        }
      })

      it('disturbs no refresh, and loses no live session', async () => {
        const devices = await Promise.all(
          Array.from({ length: 8 }, async () => createSession(server(), await createUser(server()))),
        )
        await Promise.all(Array.from({ length: 8 }, anOldSession))
        let isOver = false
        const refreshing = devices.map(async (device) => {
          let token = device.refreshToken
          while (!isOver) {
            const { status, body } = await refresh(server().url, token)
            expect(status, JSON.stringify(body)).to.equal(200)
            token = body.refresh_token
          }
        })
        let pruned = 0
        for (let round = 0; round < 5; round += 1) pruned += await prune()
        isOver = true
        await Promise.all(refreshing)
        expect(pruned).to.equal(8)
        for (const device of devices) expect((await rowOf(server(), device)).revoked_reason).to.equal(null)
      })
    })

    describe('months of the history', () => {
      it('are made later where somebody holds the history, and hold up nobody meanwhile', async () => {
        await server().hallpass.upkeep.run()
        await other.query(
          `do $$ begin execute (select 'drop table ' || string_agg(inhrelid::regclass::text, ', ') from pg_inherits
             where inhparent = 'events'::regclass and inhrelid <> 'events_default'::regclass); end $$`,
        )
        await other.query('begin')
        await other.query('lock table events_default in row exclusive mode')
        await makeUpkeepDue(server())
        await server().hallpass.upkeep.run()
        const months = () =>
          other.query<{ count: number }>(
            `select count(*)::int as count from pg_inherits where inhparent = 'events'::regclass`,
          )
        expect(await months()).to.deep.equal([{ count: 1 }])
        await other.query('commit')
        await createSession(server(), await createUser(server()))
        await makeUpkeepDue(server())
        await server().hallpass.upkeep.run()
        expect(await months()).to.deep.equal([{ count: 4 }])
        expect(await other.query('select from events_default')).to.be.empty
      })
    })

    describe('of several processes', () => {
      const upkeepBeside = (task: Task): Upkeep =>
        createUpkeep({ database: server().hallpass.store.database, tasks: [task], log: createLog('silent') })
      const next = async (task: string): Promise<{ seconds: number; place: string | null } | undefined> =>
        (
          await server().hallpass.store.database.query(
            statement<{ seconds: number; place: string | null }>(
              'test.next_turn',
              `select extract(epoch from next_at - clock_timestamp())::float8 as seconds, place
               from upkeep where task = $1::text`,
            ),
            [task],
          )
        )[0]

      it('does a task once, in one of them at a time', async () => {
        let atOnce = 0
        let most = 0
        let turns = 0
        const task: Task = {
          name: 'test_once',
          every: 3600,
          async run() {
            turns += 1
            most = Math.max(most, (atOnce += 1))
            for (let count = 0; count < 20; count += 1) await other.query('select 1')
            atOnce -= 1
          },
        }
        const all = Array.from({ length: 6 }, () => upkeepBeside(task))
        await Promise.all(all.map((each) => each.run()))
        expect(turns, 'not before it is due').to.equal(0)
        await makeUpkeepDue(server())
        await Promise.all(all.map((each) => each.run()))
        expect({ turns, most }).to.deep.equal({ turns: 1, most: 1 })
        expect((await next('test_once'))?.seconds).to.be.within(3590, 3600)
      })

      it('takes over from one that died, when its time is over', async () => {
        const turns: string[] = []
        const [death, hasBegun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
        const dying = upkeepBeside({
          name: 'test_death',
          every: 60,
          run: () => {
            turns.push('dying')
            hasBegun.resolve()
            return death.promise
          },
        })
        const living = upkeepBeside({ name: 'test_death', every: 60, run: async () => void turns.push('living') })
        await living.run()
        await makeUpkeepDue(server())
        const never = dying.run()
        await hasBegun.promise
        await makeUpkeepDue(server())
        await living.run()
        expect(turns).to.deep.equal(['dying'])

        await other.query(`update upkeep set next_at = now() where task = 'test_death'`)
        await living.run()
        expect(turns).to.deep.equal(['dying', 'living'])
        const before = await next('test_death')
        death.resolve()
        await never
        // It was not its own any more: what it has to say of the next turn counts nothing.
        expect((await next('test_death'))?.seconds).to.be.at.most(before?.seconds ?? 0)
      })

      it('tries again what failed, from the same place, and does the others meanwhile', async () => {
        const places: (string | null)[] = []
        const task: Task = {
          name: 'test_failure',
          every: 3600,
          run: async ({ place }) => {
            places.push(place)
            if (places.length === 1) return { place: 'half', isDone: false }
            if (places.length === 2) throw new Error('something went wrong')
          },
        }
        const upkeep = upkeepBeside(task)
        await doUpkeep(server(), upkeep)
        expect((await next('test_failure'))?.seconds).to.be.below(6)
        for (const seconds of [60, 3600]) {
          await makeUpkeepDue(server())
          await upkeep.run()
          expect((await next('test_failure'))?.seconds).to.be.within(seconds - 5, seconds)
        }
        expect(places).to.deep.equal([null, 'half', 'half'])
      })

      it('begins nothing after it was told to stop', async () => {
        const hasBegun = Promise.withResolvers<void>()
        let isTold = false
        const upkeep = upkeepBeside({
          name: 'test_stop',
          every: 60,
          run: ({ signal }) =>
            new Promise((resolve) => {
              signal.addEventListener('abort', () => resolve(void (isTold = true)))
              hasBegun.resolve()
            }),
        })
        await upkeep.run()
        await makeUpkeepDue(server())
        const running = upkeep.run()
        await hasBegun.promise
        await upkeep.stop()
        await running
        expect(isTold).to.equal(true)
        expect((await next('test_stop'))?.place).to.equal(null)
        await makeUpkeepDue(server())
        await upkeep.run()
        expect((await next('test_stop'))?.seconds).to.be.below(1)
      })
    })
  })
})

describe('the migration of the history', function () {
  this.timeout(60_000)

  it('brings what was there into its months, and back', async () => {
    const postgres = await sharedPostgres()
    const databaseUrl = await postgres.createDatabase()
    const orm = await MikroORM.init(postgresOptions(databaseUrl, { max: 1 }))
    const sql = await connectTo(databaseUrl)
    const tables = () =>
      sql.query(`select tableoid::regclass::text as name, count(*)::int as count from events group by 1 order by 1`)
    try {
      await orm.migrator.up({ to: '0004-control' })
      await sql.query(
        `insert into events (created_at, user_id, type, actor)
         select at::timestamptz, gen_random_uuid(), 'user.created', 'user'
         from unnest('{2026-09-30T23:59:59.999999Z,2026-10-01T00:00:00Z,2026-10-31T12:00:00+09:00}'::text[]) as at`,
      )
      await orm.migrator.up({ to: '0006-history' })
      expect(await tables()).to.deep.equal([
        { name: 'events_2026_09', count: 1 },
        { name: 'events_2026_10', count: 2 },
      ])
      await orm.migrator.down({ to: '0004-control' })
      expect(await tables()).to.deep.equal([{ name: 'events_default', count: 3 }])
      await orm.migrator.up({ to: '0006-history' })
      expect(await tables()).to.have.length(2)
    } finally {
      await Promise.all([orm.close(), sql.end()])
      await postgres.dropDatabase(databaseUrl)
    }
  })
})
