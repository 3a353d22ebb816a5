import { expect } from 'chai'
import type { ClientChanges } from '../../src/server/clients/clients.ts'
import { SessionLimitReached } from '../../src/server/sessions/client-limit.ts'
import { statement } from '../../src/server/database/database.ts'
import { basic, makeServiceKey } from '../support/api-keys.ts'
import { aConfirmedPerson, askedToken, signInByLink } from '../support/email-flows.ts'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import { expectPage, expectToGoOnTo, OUR_FORM, submitForm, wordsOf } from '../support/pages.ts'
import { cookieIn, ORIGIN, PASSWORD, refresh, send, signIn, type Answer, type SignedIn } from '../support/people.ts'
import { eventsOf, feedOf, isAlive, MINUTE, moveTimes } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

interface Choice {
  id: string
  device: { name: string | null; label: string; type: string }
}

describe('A client with a limit', () => {
  onBothStores((server) => {
    let email: string
    before(async () => {
      ;({ email } = await aConfirmedPerson(server().url))
      const limited: ClientChanges = { maxSessions: 2, redirectUris: ['com.example.app:/in'] }
      await server().hallpass.clients.save('dropping', limited)
      await server().hallpass.clients.save('refusing', { ...limited, atLimit: 'refuse' })
      await server().hallpass.clients.save('asking', { ...limited, atLimit: 'ask' })
    })
    beforeEach(async () => {
      await server().hallpass.store.database.query(statement('test.end_all', 'delete from sessions'), [])
    })

    const bodyFor = (clientId: string, more: object = {}) => ({
      email,
      password: PASSWORD,
      client_id: clientId,
      ...more,
    })

    const trySignIn = (clientId: string, more: object = {}, headers: Record<string, string> = {}) =>
      send<{ sessions: Choice[]; detail: string; session: { id: string } }>(`${server().url}/v1/sessions`, {
        body: bodyFor(clientId, more),
        headers,
      })

    /** The first is the one that was used least recently. */
    async function twoDevices(clientId: string): Promise<[SignedIn, SignedIn]> {
      const sign = (name: string) => signIn(server().url, email, { body: { client_id: clientId, device_name: name } })
      const devices: [SignedIn, SignedIn] = [await sign('First'), await sign('Second')]
      await moveTimes(server(), devices[0], { last_used_at: -5 * MINUTE })
      return devices
    }

    const pin = ({ userId, sessionId }: SignedIn) =>
      server().hallpass.store.database.query(
        statement('test.pin', 'update sessions set pinned = true where user_id = $1::uuid and id = $2::uuid'),
        [userId, sessionId],
      )

    const areAlive = (devices: readonly SignedIn[]) => Promise.all(devices.map((device) => isAlive(server(), device)))

    function expectLimit(answer: Answer<object>): void {
      expectProblem(answer, 409, 'session_limit')
    }

    it('counts its own sessions only, and neither ended nor pinned ones', async () => {
      const [first] = await twoDevices('refusing')
      await signIn(server().url, email, { body: { client_id: 'asking' } })
      expectLimit(await trySignIn('refusing'))
      await pin(first)
      expect((await trySignIn('refusing')).status).to.equal(201)
      expectLimit(await trySignIn('refusing'))
      expect((await trySignIn('default')).status, 'another client').to.equal(201)
    })

    describe('that drops the oldest', () => {
      it('ends the session that was used least recently, but never a pinned one', async () => {
        const devices = await twoDevices('dropping')
        expect((await trySignIn('dropping')).status).to.equal(201)
        expectRefusal(await refresh(server().url, devices[0].refreshToken), 'session_limit')
        await pin(devices[1])
        for (let count = 0; count < 3; count += 1) expect((await trySignIn('dropping')).status).to.equal(201)
        expect(await areAlive(devices)).to.deep.equal([false, true])
      })

      it('comes down to a limit that was lowered, at the next sign-in', async () => {
        const devices = await twoDevices('dropping')
        await server().hallpass.clients.save('dropping', { maxSessions: 1 })
        expect((await trySignIn('dropping')).status).to.equal(201)
        expect(await areAlive(devices)).to.deep.equal([false, false])
        await server().hallpass.clients.save('dropping', { maxSessions: 2 })
      })
    })

    describe('that refuses', () => {
      it('says what to do, ends nothing, and names no device', async () => {
        const devices = await twoDevices('refusing')
        for (const more of [{}, { end_session_id: devices[0].sessionId }]) {
          const answer = await trySignIn('refusing', more)
          expectLimit(answer)
          expect(answer.body.detail).to.include('Sign out on one of them')
          expect(answer.body).not.to.have.property('sessions')
        }
        expect(await areAlive(devices)).to.deep.equal([true, true])
        await send(`${server().url}/v1/sessions/current`, { method: 'DELETE', token: devices[0].accessToken })
        expect((await trySignIn('refusing')).status).to.equal(201)
      })

      it('tells it to nobody who has not proven who they are', async () => {
        await twoDevices('refusing')
        expectProblem(await trySignIn('refusing', { password: 'wrong' }), 401, 'invalid_credentials')
      })

      it('takes the person in anew in the same browser, whose session makes room', async () => {
        const byCookie = (cookie: string) =>
          trySignIn('refusing', { transport: 'cookie' }, { origin: ORIGIN, cookie: `hallpass=${cookie}` })
        const first = await byCookie('')
        const second = await byCookie('')
        expectLimit(await byCookie(''))
        const again = await byCookie(cookieIn(second.headers) ?? '')
        expect(again.status).to.equal(201)
        const of = { userId: (await userIdOf()) ?? '' }
        expect(await isAlive(server(), { ...of, sessionId: second.body.session.id })).to.equal(false)
        // Also where the limit was lowered meanwhile: the number does not grow.
        await server().hallpass.clients.save('refusing', { maxSessions: 1 })
        expect((await byCookie(cookieIn(again.headers) ?? '')).status).to.equal(201)
        expectLimit(await byCookie(''))
        expect(await isAlive(server(), { ...of, sessionId: first.body.session.id })).to.equal(true)
        await server().hallpass.clients.save('refusing', { maxSessions: 2 })
      })

      const userIdOf = () => server().hallpass.users.identify(email)

      it('uses no magic link up', async () => {
        const [first] = await twoDevices('refusing')
        const link = await askedToken(server().url, 'magic', email)
        for (let count = 0; count < 2; count += 1) {
          expectLimit(await signInByLink(server().url, link, { client_id: 'refusing' }))
        }
        await send(`${server().url}/v1/sessions/current`, { method: 'DELETE', token: first.accessToken })
        expect((await signInByLink(server().url, link, { client_id: 'refusing' })).status).to.equal(201)
      })
    })

    describe('that asks', () => {
      it('shows the devices, newest use first, and as much of each as it takes to know it', async () => {
        const [first, second] = await twoDevices('asking')
        const answer = await trySignIn('asking')
        expectLimit(answer)
        expect(answer.body.sessions.map(({ id }) => id)).to.deep.equal([second.sessionId, first.sessionId])
        expect(answer.body.sessions[0]).to.have.all.keys('id', 'device', 'created_at', 'last_used_at', 'location')
        expect(answer.body.sessions[0]?.device).to.deep.equal({
          name: 'Second',
          label: 'Node.js',
          type: 'unknown',
        })
        expect(await areAlive([first, second])).to.deep.equal([true, true])
        const wrong = await trySignIn('asking', { password: 'wrong', end_session_id: first.sessionId })
        expectProblem(wrong, 401, 'invalid_credentials')
        expect(wrong.body).not.to.have.property('sessions')
      })

      it('ends the device that was chosen and signs in, at once', async () => {
        const [first, second] = await twoDevices('asking')
        const answer = await trySignIn('asking', { end_session_id: second.sessionId })
        expect(answer.status).to.equal(201)
        expectRefusal(await refresh(server().url, second.refreshToken), 'session_limit')
        expect(await areAlive([first, second])).to.deep.equal([true, false])
        const ended = (await eventsOf(server(), second)).at(-1)
        expect(ended).to.include({ type: 'session.revoked', reason: 'session_limit', actor: 'user' })
        expect(ended?.actor_session_id).to.equal(answer.body.session.id)
        expect(await feedOf(server(), second)).to.have.length(1)
      })

      it('ends nothing that is another client’s, another person’s, or over', async () => {
        const devices = await twoDevices('asking')
        const elsewhere = await signIn(server().url, email, { body: { client_id: 'default' } })
        const stranger = await aConfirmedPerson(server().url)
        for (const { sessionId } of [elsewhere, stranger]) {
          expectLimit(await trySignIn('asking', { end_session_id: sessionId }))
        }
        expect(await areAlive([...devices, elsewhere, stranger])).to.deep.equal([true, true, true, true])
        await send(`${server().url}/v1/sessions/current`, { method: 'DELETE', token: devices[0].accessToken })
        expect((await trySignIn('asking', { end_session_id: devices[0].sessionId })).status, 'there is room').to.equal(
          201,
        )
        expectLimit(await trySignIn('asking', { end_session_id: devices[0].sessionId }))
        expectProblem(await trySignIn('asking', { end_session_id: 'First' }), 400, 'invalid_request')
      })

      it('lets a magic link choose as well', async () => {
        const [first] = await twoDevices('asking')
        const link = await askedToken(server().url, 'magic', email, 1)
        expectLimit(await signInByLink(server().url, link, { client_id: 'asking' }))
        const chosen = { client_id: 'asking', end_session_id: first.sessionId }
        expect((await signInByLink(server().url, link, chosen)).status).to.equal(201)
        expectProblem(await signInByLink(server().url, link, chosen), 400, 'invalid_token')
      })
    })

    it('holds for the people of another application as well, over HTTP and in code', async () => {
      const key = await makeServiceKey(server(), 'sessions:create')
      const create = (more: object = {}) =>
        send<{ sessions: Choice[] }>(`${server().url}/v1/admin/sessions`, {
          body: { subject: 'alice', amr: ['pwd'], client_id: 'asking', ...more },
          headers: basic(key),
        })
      expect([(await create()).status, (await create()).status]).to.deep.equal([201, 201])
      const answer = await create()
      expectLimit(answer)
      expect((await create({ end_session_id: answer.body.sessions[0]?.id })).status).to.equal(201)
      const error = await server()
        .hallpass.startForSubject({ subject: 'alice', amr: ['pwd'], clientId: 'asking' })
        .catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(SessionLimitReached)
      expect((error as SessionLimitReached).sessions).to.have.length(2)
    })

    describe('on the pages', () => {
      const signInOnPage = (fields: Record<string, string>) =>
        submitForm(`${server().url}/sign-in`, { email, password: PASSWORD, remember: 'on', ...fields }, OUR_FORM)

      it('has a person choose a device to sign out, and enter the password once more', async () => {
        const [first] = await twoDevices('asking')
        const going = { client_id: 'asking', return_to: 'com.example.app:/in' }
        const asked = await signInOnPage(going)
        expectPage(asked, 409, 'Too many devices')
        expect(asked.headers.getSetCookie()).to.be.empty
        expect(wordsOf(asked)).to.match(/Second Last used just now.* First Last used 5 minutes ago/)
        for (const [name, value] of Object.entries({ ...going, email, remember: 'on' })) {
          expect(asked.html).to.match(new RegExp(`name="${name}"[^>]* value="${value}"`))
        }
        expect(asked.html).not.to.include(PASSWORD)
        expectPage(await signInOnPage({ ...going, password: 'wrong', end_session_id: first.sessionId }), 401, 'Sign in')
        expectToGoOnTo(await signInOnPage({ ...going, end_session_id: first.sessionId }), 'com.example.app:/in')
        expect(await isAlive(server(), first)).to.equal(false)
      })

      it('asks again where nothing was chosen', async () => {
        await twoDevices('asking')
        for (const chosen of ['', 'garbage']) {
          expectPage(await signInOnPage({ client_id: 'asking', end_session_id: chosen }), 409, 'Too many devices')
        }
      })

      it('has a person sign out elsewhere first, where there is no choice', async () => {
        await twoDevices('refusing')
        const refused = await signInOnPage({ client_id: 'refusing' })
        expectPage(refused, 409, 'Too many devices')
        expect(wordsOf(refused)).to.include('Sign out on one of them first').and.not.include('Second')
        expect(refused.html).to.include('href="sign-in?client_id=refusing"')
      })

      it('keeps the link from a mail good until a device was chosen', async () => {
        const [first] = await twoDevices('asking')
        const token = await askedToken(server().url, 'magic', email, 2)
        await server().hallpass.clients.save('default', { maxSessions: 1, atLimit: 'ask' })
        const there = await signIn(server().url, email)
        const use = (fields: Record<string, string> = {}) => submitForm(`${server().url}/magic`, { token, ...fields })
        const asked = await use()
        expectPage(asked, 409, 'Too many devices')
        expect(asked.html).to.include(`name="token" value="${token}"`)
        expect(asked.html).not.to.include('type="password"')
        await server().hallpass.clients.save('default', { atLimit: 'refuse' })
        expect(wordsOf(await use())).to.include('link from your mail is still good')
        await server().hallpass.clients.save('default', { atLimit: 'ask' })
        expectPage(await use({ end_session_id: there.sessionId }), 200, 'You are signed in')
        await server().hallpass.clients.save('default', { maxSessions: null })
        expect(await isAlive(server(), first), 'of another client').to.equal(true)
      })
    })
  })
})
