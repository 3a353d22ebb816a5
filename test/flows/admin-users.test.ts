import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { runCommand } from '../../src/server/commands.ts'
import { createVerifier, type Verifier } from '../../src/verifier/index.ts'
import { basic, makeKey, makeServiceKey, tokenOf, type Key } from '../support/api-keys.ts'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { NEW_PASSWORD, use } from '../support/email-flows.ts'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import { allMailsTo, tokenFor } from '../support/mail.ts'
import {
  aSignedInPerson,
  anAddress,
  claimsOf,
  PASSWORD,
  refresh,
  send,
  signIn,
  type Answer,
} from '../support/people.ts'
import { eventually, readFeed } from '../support/revocation-feed.ts'
import { changesOf, eventsOf, feedOf, isAlive } from '../support/rows.ts'
import { onBothStores, TEST_ISSUER } from '../support/server.ts'
import { addressOf, createSession, createUser } from '../support/sessions.ts'
import { refusalOf } from '../verifier/line.ts'

interface UserBody {
  id: string
  email: string | null
  email_verified: boolean
  subject: string | null
  created_at: string
  disabled_at: string | null
  role: string
  claims: Record<string, unknown>
  has_password: boolean
  sessions: number
  code?: string
  errors?: { pointer: string; code: string }[]
}

interface PageBody {
  users: UserBody[]
  cursor: string | null
}

const NOBODY = '01890a5d-ac96-774b-bcce-b302099a8057'

