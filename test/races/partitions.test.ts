import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { migratePostgres } from '../../src/server/database/migrate.ts'
import { connectTo } from '../support/held.ts'
import { aSignedInPerson, callSessions, refresh, register, rotate, signIn } from '../support/people.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { startServer, type TestServer } from '../support/server.ts'

/** As docs/scaling.md tells it. */
const SPLIT =
  /### Partitions[^]*?```sql\n([^]*?)```/.exec(
    readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8'),
  )?.[1] ?? ''

describe('sessions in sixteen partitions, by a hash of the user', function () {
  this.timeout(90_000)
  let databaseUrl: string
  let server: TestServer
  let earlier: Awaited<ReturnType<typeof aSignedInPerson>>

  before(async () => {
    databaseUrl = await (await sharedPostgres()).createDatabase()
    const whole = await startServer('postgresql', { DATABASE_URL: databaseUrl })
    earlier = await aSignedInPerson(whole.url)
    await whole.stop()

    const sql = await connectTo(databaseUrl)
    await sql.query(SPLIT)
    expect(await sql.query(`select from pg_inherits where inhparent = 'sessions'::regclass`)).to.have.length(16)
    await sql.end()
    expect(await migratePostgres(databaseUrl)).to.be.empty
    server = await startServer('postgresql', { DATABASE_URL: databaseUrl })
  })
  after(async () => {
    await server?.stop()
    await (await sharedPostgres()).dropDatabase(databaseUrl)
  })

  it('have those that were there', async () => {
    expect((await refresh(server.url, earlier.refreshToken)).status).to.equal(200)
  })

  it('are refreshed, by one and by many at once, and a replay is answered', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => aSignedInPerson(server.url)))
    const all = await Promise.all(people.map((person) => rotate(server.url, person, ['one', 'two', 'three'])))
    for (const [, , second = '', third] of all) {
      expect((await refresh(server.url, second, { key: 'three' })).body.refresh_token).to.equal(third)
    }
  })

  it('end by theft, by their owner and by the command of an operator', async () => {
    const { url, hallpass } = server
    const stolen = await aSignedInPerson(url)
    await rotate(url, stolen, 2)
    expect((await refresh(url, stolen.refreshToken)).body).to.include({ reason: 'token_reuse' })

    const email = await register(url)
    const devices = [await signIn(url, email), await signIn(url, email), await signIn(url, email)]
    const [here] = devices
    const answer = await callSessions(url, 'DELETE', '?except=current', here?.accessToken ?? '')
    expect(answer.body).to.deep.equal({ revoked: 2 })
    const listed = await callSessions(url, 'GET', '?status=all', here?.accessToken ?? '')
    expect(listed.body['sessions']).to.have.length(3)

    expect(
      await hallpass.sessions.revokeEverybody('revoked_by_admin', { kind: 'admin', sessionId: null, ip: null }),
    ).to.be.above(20)
    expect((await refresh(url, here?.refreshToken ?? '')).body).to.include({ reason: 'revoked_by_admin' })
  })

  it('are pruned', async () => {
    const sql = await connectTo(databaseUrl)
    await sql.query(`update sessions set revoked_at = revoked_at - interval '40 days' where revoked_at is not null`)
    expect(await server.hallpass.pruning.pruneAll()).to.be.above(20)
    expect(await sql.query('select from sessions')).to.be.empty
    await sql.end()
  })
})
