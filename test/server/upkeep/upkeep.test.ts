import { expect } from 'chai'
import { runCommand } from '../../../src/server/commands.ts'
import { statement, type Value } from '../../../src/server/database/database.ts'
import { makeKey, makeServiceKey, moveKeyTimes } from '../../support/api-keys.ts'
import { refresh } from '../../support/people.ts'
import { DAY, HOUR, MINUTE } from '../../support/rows.ts'
import { onBothStores } from '../../support/server.ts'
import { createSession, createUser } from '../../support/sessions.ts'
import { ageEvents, ageSession, doUpkeep } from '../../support/upkeep.ts'

describe('Upkeep', () => {
  onBothStores((server) => {
    let tests = 0
    const query = <Row>(text: string, values: readonly Value[] = []): Promise<Row[]> =>
      server().hallpass.store.database.query(statement<Row>(`test.upkeep_${(tests += 1)}`, text), values)
    const numberOf = async (table: string, condition: string, values: readonly Value[] = []): Promise<number> =>
      (await query<{ count: number }>(`select count(*)::int as count from ${table} where ${condition}`, values))[0]
        ?.count ?? 0
    const revoke = (userId: string, sessionId: string) =>
      server().hallpass.sessions.revoke(userId, sessionId, 'signed_out', { kind: 'user', sessionId, ip: null })

    let userId: string
    beforeEach(async () => {
      userId = await createUser(server())
    })
    const aSession = (ip = '198.51.100.7') => createSession(server(), userId, { ip })
    const sessionsLeft = async (): Promise<string[]> =>
      (await query<{ id: string }>('select id from sessions where user_id = $1::uuid order by id', [userId])).map(
        ({ id }) => id,
      )

    describe('of sessions', () => {
      it('removes those that are over for longer than they are kept, however they ended, and no other', async () => {
        const [live, old, revokedOld, revoked, expired] = [
          await aSession(),
          await aSession(),
          await aSession(),
          await aSession(),
          await aSession(),
        ]
        await revoke(userId, revokedOld.sessionId)
        await ageSession(server(), revokedOld.sessionId, 31 * DAY)
        await revoke(userId, revoked.sessionId)
        await ageSession(server(), revoked.sessionId, 29 * DAY)
        await ageSession(server(), old.sessionId, 61 * DAY)
        await ageSession(server(), expired.sessionId, 59 * DAY)
        await doUpkeep(server())

        expect(await sessionsLeft()).to.deep.equal([live, revoked, expired].map(({ sessionId }) => sessionId).sort())
        expect((await refresh(server().url, live.refreshToken)).status).to.equal(200)
        expect((await refresh(server().url, old.refreshToken)).body).to.include({ reason: 'unknown_session' })
        expect((await refresh(server().url, revoked.refreshToken)).body).to.include({ reason: 'signed_out' })
        expect((await refresh(server().url, expired.refreshToken)).body).to.include({ reason: 'expired_idle' })
      })

      it('forgets no person with them: a device after a long time is news', async () => {
        const first = await aSession()
        await ageSession(server(), first.sessionId, 90 * DAY)
        await doUpkeep(server())
        expect(await sessionsLeft()).to.be.empty
        await aSession('203.0.113.9')
        const page = await server().hallpass.history.ofUser(userId, { limit: 10, cursor: null })
        expect(page?.events.map(({ details }) => details)).to.deep.equal([{ new_device: true }, {}])
      })

      it('goes on where the turn before left off, and begins anew after the end', async () => {
        const { pruning } = server().hallpass
        const [old, behind] = [await aSession(), await aSession()].map(({ sessionId }) => sessionId).sort()
        await ageSession(server(), old ?? '', 90 * DAY)
        await ageSession(server(), behind ?? '', 90 * DAY)
        const signal = new AbortController().signal
        const skipped = await pruning.takeTurn({ place: `${userId} ${old}`, signal })
        expect(skipped).to.deep.equal({ place: null, isDone: true })
        expect(await sessionsLeft()).to.deep.equal([old])
        const stopped = await pruning.takeTurn({ place: `${userId} ${old}`, signal: AbortSignal.abort() })
        expect(stopped).to.deep.equal({ place: `${userId} ${old}`, isDone: false })
        await pruning.takeTurn({ place: null, signal })
        expect(await sessionsLeft()).to.be.empty
      })

      it('comes through more of them than go in one piece', async () => {
        const { sessionId } = await aSession()
        await query(
          `insert into sessions
           select another.* from sessions, generate_series(1, 1100) as number,
             lateral jsonb_populate_record(sessions, jsonb_build_object('id', md5(number::text)::uuid)) as another
           where sessions.user_id = $1::uuid`,
          [userId],
        )
        await query(
          `update sessions set idle_expires_at = now() - interval '31 days' where user_id = $1 and id <> $2`,
          [userId, sessionId],
        )
        let output = ''
        await runCommand(['sessions', 'prune'], server().hallpass, (text) => (output += text))
        expect(Number(/^pruned (\d+)\n$/.exec(output)?.[1])).to.be.at.least(1100)
        expect(await sessionsLeft()).to.deep.equal([sessionId])
      })
    })

    describe('of addresses', () => {
      it('keeps the network alone of what is old, in the history and of sessions not used since', async () => {
        const [idle, used, v6] = [await aSession(), await aSession(), await aSession('2001:db8:1:2::7')]
        await ageEvents(server(), userId, 91 * DAY)
        const recent = await aSession('203.0.113.9')
        for (const { sessionId } of [idle, v6]) {
          await query(`update sessions set last_used_at = now() - interval '91 days' where user_id = $1 and id = $2`, [
            userId,
            sessionId,
          ])
        }
        await doUpkeep(server())

        const ipOf = (session: { sessionId: string }) =>
          query<{ first: string; last: string }>(
            'select ip_first::text as first, ip_last::text as last from sessions where user_id = $1 and id = $2',
            [userId, session.sessionId],
          )
        expect(await ipOf(idle)).to.deep.equal([{ first: '198.51.100.0/24', last: '198.51.100.0/24' }])
        expect(await ipOf(v6)).to.deep.equal([{ first: '2001:db8:1::/48', last: '2001:db8:1::/48' }])
        expect(await ipOf(used)).to.deep.equal([{ first: '198.51.100.7/32', last: '198.51.100.7/32' }])
        const page = await server().hallpass.history.ofUser(userId, { limit: 10, cursor: null })
        expect(Object.fromEntries(page?.events.map(({ subject, ip }) => [subject?.id, ip]) ?? [])).to.deep.equal({
          [idle.sessionId]: '198.51.100.0/24',
          [used.sessionId]: '198.51.100.0/24',
          [v6.sessionId]: '2001:db8:1::/48',
          [recent.sessionId]: '203.0.113.9',
        })
        expect((await server().hallpass.sessions.find(userId, idle.sessionId))?.ip).to.equal('198.51.100.0')
        // Nobody is taken for a stranger because of it.
        const again = await createSession(server(), userId, { ip: '198.51.100.200' })
        const newest = await server().hallpass.history.ofUser(userId, { limit: 1, cursor: null })
        expect(newest?.events[0]).to.deep.include({ details: {} })
        expect(newest?.events[0]?.subject?.id).to.equal(again.sessionId)
      })
    })

    describe('of the history', () => {
      const monthsThere = async (): Promise<string[]> =>
        (
          await query<{ name: string }>(
            `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass`,
          )
        ).map(({ name }) => name)

      /** `events_2026_11`, so many days from now. */
      const monthIn = (days: number): string =>
        `events_${new Date(Date.now() + days * DAY * 1000).toISOString().slice(0, 7).replace('-', '_')}`

      const tableOfEvents = async (): Promise<string[]> =>
        (
          await query<{ name: string }>(
            'select distinct tableoid::regclass::text as name from events where user_id = $1::uuid',
            [userId],
          )
        ).map(({ name }) => name)

      it('is in its month from the beginning', async () => {
        await aSession()
        expect(await tableOfEvents()).to.deep.equal([monthIn(0)])
      })

      it('gives a month of its own to what no month was made for', async () => {
        for (const days of [-200, 200]) {
          await aSession()
          await ageEvents(server(), userId, -days * DAY)
          expect(await tableOfEvents()).to.deep.equal(['events_default'])
          await doUpkeep(server())
          expect(await tableOfEvents()).to.deep.equal([monthIn(days)])
          await query('delete from events where user_id = $1', [userId])
        }
        expect(await monthsThere()).to.include.members([monthIn(0), monthIn(200), 'events_default'])
      })

      it('makes the months to come, and drops those that are wholly over', async () => {
        await aSession()
        await ageEvents(server(), userId, 432 * DAY)
        const neighbour = await createUser(server())
        await createSession(server(), neighbour)
        await ageEvents(server(), neighbour, 399 * DAY)
        await query(`drop table ${(await monthsThere()).filter((name) => /_\d\d$/.test(name)).join()}`)
        await createSession(server(), neighbour)
        await doUpkeep(server())

        expect(await tableOfEvents()).to.be.empty
        expect(await numberOf('events', 'user_id = $1::uuid', [neighbour])).to.equal(2)
        expect(await numberOf('events_default', 'true')).to.equal(0)
        const months = await monthsThere()
        expect(months).to.include(monthIn(-399)).and.not.include(monthIn(-432))
        const soon = [0, 1, 2].map((ahead) => {
          const now = new Date()
          const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead))
          return `events_${month.toISOString().slice(0, 7).replace('-', '_')}`
        })
        expect(months).to.include.members(soon)
        const [index] = await query<{ count: number }>(
          `select count(*)::int as count from pg_index where indrelid = $1::text::regclass`,
          [soon[2] ?? ''],
        )
        expect(index?.count, 'its primary key and the index by user').to.equal(2)
      })
    })

    it('forgets entries of the feed that are past, but not those of the last hour', async () => {
      const [past, recent] = [await aSession(), await aSession()]
      for (const { sessionId } of [past, recent]) await revoke(userId, sessionId)
      const age = (sessionId: string, seconds: number) =>
        query(
          `update revocations set issued_until = issued_until - make_interval(secs => $2::float8),
             until = until - make_interval(secs => $2::float8) where session_id = $1::uuid`,
          [sessionId, seconds],
        )
      await age(past.sessionId, 2 * HOUR)
      await age(recent.sessionId, 50 * MINUTE)
      await doUpkeep(server())
      expect(await numberOf('revocations', 'session_id = $1::uuid', [past.sessionId])).to.equal(0)
      expect(await numberOf('revocations', 'session_id = $1::uuid', [recent.sessionId])).to.equal(1)
    })

    it('removes API keys that ended long ago, links that have expired, and old figures', async () => {
      const { accessToken } = await aSession()
      const [kept, expired] = [await makeKey(server().url, accessToken), await makeServiceKey(server(), 'introspect')]
      const revoked = await makeKey(server().url, accessToken)
      await moveKeyTimes(server(), expired, { expires_at: -31 * DAY })
      await moveKeyTimes(server(), kept, { expires_at: -29 * DAY })
      await query(`update api_keys set revoked_at = now() - interval '31 days' where id = $1::uuid`, [revoked.id])
      await query(
        `insert into email_tokens (user_id, purpose, token_hash, sent_to, account_address, expires_at)
         values ($1::uuid, 'reset', '\\x01', '', '', now()), ($1::uuid, 'confirm', '\\x02', '', '', now() + interval '1 hour')`,
        [userId],
      )
      await query(
        `insert into counters values (now() - interval '36 days', 'old', 1), (now() - interval '34 days', 'young', 1)`,
      )
      await doUpkeep(server())

      expect(await numberOf('api_keys', 'id = $1::uuid or id = $2::uuid', [expired.id, revoked.id])).to.equal(0)
      expect(await numberOf('api_keys', 'id = $1::uuid', [kept.id])).to.equal(1)
      const left = await query<{ purpose: string }>('select purpose from email_tokens where user_id = $1', [userId])
      expect(left).to.deep.equal([{ purpose: 'confirm' }])
      expect(await numberOf('counters', `name = 'old'`)).to.equal(0)
      expect(await numberOf('counters', `name = 'young'`)).to.equal(1)
      await query('delete from counters')
    })
  })
})
