import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { basic, BASIC_CHALLENGE, exchange, makeServiceKey, tokenOf, type Key } from '../support/api-keys.ts'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import {
  aSignedInPerson,
  callSessions,
  claimsOf,
  cookieAttributesIn,
  cookieIn,
  refresh,
  refreshByCookie,
  send,
  type Answer,
} from '../support/people.ts'
import { eventsOf } from '../support/rows.ts'
import { onBothStores, onStore } from '../support/server.ts'

const OPERATOR = { kind: 'admin', sessionId: null, ip: null } as const

interface SessionBody {
  access_token: string
  token_type: string
  expires_in: number
  refresh_token?: string
  refresh_expires_in: number
  session: Record<string, unknown> & { id: string }
}

describe('A session for somebody whom another application signed in', () => {
  onBothStores((server) => {
    let shop: Key
    before(async () => (shop = await makeServiceKey(server(), 'sessions:create')))

    const aSubject = (): string => `shop|${randomUUID()}`

    const create = <Body = SessionBody>(
      body: Record<string, unknown>,
      headers: Record<string, string> = basic(shop),
    ): Promise<Answer<Body>> => send<Body>(`${server().url}/v1/admin/sessions`, { body, headers })

    const userOf = ({ body }: Answer<SessionBody>): string => claimsOf(body.access_token)['sub'] as string

    describe('is', () => {
      it('what a sign-in gives', async () => {
        const subject = aSubject()
        const { status, headers, body } = await create({ subject, amr: ['pwd'] })
        expect(status).to.equal(201)
        expect(headers.get('cache-control')).to.equal('no-store')
        expect(headers.getSetCookie()).to.be.empty
        expect(body).to.have.all.keys(
          'access_token',
          'token_type',
          'expires_in',
          'refresh_token',
          'refresh_expires_in',
          'session',
        )
        expect(body).to.include({ token_type: 'Bearer', refresh_expires_in: 30 * 24 * 60 * 60 })
        expect(body.expires_in).to.be.within(285, 300)
        expect(body.session).to.deep.include({
          current: true,
          status: 'active',
          client_id: 'default',
          transport: 'body',
          amr: ['pwd'],
          ip: null,
          data: {},
        })
        const ofSignIn = await aSignedInPerson(server().url)
        const own = await callSessions(server().url, 'GET', '/current', ofSignIn.accessToken)
        expect(body.session).to.have.all.keys(...Object.keys(own.body))
        expect(claimsOf(body.access_token)).to.have.all.keys(...Object.keys(claimsOf(ofSignIn.accessToken)))
        expect(JSON.stringify(body)).not.to.include(subject)
      })

      it('a session like any other: refreshed, seen, and signed out by its client', async () => {
        const created = await create({ subject: aSubject(), amr: ['pwd'] })
        const refreshed = await refresh(server().url, created.body.refresh_token ?? '')
        expect(refreshed.status).to.equal(200)
        const token = refreshed.body.access_token
        expect((await callSessions(server().url, 'GET', '/current', token)).body['id']).to.equal(
          created.body.session.id,
        )
        expect((await callSessions(server().url, 'DELETE', '/current', token)).status).to.equal(204)
        expectRefusal(await refresh(server().url, refreshed.body.refresh_token), 'signed_out')
      })

      it('of a user without address', async () => {
        const { body } = await create({ subject: aSubject(), amr: ['pwd'] })
        const me = await send(`${server().url}/v1/users/me`, { token: body.access_token })
        expect(me.status).to.equal(200)
        expect(me.body).to.include({ email: null, email_verified: false })
      })

      it('in the history', async () => {
        const created = await create({ subject: aSubject(), amr: ['pwd'], device: { ip: '192.0.2.7' } })
        const events = await eventsOf(server(), { userId: userOf(created), sessionId: created.body.session.id })
        expect(events.map(({ type, ip }) => [type, ip])).to.deep.equal([['session.created', '192.0.2.7']])
      })
    })

    describe('carries what the application says', () => {
      it('how and when the person signed in', async () => {
        const at = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000)
        const { body } = await create({ subject: aSubject(), amr: ['hwk', 'user'], auth_time: at.toISOString() })
        expect(claimsOf(body.access_token)).to.deep.include({ amr: ['hwk', 'user'], auth_time: at.getTime() / 1000 })
        expect(body.session).to.deep.include({ amr: ['hwk', 'user'], authenticated_at: at.toISOString() })
        // Long ago, so that it is no recent authentication.
        const ended = await callSessions(server().url, 'DELETE', '', body.access_token)
        expectProblem(ended, 401, 'insufficient_user_authentication')
      })

      it('a moment ago, where it does not say when', async () => {
        const { body } = await create({ subject: aSubject(), amr: ['pwd'] })
        const claims = claimsOf(body.access_token)
        expect(claims['auth_time']).to.equal(claims['iat'])
        expect((await callSessions(server().url, 'DELETE', '?except=current', body.access_token)).status).to.equal(200)
      })

      it('claims, which are in this session’s tokens and in no other’s', async () => {
        const subject = aSubject()
        const claims = { account: 'A-17', plan: { name: 'team', seats: 4 }, roles: ['buyer'] }
        const { body } = await create({ subject, amr: ['pwd'], claims })
        expect(claimsOf(body.access_token)).to.deep.include(claims)
        const refreshed = await refresh(server().url, body.refresh_token ?? '')
        expect(claimsOf(refreshed.body.access_token)).to.deep.include(claims)
        const other = await create({ subject, amr: ['pwd'] })
        expect(claimsOf(other.body.access_token)).not.to.include.any.keys('account', 'plan', 'roles')
      })

      it('data, which is kept with the session and in no token', async () => {
        const data = { cart: 'c-9', nested: { a: [1, null, 'ä'] } }
        const { body } = await create({ subject: aSubject(), amr: ['pwd'], data })
        expect(body.session['data']).to.deep.equal(data)
        const seen = await callSessions(server().url, 'GET', '/current', body.access_token)
        expect(seen.body['data']).to.deep.equal(data)
        expect(claimsOf(body.access_token)).not.to.include.any.keys('cart', 'data', 'nested')
      })

      it('the device that its user signed in on', async () => {
        const { body } = await create(
          {
            subject: aSubject(),
            amr: ['pwd'],
            device: {
              name: 'Kitchen tablet',
              user_agent:
                'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
              ip: '2001:DB8::7',
            },
          },
          { ...basic(shop), 'user-agent': 'Shop/1.0' },
        )
        expect(body.session['device']).to.deep.include({ name: 'Kitchen tablet', label: 'Chrome on Windows' })
        expect(body.session['ip']).to.equal('2001:db8::7')
      })

      it('the device’s app', async () => {
        const app = '"Acme"; version="2.3.1"; os="Android"; model="Pixel 8"'
        const { body } = await create({ subject: aSubject(), amr: ['pwd'], device: { app } })
        expect(body.session['device']).to.deep.include({ label: 'Acme 2.3.1 on Pixel 8', type: 'mobile' })
      })

      it('an address in the form in which all others are', async () => {
        for (const [given, kept] of [
          ['::ffff:192.0.2.7', '192.0.2.7'],
          ['fe80::1%eth0', 'fe80::1'],
          ['192.0.2.7', '192.0.2.7'],
          [null, null],
        ]) {
          const { body } = await create({ subject: aSubject(), amr: ['pwd'], device: { ip: given } })
          expect(body.session['ip'], String(given)).to.equal(kept)
        }
      })

      it('nothing of itself: its own address and User-Agent are nobody’s device', async () => {
        const { body } = await create(
          { subject: aSubject(), amr: ['pwd'] },
          { ...basic(shop), 'user-agent': 'Shop/1.0' },
        )
        expect(body.session).to.deep.include({ ip: null })
        expect(body.session['device']).to.deep.include({ name: null, label: 'Unknown device' })
      })

      it('the client, with its scope', async () => {
        const client = `app-${randomUUID()}`
        await server().hallpass.clients.save(client, { scope: 'orders:read' })
        const { body } = await create({ subject: aSubject(), amr: ['pwd'], client_id: client })
        expect(body.session['client_id']).to.equal(client)
        expect(claimsOf(body.access_token)).to.include({ client_id: client, scope: 'orders:read' })
      })
    })

    it('sets the cookie where that is its transport, and has no refresh token for scripts', async () => {
      const { status, headers, body } = await create({ subject: aSubject(), amr: ['pwd'], transport: 'cookie' })
      expect(status).to.equal(201)
      expect(body).not.to.have.property('refresh_token')
      expect(body.session['transport']).to.equal('cookie')
      const attributes = cookieAttributesIn(headers)
      expect(attributes).to.include.keys('httponly', 'path', 'samesite', 'max-age')
      expect(attributes['max-age']).to.equal(String(body.refresh_expires_in))
      const refreshToken = cookieIn(headers) ?? ''
      expect((await refreshByCookie(server().url, refreshToken)).status).to.equal(200)
      expectRefusal(await refresh(server().url, refreshToken), 'wrong_transport')
    })

    describe('belongs to', () => {
      it('one user for each subject, at first sight and ever after', async () => {
        const subject = aSubject()
        const [one, other] = [await create({ subject, amr: ['pwd'] }), await create({ subject, amr: ['otp'] })]
        expect(userOf(other)).to.equal(userOf(one))
        const { body } = await callSessions(server().url, 'GET', '', one.body.access_token)
        const ids = (body['sessions'] as { id: string }[]).map(({ id }) => id)
        expect(ids).to.have.members([one.body.session.id, other.body.session.id])
        expect(userOf(await create({ subject: `${subject} `, amr: ['pwd'] }))).not.to.equal(userOf(one))
        expect(userOf(await create({ subject: subject.toUpperCase(), amr: ['pwd'] }))).not.to.equal(userOf(one))
      })

      it('one user, also when that is seen first by many calls at once', async () => {
        const subject = aSubject()
        const answers = await Promise.all(Array.from({ length: 12 }, () => create({ subject, amr: ['pwd'] })))
        expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([201]))
        expect(new Set(answers.map(userOf)).size).to.equal(1)
        expect(new Set(answers.map(({ body }) => body.session.id)).size).to.equal(12)
      })

      it('nobody who has an account of this address: a subject is no address', async () => {
        const person = await aSignedInPerson(server().url)
        for (const subject of [person.email, person.userId]) {
          expect(userOf(await create({ subject, amr: ['pwd'] }))).not.to.equal(person.userId)
        }
      })

      it('nobody who was disabled here, until that is taken back', async () => {
        const subject = aSubject()
        const first = await create({ subject, amr: ['pwd'] })
        const { accounts } = server().hallpass
        await accounts.disable(userOf(first), OPERATOR)
        const refused = await create<Record<string, unknown>>({ subject, amr: ['pwd'] })
        expectProblem(refused, 400, 'invalid_request')
        expect(refused.body['errors']).to.deep.equal([{ pointer: '/subject', code: 'account_disabled' }])
        expectRefusal(await refresh(server().url, first.body.refresh_token ?? ''), 'account_disabled')

        await accounts.enable(userOf(first), OPERATOR)
        expect(userOf(await create({ subject, amr: ['pwd'] }))).to.equal(userOf(first))
      })

      it('somebody new, after the user was deleted', async () => {
        const subject = aSubject()
        const first = await create({ subject, amr: ['pwd'] })
        await server().hallpass.accounts.delete(userOf(first), OPERATOR)
        expect(userOf(await create({ subject, amr: ['pwd'] }))).not.to.equal(userOf(first))
      })
    })

    describe('is refused', () => {
      const refused = async (change: Record<string, unknown>, pointer: string, code?: string): Promise<void> => {
        const answer = await create<Record<string, unknown>>({ subject: aSubject(), amr: ['pwd'], ...change })
        expectProblem(answer, 400, 'invalid_request')
        const errors = answer.body['errors'] as { pointer: string; code: string }[]
        expect(errors.map((error) => error.pointer)).to.deep.equal([pointer])
        if (code !== undefined) expect(errors[0]?.code).to.equal(code)
      }

      it('for members that are wrong, each by its name', async () => {
        await refused({ subject: undefined }, '/subject')
        await refused({ subject: '' }, '/subject')
        await refused({ subject: 'x'.repeat(256) }, '/subject')
        await refused({ subject: 17 }, '/subject')
        await refused({ amr: undefined }, '/amr')
        await refused({ amr: [] }, '/amr')
        await refused({ amr: 'pwd' }, '/amr')
        await refused({ amr: ['pwd', ''] }, '/amr/1')
        await refused({ amr: Array.from({ length: 9 }, () => 'pwd') }, '/amr')
        await refused({ auth_time: 'yesterday' }, '/auth_time')
        await refused({ auth_time: new Date(Date.now() + 120_000).toISOString() }, '/auth_time', 'in_the_future')
        await refused({ transport: 'header' }, '/transport')
        await refused({ device: { ip: 'localhost' } }, '/device/ip', 'invalid_ip')
        await refused({ device: { ip: '192.0.2.256' } }, '/device/ip', 'invalid_ip')
        await refused({ device: { ip: '192.0.2.0/24' } }, '/device/ip', 'invalid_ip')
        await refused({ device: { name: 'x'.repeat(101) } }, '/device/name')
        await refused({ device: { label: 'Mine' } }, '/device/label', 'unknown_member')
        await refused({ user_id: randomUUID() }, '/user_id', 'unknown_member')
        await refused({ remember: false }, '/remember', 'unknown_member')
        await refused({ claims: [] }, '/claims')
        await refused({ data: 'text' }, '/data')
        expect(
          (await create({ subject: `${aSubject()}${'x'.repeat(255)}`.slice(-255), amr: ['pwd'] })).status,
        ).to.equal(201)
      })

      it('for a subject that no text may hold', async () => {
        const answer = await create<Record<string, unknown>>({ subject: 'a\0b', amr: ['pwd'] })
        expectProblem(answer, 400, 'invalid_request')
      })

      it('for claims that mean something already', async () => {
        for (const name of [
          'iss',
          'sub',
          'aud',
          'exp',
          'iat',
          'jti',
          'sid',
          'client_id',
          'auth_time',
          'amr',
          'scope',
          'cnf',
          'act',
        ]) {
          await refused({ claims: { harmless: 1, [name]: 'x' } }, `/claims/${name}`, 'reserved_name')
        }
      })

      it('for the amr by which a program with a key is known', async () => {
        await refused({ amr: ['pwd', 'key'] }, '/amr/1', 'reserved_name')
      })

      it('for claims and data that are too large, to the byte', async () => {
        const sized = (bytes: number) => ({ a: 'é'.repeat((bytes - 8) / 2) })
        expect(Buffer.byteLength(JSON.stringify(sized(1024)))).to.equal(1024)
        await refused({ claims: sized(1026) }, '/claims', 'too_large')
        await refused({ data: sized(4098) }, '/data', 'too_large')
        const largest = { subject: aSubject(), amr: ['pwd'], claims: sized(1024), data: sized(4096) }
        expect((await create(largest)).status).to.equal(201)
      })

      it('for a client that nobody registered', async () => {
        const answer = await create<Record<string, unknown>>({ subject: aSubject(), amr: ['pwd'], client_id: 'nobody' })
        expectProblem(answer, 400, 'invalid_client')
      })

      it('without making a user', async () => {
        const subject = aSubject()
        await create({ subject, amr: ['pwd'], client_id: 'nobody' })
        await create({ subject, amr: ['pwd'], device: { ip: 'x' } })
        const { rows } = await server().hallpass.store.database.unitOfWork(async (em) => ({
          rows: await em.getConnection().execute<unknown[]>('select id from users where subject = ?', [subject]),
        }))
        expect(rows).to.be.empty
      })
    })

    describe('is made by', () => {
      it('a key of the scope sessions:create, or its token', async () => {
        const token = await tokenOf(server().url, shop)
        const answer = await create({ subject: aSubject(), amr: ['pwd'] }, { authorization: `Bearer ${token}` })
        expect(answer.status).to.equal(201)
      })

      it('nobody else', async () => {
        const body = { subject: aSubject(), amr: ['pwd'] }
        const bare = await create(body, {})
        expectProblem(bare, 401, 'invalid_access_token')
        expect(bare.headers.get('www-authenticate')).to.equal('Bearer')

        const person = await aSignedInPerson(server().url)
        const asPerson = await create(body, { authorization: `Bearer ${person.accessToken}` })
        expectProblem(asPerson, 401, 'invalid_access_token')
        expect(asPerson.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')

        const wrongKey = await create(body, basic({ id: shop.id, key: `hpak_${'A'.repeat(43)}` }))
        expectProblem(wrongKey, 401, 'invalid_access_token')
        expect(wrongKey.headers.get('www-authenticate')).to.equal(BASIC_CHALLENGE)
      })

      it('no session that was made so: it is a person’s, whatever its amr', async () => {
        const { body } = await create({ subject: aSubject(), amr: ['pwd'], claims: { role: 'admin' } })
        const answer = await create(
          { subject: aSubject(), amr: ['pwd'] },
          { authorization: `Bearer ${body.access_token}` },
        )
        expectProblem(answer, 401, 'invalid_access_token')
      })

      it('no key of another scope, and no token made for less', async () => {
        const inspector = await makeServiceKey(server(), 'introspect admin')
        const both = await makeServiceKey(server(), 'introspect sessions:create')
        const narrow = (await exchange(server().url, both, { scope: 'introspect' })).body.access_token
        for (const headers of [basic(inspector), { authorization: `Bearer ${narrow}` }]) {
          const answer = await create({ subject: aSubject(), amr: ['pwd'] }, headers)
          expectProblem(answer, 403, 'insufficient_scope')
          expect(answer.headers.get('www-authenticate')).to.equal(
            'Bearer error="insufficient_scope", scope="sessions:create"',
          )
        }
      })
    })
  })
})

describe('A session for somebody whom another application signed in, on a network without https', () => {
  onStore(
    'embedded',
    (server) => {
      it('has no cookie, which anybody there could read', async () => {
        const shop = await makeServiceKey(server(), 'sessions:create')
        const body = { subject: 'somebody', amr: ['pwd'], transport: 'cookie' }
        const answer = await send(`${server().url}/v1/admin/sessions`, { body, headers: basic(shop) })
        expectProblem(answer, 400, 'invalid_request')
      })
    },
    { HALLPASS_ISSUER: 'http://192.168.1.10:3000' },
  )
})
