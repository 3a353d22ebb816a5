import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { runCommand } from '../../src/server/commands.ts'
import { statement } from '../../src/server/database/database.ts'
import { describeDevice, deviceEvidence } from '../../src/server/sessions/device.ts'
import type { SignIn } from '../../src/server/sessions/sign-in.ts'
import { basic, makeServiceKey, type Key } from '../support/api-keys.ts'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import { refresh, send, type Answer } from '../support/people.ts'
import { DAY, eventsOf, feedOf, moveTimes } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'
import { addressOf, createSession, createUser } from '../support/sessions.ts'

type Device = Awaited<ReturnType<typeof createSession>>

const app = (name: string, version: string, os = 'Android') =>
  describeDevice(deviceEvidence({ 'hallpass-client': `"${name}"; version="${version}"; os="${os}"` }, null))

/** More than the walk takes in one batch. */
const MORE_THAN_A_BATCH = 2_345

describe('Sessions found by what they have in common', () => {
  onBothStores((server) => {
    let admin: Key
    let userId: string
    /** Their own for each story, so that stories do not count each other's. */
    let clientId: string
    before(async () => (admin = await makeServiceKey(server(), 'admin')))
    beforeEach(async () => {
      clientId = randomUUID()
      userId = await createUser(server())
    })

    const ask = (method: string, query: Record<string, string>): Promise<Answer> =>
      send(`${server().url}/v1/admin/sessions?${new URLSearchParams(query).toString()}`, {
        method,
        headers: basic(admin),
      })
    const find = async (query: Record<string, string>): Promise<string[]> => {
      const { status, body } = await ask('GET', { client_id: clientId, ...query })
      expect(status).to.equal(200)
      return (body['sessions'] as { id: string }[]).map(({ id }) => id)
    }
    const start = (options: Partial<SignIn> = {}, of = userId): Promise<Device> =>
      createSession(server(), of, { clientId, ...options })
    const command = async (...argv: string[]): Promise<{ code: number; said: string }> => {
      let said = ''
      const code = await runCommand(['sessions', ...argv], server().hallpass, (text) => void (said += text))
      return { code, said }
    }
    /** Many rows like this one, of the same client; of somebody each. */
    const copy = ({ sessionId }: Device, count: number): Promise<unknown> =>
      server().hallpass.store.database.query(
        statement(
          'test.copy_sessions',
          `insert into sessions select copied.* from sessions as original,
             generate_series(1, $2::int) as number,
             lateral (select md5(original.id::text || number)::uuid as key) as made,
             jsonb_populate_record(original, jsonb_build_object('user_id', key, 'id', key)) as copied
           where original.id = $1::uuid`,
        ),
        [sessionId, count],
      )

    it('by each thing that is known of them, and all that is asked has to hold', async () => {
      const old = await start({ device: app('Postcards', '2.9.1'), ip: '192.0.2.7', amr: ['pwd'] })
      const young = await start({ device: app('Postcards', '2.10', 'iOS'), ip: '2001:db8::1', amr: ['otp'] })
      const other = await start({ device: app('Letters', '1.0-beta'), ip: '198.51.100.1', amr: ['pwd', 'otp'] })
      const plain = await start()
      await moveTimes(server(), old, { created_at: -30 * DAY })
      await server().hallpass.store.database.query(
        statement(
          'test.place',
          `update sessions set location = '{"city":null,"country":"Germany","code":"DE"}' where id = $1::uuid`,
        ),
        [young.sessionId],
      )
      for (const [query, expected] of [
        [{}, [old, young, other, plain]],
        [{ platform: 'ANDROID' }, [old, other]],
        [{ app: 'postcards' }, [old, young]],
        [{ app_version_below: '2.10' }, [old, other]],
        [{ app_version_below: '2.9.1.0' }, [other]],
        [{ app_version_below: '2.9.1.1', app: 'Postcards' }, [old]],
        [{ app_version_below: '1' }, []],
        [{ country: 'de' }, [young]],
        [{ country: 'Germany' }, [young]],
        [{ ip: '192.0.2.0/24' }, [old]],
        [{ ip: '192.0.2.7' }, [old]],
        [{ ip: '2001:db8::/32' }, [young]],
        [{ created_before: new Date(Date.now() - 10 * DAY * 1000).toISOString() }, [old]],
        [{ method: 'otp' }, [young, other]],
        [{ method: 'otp', platform: 'android' }, [other]],
        [{ user_id: userId }, [old, young, other, plain]],
        [{ user_id: randomUUID() }, []],
        [{ status: 'expired' }, []],
      ] as const) {
        expect(await find(query), JSON.stringify(query)).to.have.members(expected.map(({ sessionId }) => sessionId))
        expect((await ask('GET', { client_id: clientId, ...query, count: 'true' })).body).to.deep.equal({
          count: expected.length,
        })
      }
      await refresh(server().url, old.refreshToken)
      expect(await find({ ip: '192.0.2.7' }), 'where it began').to.deep.equal([old.sessionId])
      expect(await find({ ip: '127.0.0.0/8' }), 'where it was last').to.deep.equal([old.sessionId])
      await moveTimes(server(), plain, { idle_expires_at: -1 })
      expect(await find({ status: 'expired' })).to.deep.equal([plain.sessionId])
      expect(await find({ status: 'all' })).to.have.lengthOf(4)
    })

    it('refuses what it does not understand, and says where', async () => {
      for (const [query, pointer] of [
        [{ user_id: 'garbage' }, '/user_id'],
        [{ ip: '300.0.0.1' }, '/ip'],
        [{ ip: '1/8' }, '/ip'],
        [{ ip: '10.0.0.0/33' }, '/ip'],
        [{ ip: 'fe80::1%eth0' }, '/ip'],
        [{ app_version_below: '2.x' }, '/app_version_below'],
        [{ app_version_below: '1.2.3.4.5.6.7' }, '/app_version_below'],
        [{ platform: '' }, '/platform'],
        [{ country: 'D\0' }, '/country'],
        [{ cursor: 'garbage' }, '/cursor'],
        [{ colour: 'red' }, undefined],
        [{ created_before: 'yesterday' }, undefined],
        [{ status: 'dead' }, undefined],
      ] as const) {
        const answer = await ask('GET', query as Record<string, string>)
        expectProblem(answer, 400, 'invalid_request')
        const [error] = (answer.body['errors'] ?? [{}]) as { pointer?: string }[]
        expect(error?.pointer, JSON.stringify(query)).to.equal(pointer)
      }
    })

    it('a hundred a page, and none twice', async () => {
      await copy(await start(), 249)
      const seen = new Set<string>()
      const pages: number[] = []
      let cursor: string | undefined
      do {
        const { body } = await ask('GET', { client_id: clientId, ...(cursor === undefined ? {} : { cursor }) })
        const sessions = body['sessions'] as { id: string }[]
        pages.push(sessions.length)
        for (const { id } of sessions) seen.add(id)
        cursor = (body['cursor'] as string | null) ?? undefined
      } while (cursor !== undefined)
      expect(seen.size).to.equal(250)
      expect(pages).to.deep.equal([100, 100, 50])
    })

    it('are ended together, after a dry run that counts them, batch after batch', async () => {
      const first = await start({ device: app('Postcards', '1.0') })
      const spared = await start({ device: app('Postcards', '2.0') })
      await copy(first, MORE_THAN_A_BATCH - 1)
      const query = { client_id: clientId, app_version_below: '2' }
      expect((await ask('DELETE', { ...query, dry_run: 'true' })).body).to.deep.equal({
        would_revoke: MORE_THAN_A_BATCH,
      })
      expect(await feedOf(server(), first)).to.be.empty
      expect((await ask('DELETE', query)).body).to.deep.equal({ revoked: MORE_THAN_A_BATCH })
      expect((await ask('DELETE', query)).body).to.deep.equal({ revoked: 0 })
      expectRefusal(await refresh(server().url, first.refreshToken), 'revoked_by_admin')
      expect((await refresh(server().url, spared.refreshToken)).status).to.equal(200)
      expect((await feedOf(server(), first)).map(({ kind }) => kind)).to.deep.equal(['revoked'])
      expect((await eventsOf(server(), first)).at(-1)).to.include({
        type: 'session.revoked',
        reason: 'revoked_by_admin',
        actor: 'admin',
        actor_id: admin.id,
      })
    })

    it('but not all of everybody, by a word that was forgotten', async () => {
      expectProblem(await ask('DELETE', {}), 400, 'invalid_request')
      expectProblem(await ask('DELETE', { dry_run: 'true' }), 400, 'invalid_request')
      expectProblem(await ask('DELETE', { client_id: '' }), 400, 'invalid_request')
    })

    it('are not answered for while the database is away', async () => {
      await withDatabaseAway(server(), async () => {
        for (const method of ['GET', 'DELETE']) {
          expectProblem(await ask(method, { client_id: clientId }), 503, 'temporarily_unavailable')
        }
      })
    })

    describe('on the command line', () => {
      it('by a person’s address or id', async () => {
        const { sessionId } = await start()
        for (const who of [userId, addressOf(userId)]) {
          expect((await command('list', who)).said).to.include(sessionId)
          expect((await command('count', who)).said).to.equal('1\n')
        }
        expect((await command('list', userId, '--status', 'revoked')).said).to.equal('')
        expect(JSON.parse((await command('list', userId, '--json')).said)).to.include({ id: sessionId })
        expect(JSON.parse((await command('show', userId, sessionId)).said)).to.include({ id: sessionId, pinned: false })
        const unknown = await command('show', userId, randomUUID())
        expect(unknown).to.deep.include({ code: 1 })
        expect(unknown.said).to.include('no such session')
        expect((await command('list', 'nobody@example.com')).code).to.equal(1)
      })

      it('one is moved, ended, revived, pinned and told things', async () => {
        const device = await start()
        const change = (name: string, ...more: string[]): Promise<{ code: number; said: string }> =>
          command(name, userId, device.sessionId, ...more)
        const shown = async (): Promise<Record<string, unknown>> =>
          JSON.parse((await change('show')).said) as Record<string, unknown>

        expect((await change('shorten', '400d')).said).to.include('it would not end earlier')
        expect((await change('extend', '1d')).code).to.equal(1)
        expect((await change('extend', '400d')).said).to.match(/^extended .* active, expires /)
        expect((await change('shorten', '1h', '--idle')).code).to.equal(0)
        expect((await change('idle-ttl', '12h')).code).to.equal(0)
        expect((await change('set-data', '{"shop":4}')).code).to.equal(0)
        expect((await change('set-data', '{"plan":"team"}', '--claims')).code).to.equal(0)
        expect((await change('set-data', '[4]')).code).to.equal(1)
        expect((await change('pin')).code).to.equal(0)
        expect(await shown()).to.deep.include({
          idleTtl: 12 * 60 * 60,
          data: { shop: 4 },
          claims: { plan: 'team' },
          pinned: true,
        })
        expect((await change('unpin')).code).to.equal(0)
        expect((await change('expire')).said).to.include('expired,')
        expect((await change('pin')).said).to.include('has ended')
        expect((await change('revive')).said).to.include(' active,')
        await change('shorten', '2000-01-01')
        expect((await change('revive')).said).to.include('longest life')
        expect((await change('revive', '--until', '7d')).said).to.include(' active,')
        expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
        const events = await eventsOf(server(), device)
        expect(new Set(events.slice(1).map(({ actor }) => actor))).to.deep.equal(new Set(['admin']))
        expect(events.find(({ details }) => 'idle_ttl' in details)?.details).to.deep.equal({ idle_ttl: 12 * 60 * 60 })
      })

      it('many are ended, after a dry run', async () => {
        const [one, other] = [await start({ device: app('Postcards', '1') }), await start()]
        const those = ['revoke', '--client', clientId, '--app-version-below', '2']
        expect((await command(...those, '--dry-run')).said).to.equal('would revoke 1\n')
        expect((await command(...those)).said).to.equal('revoked 1\n')
        expectRefusal(await refresh(server().url, one.refreshToken), 'revoked_by_admin')
        expect((await command('revoke', userId, '--dry-run')).said).to.equal('would revoke 1\n')
        for (const argv of [[], ['--dry-run'], ['--all', userId], [userId, other.sessionId, '--dry-run']]) {
          expect((await command('revoke', ...argv)).code, argv.join(' ')).to.equal(1)
        }
        expect((await command('revoke', userId, other.sessionId)).said).to.equal(`revoked ${other.sessionId}\n`)
      })
    })
  })
})