describe('Users, for operators', function () {
  this.timeout(30_000)

  onBothStores((server) => {
    let key: Key
    before(async () => (key = await makeServiceKey(server(), 'admin sessions:create revocations:read')))

    const ask = <Body = UserBody>(
      method: string,
      path: string,
      body?: unknown,
      headers: Record<string, string> = basic(key),
    ): Promise<Answer<Body>> =>
      send<Body>(`${server().url}/v1/admin${path}`, { method, headers, ...(body === undefined ? {} : { body }) })

    const make = (body: object): Promise<Answer<UserBody>> => ask('POST', '/users', body)
    const amend = (id: string, body: unknown): Promise<Answer<UserBody>> => ask('PATCH', `/users/${id}`, body)
    const find = async (query: string): Promise<string[]> => {
      const { status, body } = await ask<PageBody>('GET', `/users?${query}`)
      expect(status).to.equal(200)
      return body.users.map(({ id }) => id)
    }
    const aSubject = (): string => `shop|${randomUUID()}`

    it('are shown to keys of the scope admin only', async () => {
      const person = await aSignedInPerson(server().url)
      const own = await makeKey(server().url, person.accessToken)
      const other = await makeServiceKey(server(), 'sessions:create')
      for (const [method, path] of [
        ['GET', '/users'],
        ['POST', '/users'],
        ['GET', `/users/${person.userId}`],
        ['PATCH', `/users/${person.userId}`],
        ['DELETE', `/users/${person.userId}`],
        ['GET', `/users/${person.userId}/sessions`],
        ['DELETE', `/users/${person.userId}/sessions`],
      ] as const) {
        expectProblem(await ask(method, path, undefined, {}), 401, 'invalid_access_token')
        const bearer = { authorization: `Bearer ${person.accessToken}` }
        expectProblem(await ask(method, path, undefined, bearer), 401, 'invalid_access_token')
        for (const stranger of [own, other]) {
          expectProblem(await ask(method, path, undefined, basic(stranger)), 403, 'insufficient_scope')
        }
      }
      expect(await isAlive(server(), person)).to.equal(true)
      const token = await tokenOf(server().url, key)
      const seen = await ask('GET', `/users/${person.userId}`, undefined, { authorization: `Bearer ${token}` })
      expect(seen.body.email).to.equal(person.email)
    })

    describe('are found', () => {
      it('and shown in full, but for what is secret', async () => {
        const person = await aSignedInPerson(server().url)
        await signIn(server().url, person.email)
        const { status, body } = await ask('GET', `/users/${person.userId}`)
        expect(status).to.equal(200)
        expect(body.created_at).to.match(/^20.*Z$/)
        expect({ ...body, created_at: '' }).to.deep.equal({
          id: person.userId,
          email: person.email,
          email_verified: false,
          subject: null,
          created_at: '',
          disabled_at: null,
          role: 'user',
          claims: {},
          has_password: true,
          sessions: 2,
        })
      })

      it('by address in any spelling, and by subject, which have to agree', async () => {
        const email = anAddress()
        const subject = aSubject()
        const { body } = await make({ email, subject })
        expect(await find(`email=${email.toUpperCase()}`)).to.deep.equal([body.id])
        expect(await find(`subject=${encodeURIComponent(subject)}`)).to.deep.equal([body.id])
        expect(await find(`email=${email}&subject=${encodeURIComponent(subject)}&role=user`)).to.deep.equal([body.id])
        expect(await find(`email=${email}&subject=somebody`)).to.deep.equal([])
        expect(await find(`email=${email}&role=admin`)).to.deep.equal([])
        for (const nobody of [`email=${anAddress()}`, `email=${body.id}`, 'email=', 'subject=', `subject=${email}`]) {
          expect(await find(nobody), nobody).to.deep.equal([])
        }
      })

      it('newest first, a page at a time', async () => {
        const made: string[] = []
        for (let count = 0; count < 5; count += 1) made.unshift((await make({ subject: aSubject() })).body.id)
        const pages: string[][] = []
        for (let cursor: string | null = ''; cursor !== null && pages.length < 3;) {
          const page: Answer<PageBody> = await ask('GET', `/users?limit=2${cursor && `&cursor=${cursor}`}`)
          pages.push(page.body.users.map(({ id }) => id))
          cursor = page.body.cursor
        }
        expect(pages.flat().slice(0, 5)).to.deep.equal(made)
        expect(pages.map(({ length }) => length)).to.deep.equal([2, 2, 2])
        const { body } = await ask<PageBody>('GET', '/users?role=user&limit=100')
        expect(body.cursor).to.equal(null)
        expect(new Set(body.users.map(({ id }) => id)).size).to.equal(body.users.length)
      })

      it('by role, and by whether they are disabled', async () => {
        const [one, other] = [await createUser(server()), await createUser(server())]
        await amend(one, { role: 'admin', disabled: true })
        expect(await find('role=admin'))
          .to.include(one)
          .and.not.to.include(other)
        expect(await find('disabled=true'))
          .to.include(one)
          .and.not.to.include(other)
        expect(await find('disabled=false'))
          .to.include(other)
          .and.not.to.include(one)
      })

      it('by nothing else', async () => {
        const refused = ['limit=0', 'limit=101', 'limit=x', 'limit=1.5', 'role=root', 'disabled=maybe', 'name=Ada']
        const cursors = ['cursor=', 'cursor=x', `cursor=${NOBODY}`, `cursor=${'A'.repeat(21)}B`]
        for (const query of [...refused, ...cursors, 'email=a&email=b', 'subject=a%00b']) {
          expectProblem(await ask('GET', `/users?${query}`), 400, 'invalid_request')
        }
      })

      it('where there are any', async () => {
        for (const id of [NOBODY, 'garbage', 'me']) {
          for (const [method, path] of [
            ['GET', ''],
            ['DELETE', ''],
            ['GET', '/sessions'],
            ['DELETE', '/sessions'],
          ] as const) {
            expectProblem(await ask(method, `/users/${id}${path}`), 404, 'not_found')
          }
          expectProblem(await amend(id, { role: 'admin' }), 404, 'not_found')
        }
      })
    })

    describe('are made', () => {
      it('with all that they need to sign in, and without a mail', async () => {
        const email = anAddress()
        const claims = { plan: 'team', seats: 4 }
        const made = await make({ email, password: PASSWORD, email_verified: true, claims, role: 'admin' })
        expect(made.status).to.equal(201)
        const known = { email, email_verified: true, subject: null, role: 'admin', claims, has_password: true }
        expect(made.body).to.deep.include({ ...known, sessions: 0, disabled_at: null })
        const { accessToken, userId } = await signIn(server().url, email)
        expect(userId).to.equal(made.body.id)
        expect(claimsOf(accessToken)).to.deep.include(claims).and.not.to.have.property('role')
        expect(await changesOf(server(), userId)).to.deep.equal([
          { type: 'user.created', actor: 'admin', actor_id: key.id, ip: '127.0.0.1', details: {} },
        ])
        expect(await allMailsTo(server(), email)).to.deep.equal([])
      })

      it('for another application, which signs them in', async () => {
        const subject = aSubject()
        const { body } = await make({ subject, claims: { plan: 'team' } })
        expect(body).to.deep.include({ subject, email: null, email_verified: false, has_password: false })
        const signedIn = await ask<{ access_token: string }>('POST', '/sessions', { subject, amr: ['pwd'] })
        expect(claimsOf(signedIn.body.access_token)).to.include({ sub: body.id, plan: 'team' })
      })

      it('with a mail where it is asked for: to confirm the address, or to set a password first', async () => {
        const [withPassword, without] = [anAddress(), anAddress()]
        await make({ email: withPassword, password: PASSWORD, send_confirmation: true })
        await use(server().url, 'confirm', { token: await tokenFor(withPassword, 'confirm') })
        const { body } = await make({ email: without, send_confirmation: true })
        const token = await tokenFor(without, 'reset')
        expect((await use(server().url, 'reset', { token, password: NEW_PASSWORD })).status).to.equal(204)
        await signIn(server().url, without, { body: { password: NEW_PASSWORD } })
        const seen = await ask('GET', `/users/${body.id}`)
        expect(seen.body).to.include({ email_verified: true, has_password: true, sessions: 1 })
        const other = await ask<PageBody>('GET', `/users?email=${withPassword}`)
        expect(other.body.users[0]).to.include({ email_verified: true })
      })

      it('once for an address or a subject', async () => {
        const [email, subject] = [anAddress(), aSubject()]
        await make({ email, subject })
        for (const [body, pointer] of [
          [{ email: email.toUpperCase() }, '/email'],
          [{ subject }, '/subject'],
          [{ email: anAddress(), subject }, '/subject'],
          [{ email, subject: aSubject(), password: PASSWORD }, '/email'],
        ] as const) {
          const answer = await make(body)
          expectProblem(answer, 409, 'already_exists')
          expect(answer.body.errors).to.deep.equal([{ pointer, code: 'taken' }])
        }
        const wanted = anAddress()
        const atOnce = await Promise.all([0, 1, 2, 3].map(() => make({ email: wanted })))
        expect(atOnce.map(({ status }) => status).toSorted((one, other) => one - other)).to.deep.equal([
          201, 409, 409, 409,
        ])
      })

      it('with nothing that they cannot have', async () => {
        const email = anAddress()
        for (const [body, pointer, code] of [
          [{}, '', 'email_or_subject_required'],
          [{ email: 'ada' }, '/email', 'invalid_address'],
          [{ subject: '' }, '/subject', 'invalid_length'],
          [{ subject: 'x'.repeat(256) }, '/subject', 'invalid_length'],
          [{ subject: 's', password: PASSWORD }, '/password', 'email_required'],
          [{ subject: 's', email_verified: true }, '/email_verified', 'email_required'],
          [{ subject: 's', send_confirmation: true }, '/send_confirmation', 'email_required'],
          [{ email, claims: { sub: 'me' } }, '/claims/sub', 'reserved_name'],
          [{ email, claims: { note: 'x'.repeat(1024) } }, '/claims', 'too_large'],
          [{ email, claims: [] }, '/claims', 'invalid_type'],
          [{ email, role: 'root' }, '/role', 'invalid_value'],
          [{ email, scope: 'admin' }, '/scope', 'unknown_member'],
        ] as const) {
          const answer = await make(body)
          expectProblem(answer, 400, 'invalid_request')
          expect(answer.body.errors).to.deep.equal([{ pointer, code }])
        }
        expectProblem(await make({ email, password: 'password' }), 400, 'weak_password')
        expectProblem(await make({ email, password: email }), 400, 'weak_password')
        expect(await find(`email=${email}`)).to.deep.equal([])
      })
    })

    describe('are changed', () => {
      it('in their claims, of which the history knows the names', async () => {
        const id = await createUser(server())
        await amend(id, { claims: { plan: 'team', seats: 4, roles: ['buyer'] } })
        const { status, body } = await amend(id, { claims: { plan: 'team', seats: 5, region: 'eu' } })
        expect(status).to.equal(200)
        expect(body.claims).to.deep.equal({ plan: 'team', seats: 5, region: 'eu' })
        await amend(id, { claims: { region: 'eu', seats: 5, plan: 'team' } }) // which is no change
        const by = { type: 'user.claims_changed', actor: 'admin', actor_id: key.id, ip: '127.0.0.1' }
        expect(await changesOf(server(), id)).to.deep.equal([
          { ...by, details: { members: ['plan', 'roles', 'seats'] } },
          { ...by, details: { members: ['region', 'roles', 'seats'] } },
        ])
      })

      it('in their role, which is read from the row and in no token', async () => {
        const person = await createSession(server(), await createUser(server()))
        const { users } = server().hallpass
        expect(await users.roleOf(person.userId)).to.equal('user')
        expect((await amend(person.userId, { role: 'admin' })).body.role).to.equal('admin')
        await amend(person.userId, { role: 'admin' })
        expect(await users.roleOf(person.userId)).to.equal('admin')
        const { body } = await refresh(server().url, person.refreshToken)
        expect(claimsOf(body.access_token)).not.to.have.property('role')
        expect(await feedOf(server(), person), 'no token is outdated by it').to.be.empty
        expect((await amend(person.userId, { role: 'user' })).body.role).to.equal('user')
        expect(await users.roleOf(person.userId)).to.equal('user')
        expect((await changesOf(server(), person.userId)).map(({ details }) => details)).to.deep.equal([
          { from: 'user', to: 'admin' },
          { from: 'admin', to: 'user' },
        ])
      })

      it('so that nobody gets in, and in again', async () => {
        const person = await createSession(server(), await createUser(server()))
        await amend(person.userId, { role: 'admin' })
        const { body } = await amend(person.userId, { disabled: true })
        expect(body.disabled_at).to.match(/^20.*Z$/)
        expect(body.sessions).to.equal(0)
        expectRefusal(await refresh(server().url, person.refreshToken), 'account_disabled')
        expect(await server().hallpass.users.roleOf(person.userId), 'has no role while disabled').to.equal(null)
        expect((await amend(person.userId, { disabled: true })).body.disabled_at).to.equal(body.disabled_at)
        expect((await amend(person.userId, { disabled: false })).body.disabled_at).to.equal(null)
        expect(await server().hallpass.users.roleOf(person.userId)).to.equal('admin')
        expectRefusal(await refresh(server().url, person.refreshToken), 'account_disabled')
        const types = (await changesOf(server(), person.userId)).map(({ type }) => type)
        expect(types).to.deep.equal(['user.role_changed', 'user.disabled', 'user.enabled'])
      })

      it('in all of it or nothing', async () => {
        const id = await createUser(server())
        for (const [body, pointer, code] of [
          [{ role: 'admin', claims: { iss: 'me' } }, '/claims/iss', 'reserved_name'],
          [{ role: 'admin', claims: { note: 'x'.repeat(1024) } }, '/claims', 'too_large'],
          [{ role: 'admin', claims: null }, '/claims', 'invalid_type'],
          [{ role: 'admin', disabled: 'yes' }, '/disabled', 'invalid_type'],
          [{ role: 'admin', email: 'ada@example.com' }, '/email', 'unknown_member'],
        ] as const) {
          const answer = await amend(id, body)
          expectProblem(answer, 400, 'invalid_request')
          expect(answer.body.errors).to.deep.equal([{ pointer, code }])
        }
        expect((await amend(id, {})).body).to.deep.include({ role: 'user', claims: {}, disabled_at: null })
        expect(await changesOf(server(), id)).to.deep.equal([])
        const all = await amend(id, { role: 'admin', claims: { plan: 'team' }, disabled: true })
        expect(all.body).to.deep.include({ role: 'admin', claims: { plan: 'team' } })
        expect(await changesOf(server(), id)).to.have.length(3)
      })

      it('not at all while the database is away', async () => {
        const id = await createUser(server())
        await withDatabaseAway(server(), async () => {
          expectProblem(await amend(id, { role: 'admin' }), 503, 'temporarily_unavailable')
        })
        expect((await ask('GET', `/users/${id}`)).body.role).to.equal('user')
      })
    })

    it('are deleted, once', async () => {
      const person = await createSession(server(), await createUser(server()))
      await makeKey(server().url, person.accessToken)
      expect((await ask('DELETE', `/users/${person.userId}`)).status).to.equal(204)
      expectRefusal(await refresh(server().url, person.refreshToken), 'account_deleted')
      expectProblem(await ask('DELETE', `/users/${person.userId}`), 404, 'not_found')
      expectProblem(await ask('GET', `/users/${person.userId}`), 404, 'not_found')
      expect(await find(`email=${addressOf(person.userId)}`)).to.deep.equal([])
      const [, ...ended] = await changesOf(server(), person.userId)
      expect(ended.map(({ type, actor, actor_id: by }) => [type, actor, by])).to.deep.equal([
        ['api_key.revoked', 'admin', key.id],
        ['user.deleted', 'admin', key.id],
      ])
      const { body } = await ask<{ sessions: object[] }>('GET', `/users/${person.userId}/sessions?status=revoked`)
      expect(body.sessions).to.have.length(1)
    })

    describe('have sessions', () => {
      interface SessionsBody {
        sessions: (Record<string, unknown> & { id: string })[]
        revoked: number
      }

      const sessionsOf = async (id: string, status = 'active') =>
        (await ask<SessionsBody>('GET', `/users/${id}/sessions?status=${status}`)).body.sessions

      it('which are listed by status', async () => {
        const id = await createUser(server())
        expect(await sessionsOf(id)).to.deep.equal([])
        const [one, other] = [await createSession(server(), id), await createSession(server(), id)]
        await server().hallpass.sessions.revoke(id, one.sessionId, 'revoked_by_user', {
          kind: 'user',
          sessionId: other.sessionId,
          ip: null,
        })
        const [live] = await sessionsOf(id)
        expect(live).to.include({ id: other.sessionId, user_id: id, status: 'active', current: false })
        expect((await sessionsOf(id, 'revoked')).map((session) => session.id)).to.deep.equal([one.sessionId])
        expect(await sessionsOf(id, 'all')).to.have.length(2)
        expect(JSON.stringify(await sessionsOf(id, 'all'))).not.to.match(/hash|secret|token/)
        expectProblem(await ask('GET', `/users/${id}/sessions?status=gone`), 400, 'invalid_request')
      })

      it('which are ended, all of them', async () => {
        const id = await createUser(server())
        const devices = [await createSession(server(), id), await createSession(server(), id)]
        const { status, body } = await ask<SessionsBody>('DELETE', `/users/${id}/sessions`)
        expect({ status, body }).to.deep.equal({ status: 200, body: { revoked: 2 } })
        for (const device of devices) {
          expectRefusal(await refresh(server().url, device.refreshToken), 'revoked_by_admin')
          expect((await eventsOf(server(), device)).at(-1)).to.include({ actor: 'admin', reason: 'revoked_by_admin' })
        }
        expect((await ask<SessionsBody>('DELETE', `/users/${id}/sessions`)).body).to.deep.equal({ revoked: 0 })
      })
    })

    describe('whose claims change, at an API that follows the feed', () => {
      let verifier: Verifier
      before(async () => {
        const { url } = server()
        verifier = createVerifier({ issuer: TEST_ISSUER, audience: TEST_ISSUER, serviceUrl: url, apiKey: key })
        await verifier.ready()
        await eventually(() => verifier.status().revocations?.by === 'stream')
      })
      after(() => verifier.close())

      const refusal = (token: string) => refusalOf(verifier.verify(token))

      it('are let in by new tokens only, from every device, and none is signed out', async () => {
        const userId = await createUser(server())
        const devices = [await createSession(server(), userId), await createSession(server(), userId)]
        const stranger = await createSession(server(), await createUser(server()))
        for (const { accessToken } of devices) expect(await refusal(accessToken)).to.equal(null)

        await amend(userId, { claims: { roles: ['buyer'] } })
        // In the very second of the change.
        const renewed = await Promise.all(devices.map(({ refreshToken }) => refresh(server().url, refreshToken)))
        for (const { accessToken } of devices) {
          await eventually(async () => (await refusal(accessToken)) === 'token_stale')
        }
        for (const { status, body } of renewed) {
          expect(status).to.equal(200)
          expect(await verifier.verify(body.access_token)).to.deep.include({ roles: ['buyer'] })
        }
        expect(await refusal(stranger.accessToken), 'nobody else’s').to.equal(null)
        for (const device of devices) expect(await isAlive(server(), device)).to.equal(true)
        expect((await feedOf(server(), devices[0]!)).map(({ kind }) => kind)).to.deep.equal(['stale'])
      })

      it('are let in by the tokens they have where nothing changed', async () => {
        const device = await createSession(server(), await createUser(server()))
        await amend(device.userId, { claims: {}, role: 'admin', disabled: false })
        expect(await feedOf(server(), device)).to.be.empty
        expect((await readFeed(server().url, key)).body.revocations.map(({ sid }) => sid)).not.to.include(
          device.sessionId,
        )
      })

      it('say so here too, with the next token or sign-in', async () => {
        const device = await createSession(server(), await createUser(server()))
        await amend(device.userId, { claims: { plan: 'team' } })
        const me = (token: string) => send(`${server().url}/v1/users/me`, { token })
        expectProblem(await me(device.accessToken), 401, 'invalid_access_token')
        const { body } = await refresh(server().url, device.refreshToken)
        expect((await me(body.access_token)).body).to.deep.include({ claims: { plan: 'team' } })
        const next = await createSession(server(), device.userId)
        expect(await verifier.verify(next.accessToken)).to.include({ plan: 'team' })
      })

      it('keep what a session was given of its own, which wins', async () => {
        const subject = aSubject()
        const { body: user } = await make({ subject, claims: { plan: 'solo', region: 'eu' } })
        const own = { subject, amr: ['pwd'], claims: { plan: 'team' } }
        const { body } = await ask<{ access_token: string; refresh_token: string }>('POST', '/sessions', own)
        expect(claimsOf(body.access_token)).to.include({ plan: 'team', region: 'eu' })
        await amend(user.id, { claims: { plan: 'solo', region: 'us' } })
        const renewed = await refresh(server().url, body.refresh_token)
        expect(claimsOf(renewed.body.access_token)).to.include({ plan: 'team', region: 'us' })
      })
    })

    describe('on the command line', () => {
      const run = async (...argv: string[]): Promise<{ code: number; output: string }> => {
        let output = ''
        const code = await runCommand(argv, server().hallpass, (text) => (output += text))
        return { code, output }
      }
      const done = async (...argv: string[]): Promise<string> => {
        const { code, output } = await run('users', ...argv)
        expect(code, output).to.equal(0)
        return output
      }
      const refused = async (argv: string[], why: RegExp): Promise<void> => {
        const { code, output } = await run('users', ...argv)
        expect(output).to.match(why)
        expect(code).to.equal(1)
      }

      it('are listed and shown', async () => {
        const email = anAddress()
        const subject = aSubject()
        const { body } = await make({ email, subject, role: 'admin', claims: { plan: 'team' } })
        const line = `${body.id}  admin  ${email}  ${subject}\n`
        expect(await done('list', '--email', email.toUpperCase())).to.equal(line)
        expect(await done('list', '--subject', subject)).to.equal(line)
        expect(await done('list', '--role', 'admin', '--limit', '1')).to.match(
          new RegExp(`^${body.id} .*\nthere are more`),
        )
        expect((await done('list', '--limit', '3')).split('\n')).to.have.length(5)
        await done('disable', body.id)
        expect(await done('list', '--disabled', '--email', email)).to.equal(line.replace('\n', '  disabled\n'))
        const shown = await done('show', email)
        expect(shown).to.include(`id        ${body.id}\nemail     ${email} (not confirmed)\nsubject   ${subject}\n`)
        expect(shown).to.include('claims    {"plan":"team"}\n').and.to.include('password  none\nsessions  0 live\n')
      })

      it('are made, and mailed the link that sets a password', async () => {
        const email = anAddress()
        const output = await done('create', email, '--claims', '{"plan":"team"}', '--role', 'admin')
        const [, id = ''] = /^created ([\da-f-]{36})\n$/.exec(output) ?? []
        expect((await ask('GET', `/users/${id}`)).body).to.deep.include({
          email,
          role: 'admin',
          claims: { plan: 'team' },
        })
        expect((await changesOf(server(), id))[0]).to.include({ actor: 'admin', actor_id: null })
        const token = await tokenFor(email, 'reset')
        await use(server().url, 'reset', { token, password: NEW_PASSWORD })
        await signIn(server().url, email, { body: { password: NEW_PASSWORD } })

        const silent = anAddress()
        await done('create', silent, '--confirmed', '--no-mail', '--subject', aSubject())
        expect(await allMailsTo(server(), silent)).to.deep.equal([])
        expect(await done('show', silent)).to.include(`${silent} (confirmed)`)
      })

      it('are promoted, demoted and given claims', async () => {
        const { userId, sessionId } = await createSession(server(), await createUser(server()))
        expect(await done('promote', addressOf(userId))).to.equal(`promoted ${userId}\n`)
        expect(await server().hallpass.users.roleOf(userId)).to.equal('admin')
        expect(await done('demote', userId)).to.equal(`demoted ${userId}\n`)
        expect(await server().hallpass.users.roleOf(userId)).to.equal('user')
        expect(await done('claims', userId, '{"plan":"team"}')).to.equal(`changed ${userId}\n`)
        expect((await feedOf(server(), { userId, sessionId })).map(({ kind }) => kind)).to.deep.equal(['stale'])
        const types = (await changesOf(server(), userId)).map(({ type }) => type)
        expect(types).to.deep.equal(['user.role_changed', 'user.role_changed', 'user.claims_changed'])
      })

      it('are none where something is wrong, which is told', async () => {
        const email = anAddress()
        await done('create', email, '--no-mail')
        await refused(['create', email], /somebody has this email already; see: hallpass users list --email/)
        await refused(['create', 'ada'], /not an e-mail address/)
        await refused(['create', anAddress(), '--claims', 'plan=team'], /not a JSON object/)
        await refused(['create', anAddress(), '--role', 'root'], /Allowed choices are user, admin/)
        await refused(['claims', email, '[]'], /not a JSON object/)
        await refused(['claims', email, '{"sub":"me"}'], /claims\/sub: reserved_name/)
        await refused(['list', '--limit', '0'], /not a number/)
        for (const argv of [['show'], ['promote'], ['demote'], ['claims', '{}']]) {
          const [name = '', ...rest] = argv
          await refused([name, anAddress(), ...rest], /there is no account/)
        }
      })
    })
  })
})
