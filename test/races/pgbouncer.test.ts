import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { statement } from '../../src/server/database/database.ts'
import { SESSION_SETTINGS } from '../../src/server/database/session-settings.ts'
import { makeServiceKey } from '../support/api-keys.ts'
import { CredentialStore, Device, presentAt } from '../support/device.ts'
import { connectTo, type SecondConnection } from '../support/held.ts'
import { aSignedInPerson, callSessions, refresh, register, rotate, send, signIn } from '../support/people.ts'
import { PGBOUNCER, startPgBouncer, type PgBouncer } from '../support/pgbouncer.ts'
import { startPostgres, type Postgres } from '../support/postgres.ts'
import { runCli, startProcess, type Environment, type ServerProcess } from '../support/processes.ts'
import { followFromNow } from '../support/revocation-feed.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'

const GRACE = { HALLPASS_REFRESH_GRACE: '30s' }
/** As few as that serve everybody in transaction mode; in session mode each of ours needs one of its own. */
const CONNECTIONS = { session: 60, transaction: 4 }

const settingsInEffect = statement<{ name: string; value: string }>(
  'test.settings_in_effect',
  'select name, current_setting(name) as value from unnest($1::text[]) as wanted (name)',
)

for (const mode of ['session', 'transaction'] as const) {
  describe(`two processes behind PgBouncer in ${mode} mode`, function () {
    this.timeout(120_000)
    let postgres: Postgres
    let sql: SecondConnection
    let bouncer: PgBouncer
    let settings: Environment
    let processes: ServerProcess[] = []
    let aside: TestServer
    /** Each time the other one. */
    let turn = 0
    const url = (): string => processes[(turn += 1) % 2]?.url ?? ''

    before(async function () {
      if (!existsSync(PGBOUNCER)) this.skip()
      // A server of its own, whose role is given settings.
      postgres = await startPostgres({ settings: { max_connections: 100 } })
      const direct = await postgres.createDatabase()
      sql = await connectTo(direct)
      bouncer = await startPgBouncer(direct, { mode, connections: CONNECTIONS[mode] })
      const transaction = { HALLPASS_DATABASE_POOLING: 'transaction', HALLPASS_DATABASE_DIRECT_URL: direct }
      settings = { ...GRACE, ...(mode === 'transaction' ? transaction : {}) }
    })
    after(async () => {
      await Promise.all(processes.map((each) => each.stop()))
      await aside?.stop()
      await bouncer?.stop()
      await sql?.end()
      await postgres?.stop()
    })

    if (mode === 'transaction') {
      it('do not start on a role without settings, and say what to run', async () => {
        const { code, output } = await runCli(bouncer.url, ['serve'], settings)
        expect(code).to.equal(1)
        const statements = output.match(/^ *alter role \w+ set \w+ = '[^']+';$/gm) ?? []
        expect(statements).to.have.length.above(3)
        const documented = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8')
        for (const each of statements) {
          expect(documented).to.include(each.trim().replace('role postgres', 'role hallpass'))
          await sql.query(each)
        }
        await bouncer.reconnect()
      })
    }

    it('start, and have in every connection what they need', async () => {
      processes = await Promise.all([startProcess(bouncer.url, settings), startProcess(bouncer.url, settings)])
      aside = await startServer('postgresql', { ...settings, DATABASE_URL: bouncer.url })
      const { database } = aside.hallpass.store
      const wanted = Object.keys(SESSION_SETTINGS)
      const seen = await Promise.all(Array.from({ length: 30 }, () => database.query(settingsInEffect, [wanted])))
      for (const rows of seen) {
        const inEffect = Object.fromEntries(rows.map(({ name, value }) => [name, value]))
        expect(inEffect).to.deep.equal({ ...SESSION_SETTINGS, datestyle: 'ISO, MDY' })
      }
    })

    it('sign in, refresh, and answer a replay with the same token', async () => {
      const device = await aSignedInPerson(url())
      const [, second = '', third = ''] = await rotate(url(), device, ['one', 'two'])
      for (let each = 0; each < 4; each += 1) {
        expect((await refresh(url(), second, { key: 'two' })).body.refresh_token).to.equal(third)
        expect((await refresh(url(), second)).body.refresh_token, 'within the grace').to.equal(third)
      }
      expect((await refresh(url(), third)).status).to.equal(200)
    })

    it('end a session whose old token comes again', async () => {
      const device = await aSignedInPerson(url())
      const tokens = await rotate(url(), device, 3)
      expect((await refresh(url(), tokens[0])).body).to.include({ reason: 'token_reuse', terminal: true })
      expect((await refresh(url(), tokens[3] ?? '')).body).to.include({ reason: 'token_reuse' })
    })

    it('revoke everywhere at once, and tell followers at either of them', async () => {
      const api = await makeServiceKey(aside, 'revocations:read')
      const followers = await Promise.all([url(), url()].map((each) => followFromNow(each, api)))
      const email = await register(url())
      const [here, there] = [await signIn(url(), email), await signIn(url(), email)]
      expect((await callSessions(url(), 'DELETE', '?except=current', here.accessToken)).body).to.deep.equal({
        revoked: 1,
      })
      for (const each of [url(), url()]) {
        expect((await refresh(each, there.refreshToken)).body).to.include({ reason: 'revoked_by_user' })
        expect((await send(`${each}/v1/users/me`, { token: there.accessToken })).status).to.equal(401)
      }
      await Promise.all(followers.map((follower) => follower.until(() => follower.sids.has(there.sessionId))))
      for (const follower of followers) follower.close()
    })

    it('do what the command line says', async () => {
      const person = await aSignedInPerson(url())
      const { code, output } = await runCli(bouncer.url, ['sessions', 'revoke', person.userId], settings)
      expect({ code, output }).to.deep.equal({ code: 0, output: 'revoked 1\n' })
      expect((await refresh(url(), person.refreshToken)).body).to.include({ reason: 'revoked_by_admin' })
    })

    it('keep 30 devices signed in that all refresh at once, now here and now there', async () => {
      const devices = await Promise.all(
        Array.from({ length: 30 }, async () => {
          const { refreshToken } = await createSession(aside, await createUser(aside))
          return new Device(new CredentialStore(refreshToken), (credential) => presentAt(url(), credential))
        }),
      )
      await Promise.all(
        devices.map(async (device) => {
          for (let each = 0; each < 10; each += 1) await device.refresh()
        }),
      )
      expect(devices.flatMap(({ refusal }) => refusal ?? [])).to.be.empty
    })

    if (mode === 'transaction') {
      it('share a few connections, beside those that listen', async () => {
        const [{ count } = { count: '' }] = await sql.query<{ count: string }>(
          `select count(*) from pg_stat_activity
           where datname = current_database() and application_name = 'hallpass' and backend_type = 'client backend'`,
        )
        expect(Number(count)).to.be.within(1, CONNECTIONS.transaction)
      })
    }
  })
}
