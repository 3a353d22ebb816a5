import { expect } from 'chai'
import { pino } from 'pino'
import { statement } from '../../../src/server/database/database.ts'
import { createNotifyBus } from '../../../src/server/revocations/bus.ts'
import { createFeed } from '../../../src/server/revocations/feed.ts'
import { createRevocationMemory, type RevocationMemory } from '../../../src/server/revocations/memory.ts'
import { aSignedInPerson, refresh, send, type SignedIn } from '../../support/people.ts'
import { withStatement } from '../../support/revocation-feed.ts'
import { onStore, type TestServer } from '../../support/server.ts'
import { restoreRow, saveRow } from '../../support/sessions.ts'

const loseRevocation = statement(
  'test.lose_revocation',
  'update sessions set revoked_at = null, revoked_reason = null where id = $1::uuid',
)

const loseEntry = statement('test.lose_entry', 'delete from revocations where session_id = $1::uuid')

/** As another process has one. */
async function aMemory({ hallpass }: TestServer, now = Date.now): Promise<RevocationMemory> {
  const { database } = hallpass.store
  const bus = createNotifyBus(database)
  const log = pino({ level: 'silent' })
  const feed = createFeed({ database, bus, accessTtl: 300, log })
  const memory = createRevocationMemory({ database, bus, feed, accessTtl: 300, log, now })
  await memory.start()
  await feed.start()
  return memory
}

describe('the memory of revocations', () => {
  onStore('postgresql', (server) => {
    it('writes a revocation again that a failover lost, with its reason, and only once', async () => {
      const { url, hallpass } = server()
      const { database } = hallpass.store
      const memory = await aMemory(server())
      const person = await aSignedInPerson(url)
      await send(`${url}/v1/sessions/current`, { method: 'DELETE', token: person.accessToken })

      expect(await memory.rewrite(), 'nothing is lost yet').to.equal(0)
      await database.query(loseRevocation, [person.sessionId])
      await database.query(loseEntry, [person.sessionId])
      expect(await memory.rewrite()).to.equal(1)
      expect(await memory.rewrite()).to.equal(0)
      expect((await refresh(url, person.refreshToken)).body).to.include({ reason: 'signed_out', terminal: true })
    })

    it('does so by itself after its connection was cut', async () => {
      const { url, hallpass } = server()
      const { database } = hallpass.store
      const person = await aSignedInPerson(url)
      await send(`${url}/v1/sessions/current`, { method: 'DELETE', token: person.accessToken })
      await database.query(loseRevocation, [person.sessionId])
      await database.query(
        statement(
          'test.cut_listeners',
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'hallpass listener'`,
        ),
        [],
      )
      for (;;) {
        const [row] = await database.query(
          statement<{ revoked_reason: string | null }>(
            'test.reason',
            'select revoked_reason from sessions where id = $1::uuid',
          ),
          [person.sessionId],
        )
        if (row?.revoked_reason === 'signed_out') break
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })

    it('believes the table alone: a forged notification signs nobody out, and ends no process', async () => {
      const { url, hallpass } = server()
      const { database } = hallpass.store
      const memory = await aMemory(server())
      const person = await aSignedInPerson(url)
      const forged = JSON.stringify({ sid: person.sessionId, sub: person.userId, kind: 'revoked', reason: 'not_me' })
      const notify = statement('test.notify', `select pg_notify('hallpass_revocations', $1::text)`)
      for (const payload of [forged, '', '{', 'null']) await database.query(notify, [payload])
      expect(await memory.rewrite()).to.equal(0)
      expect((await refresh(url, person.refreshToken)).status).to.equal(200)
    })

    describe('of a session that was revived', () => {
      const OPERATOR = { kind: 'admin', sessionId: null, ip: null } as const
      const end = ({ userId, sessionId }: SignedIn): Promise<boolean> =>
        server().hallpass.sessions.revoke(userId, sessionId, 'revoked_by_admin', OPERATOR)
      const revive = ({ userId, sessionId }: SignedIn) =>
        server().hallpass.sessions.update(userId, sessionId, { revived: true }, OPERATOR)
      const isAlive = async ({ refreshToken }: SignedIn): Promise<boolean> =>
        (await refresh(server().url, refreshToken)).status === 200

      it('has its last word, in every process', async () => {
        const memories = [await aMemory(server()), await aMemory(server())]
        const person = await aSignedInPerson(server().url)
        await end(person)
        for (const memory of memories) await memory.rewrite()
        await revive(person)
        const late = await aMemory(server())
        for (const memory of [...memories, late]) expect(await memory.rewrite()).to.equal(0)
        expect(await isAlive(person)).to.equal(true)
      })

      it('forgets its end, also where a failover then lost both', async () => {
        const memory = await aMemory(server())
        const person = await aSignedInPerson(server().url)
        const before = await saveRow(server(), person.sessionId)
        await end(person)
        await memory.rewrite()
        await revive(person)
        await memory.rewrite()
        await restoreRow(server(), before)
        await server().hallpass.store.database.query(loseEntry, [person.sessionId])
        expect(await memory.rewrite()).to.equal(0)
        expect(await isAlive(person)).to.equal(true)
      })

      it('does not end it, where it is revived while that is on its way', async () => {
        const memory = await aMemory(server())
        const person = await aSignedInPerson(server().url)
        await end(person)
        await memory.rewrite()
        await withStatement(
          server(),
          'revocations.end_again',
          async (ask) => {
            await revive(person)
            return ask()
          },
          async () => {
            await memory.rewrite()
          },
        )
        expect(await isAlive(person)).to.equal(true)
      })

      it('knows that it was ended again, and writes that', async () => {
        const memory = await aMemory(server())
        const person = await aSignedInPerson(server().url)
        await end(person)
        await revive(person)
        const before = await saveRow(server(), person.sessionId)
        await end(person)
        await memory.rewrite()
        await restoreRow(server(), before)
        expect(await memory.rewrite()).to.equal(1)
        expect((await refresh(server().url, person.refreshToken)).body).to.include({ reason: 'revoked_by_admin' })
      })

      it('knows one that was expired by an operator, who can revive it all the same', async () => {
        const { sessions } = server().hallpass
        const memory = await aMemory(server())
        const person = await aSignedInPerson(server().url)
        const before = await saveRow(server(), person.sessionId)
        await sessions.update(person.userId, person.sessionId, { expired: true }, OPERATOR)
        expect(await memory.rewrite()).to.equal(0)
        await restoreRow(server(), before)
        expect(await memory.rewrite()).to.equal(1)
        expect(await sessions.find(person.userId, person.sessionId)).to.include({ status: 'expired', revokedAt: null })
        await revive(person)
        expect(await memory.rewrite()).to.equal(0)
        expect(await isAlive(person)).to.equal(true)
      })
    })

    it('lasts an hour', async () => {
      const { url, hallpass } = server()
      const { database } = hallpass.store
      let now = Date.now()
      const memory = await aMemory(server(), () => now)
      const person = await aSignedInPerson(url)
      await send(`${url}/v1/sessions/current`, { method: 'DELETE', token: person.accessToken })
      await database.query(loseRevocation, [person.sessionId])
      now += 61 * 60 * 1000
      expect(await memory.rewrite()).to.equal(0)
    })
  })
})
