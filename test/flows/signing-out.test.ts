import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import {
  aSignedInPerson,
  callSessions,
  cookieAttributesIn,
  cookieIn,
  ORIGIN,
  PASSWORD,
  refresh,
  register,
  send,
  signIn,
  signInByCookie,
  type Answer,
  type SignedIn,
} from '../support/people.ts'
import { eventsOf, feedOf, isAlive, MINUTE, moveTimes } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('Signing out', () => {
  onBothStores((server) => {
    let email: string
    let phone: SignedIn
    let laptop: SignedIn
    beforeEach(async () => {
      email = await register(server().url)
      phone = await signIn(server().url, email)
      laptop = await signIn(server().url, email)
    })

    const call = (method: string, path: string, token: string): Promise<Answer> =>
      callSessions(server().url, method, path, token)

    describe('another device', () => {
      it('one by one from another device, once and for all', async () => {
        const ended = await call('DELETE', `/${phone.sessionId}`, laptop.accessToken)
        expect(ended.status).to.equal(204)
        expectProblem(await call('GET', '/current', phone.accessToken), 401, 'invalid_access_token')
        expectRefusal(await refresh(server().url, phone.refreshToken), 'revoked_by_user')
        expect(await isAlive(server(), laptop)).to.equal(true)
      })

      it('and that is written in their history and told to the verifiers, once', async () => {
        for (let count = 0; count < 2; count += 1) {
          expect((await call('DELETE', `/${phone.sessionId}`, laptop.accessToken)).status).to.equal(204)
        }
        const [created, ...ends] = await eventsOf(server(), phone)
        expect(created).to.include({ type: 'session.created', actor: 'user', actor_session_id: phone.sessionId })
        expect(ends).to.deep.equal([
          {
            type: 'session.revoked',
            reason: 'revoked_by_user',
            subtype: null,
            actor: 'user',
            actor_id: null,
            actor_session_id: laptop.sessionId,
            ip: '127.0.0.1',
            details: {},
          },
        ])
        const feed = await feedOf(server(), phone)
        expect(feed.map(({ kind, seconds }) => ({ kind, seconds }))).to.deep.equal([{ kind: 'revoked', seconds: 360 }])
      })

      it('all the others at once, with how many they were', async () => {
        const tablet = await signIn(server().url, email)
        const { status, body } = await call('DELETE', '?except=current', laptop.accessToken)
        expect(status).to.equal(200)
        expect(body).to.deep.equal({ revoked: 2 })
        expect(await Promise.all([phone, tablet, laptop].map((device) => isAlive(server(), device)))).to.deep.equal([
          false,
          false,
          true,
        ])
        expect((await call('DELETE', '?except=current', laptop.accessToken)).body).to.deep.equal({ revoked: 0 })
      })

      it('all at once, this one too', async () => {
        const stranger = await aSignedInPerson(server().url)
        const { body } = await call('DELETE', '', laptop.accessToken)
        expect(body).to.deep.equal({ revoked: 2 })
        for (const device of [phone, laptop]) {
          expectRefusal(await refresh(server().url, device.refreshToken), 'revoked_by_user')
        }
        expect(await isAlive(server(), stranger)).to.equal(true)
      })

      it('all at once in known words only: a typing mistake ends nothing', async () => {
        for (const query of ['?except=', '?except=me', '?expect=current', '?except=current&except=current']) {
          expectProblem(await call('DELETE', query, laptop.accessToken), 400, 'invalid_request')
        }
        expect(await isAlive(server(), phone)).to.equal(true)
      })
    })

    describe('this device', () => {
      it('ends this session and no other', async () => {
        const { status, headers } = await call('DELETE', '/current', phone.accessToken)
        expect(status).to.equal(204)
        expect(headers.getSetCookie()).to.be.empty
        expectRefusal(await refresh(server().url, phone.refreshToken), 'signed_out')
        expect(await isAlive(server(), laptop)).to.equal(true)
        expectProblem(await call('DELETE', '/current', phone.accessToken), 401, 'invalid_access_token')
      })

      it('clears the cookie of this session', async () => {
        const browser = await signInByCookie(server().url, email)
        const { status, headers } = await send(`${server().url}/v1/sessions/current`, {
          method: 'DELETE',
          token: browser.accessToken,
          headers: { cookie: `hallpass=${browser.refreshToken}`, origin: ORIGIN },
        })
        expect(status).to.equal(204)
        expect(cookieIn(headers)).to.equal('')
        const { expires, path, 'max-age': maxAge } = cookieAttributesIn(headers)
        expect(path).to.equal('/')
        expect(maxAge === '0' || Date.parse(expires ?? '') < Date.now()).to.equal(true)
      })

      it('leaves the cookie of a newer sign-in in the same browser alone', async () => {
        const older = await signInByCookie(server().url, email)
        const newer = await signInByCookie(server().url, await register(server().url))
        for (const cookie of [newer.refreshToken, 'garbage']) {
          const { headers } = await send(`${server().url}/v1/sessions/current`, {
            method: 'DELETE',
            token: older.accessToken,
            headers: { cookie: `hallpass=${cookie}`, origin: ORIGIN },
          })
          expect(headers.getSetCookie()).to.be.empty
        }
        expect(await isAlive(server(), newer)).to.equal(true)
      })
    })

    describe('another device wants a person who proved who they are a moment ago', () => {
      /** Signed in eleven minutes ago, and refreshed since. */
      const stale = async (device: SignedIn): Promise<string> => {
        await moveTimes(server(), device, { authenticated_at: -11 * MINUTE })
        return (await refresh(server().url, device.refreshToken)).body.access_token
      }

      it('before one of them or all are signed out', async () => {
        const token = await stale(laptop)
        for (const path of [`/${phone.sessionId}`, `/${randomUUID()}`, '?except=current', '']) {
          const answer = await call('DELETE', path, token)
          expectProblem(answer, 401, 'insufficient_user_authentication')
          expect(answer.headers.get('www-authenticate')).to.equal(
            'Bearer error="insufficient_user_authentication", max_age="600"',
          )
        }
        expect([await isAlive(server(), phone), await isAlive(server(), laptop)]).to.deep.equal([true, true])
      })

      it('and that is somebody of at most ten minutes ago', async () => {
        await moveTimes(server(), laptop, { authenticated_at: -9 * MINUTE })
        const { body } = await refresh(server().url, laptop.refreshToken)
        expect((await call('DELETE', `/${phone.sessionId}`, body.access_token)).status).to.equal(204)
      })

      it('or right now', async () => {
        const token = await stale(laptop)
        const confirmed = await send(`${server().url}/v1/sessions/current/reauthentication`, {
          token,
          body: { password: PASSWORD },
        })
        const fresh = confirmed.body['access_token'] as string
        expect((await call('DELETE', `/${phone.sessionId}`, fresh)).status).to.equal(204)
      })

      it('but never to look, to rename or to sign out here', async () => {
        const token = await stale(laptop)
        expect((await call('GET', '', token)).status).to.equal(200)
        expect((await callSessions(server().url, 'PATCH', '/current', token, { device_name: 'Mine' })).status).to.equal(
          200,
        )
        expect((await call('DELETE', '/current', token)).status).to.equal(204)
      })
    })
  })
})
