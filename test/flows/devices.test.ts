import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { expectProblem } from '../support/expectations.ts'
import {
  aSignedInPerson,
  callSessions,
  refresh,
  register,
  send,
  signIn,
  type Answer,
  type SignedIn,
} from '../support/people.ts'
import { DAY, HOUR, isAlive, moveTimes } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

interface Listed {
  id: string
  current: boolean
  status: string
  revoked_reason: string | null
}

describe('The devices of a person', () => {
  onBothStores((server) => {
    let email: string
    let phone: SignedIn
    let laptop: SignedIn
    beforeEach(async () => {
      email = await register(server().url)
      phone = await signIn(server().url, email)
      laptop = await signIn(server().url, email)
    })

    const list = async (device: SignedIn, query = ''): Promise<Listed[]> => {
      const { status, body } = await send<{ sessions: Listed[] }>(`${server().url}/v1/sessions${query}`, {
        token: device.accessToken,
      })
      expect(status).to.equal(200)
      expect(body).to.have.all.keys('sessions')
      return body.sessions
    }

    const call = (method: string, path: string, token: string, body?: unknown): Promise<Answer> =>
      callSessions(server().url, method, path, token, body)

    describe('in the list', () => {
      it('stand newest use first, and the one that asks is marked', async () => {
        await moveTimes(server(), phone, { last_used_at: -HOUR })
        await moveTimes(server(), laptop, { last_used_at: -DAY })
        const sessions = await list(laptop)
        expect(sessions.map(({ id }) => id)).to.deep.equal([phone.sessionId, laptop.sessionId])
        expect(sessions.map(({ current }) => current)).to.deep.equal([false, true])
        await refresh(server().url, laptop.refreshToken)
        expect((await list(laptop)).map(({ id }) => id)).to.deep.equal([laptop.sessionId, phone.sessionId])
      })

      it('are those that live, unless others are asked for', async () => {
        const expired = await signIn(server().url, email)
        await moveTimes(server(), expired, { idle_expires_at: -1 })
        await call('DELETE', `/${phone.sessionId}`, laptop.accessToken)

        const ids = async (query: string) => (await list(laptop, query)).map(({ id }) => id)
        expect(await ids('')).to.deep.equal([laptop.sessionId])
        expect(await ids('?status=active')).to.deep.equal([laptop.sessionId])
        expect(await ids('?status=expired')).to.deep.equal([expired.sessionId])
        expect(await ids('?status=revoked')).to.deep.equal([phone.sessionId])
        expect(await ids('?status=all')).to.have.members([laptop.sessionId, expired.sessionId, phone.sessionId])
        const [revoked] = await list(laptop, '?status=revoked')
        expect(revoked).to.include({ status: 'revoked', revoked_reason: 'revoked_by_user', current: false })
        const [ended] = await list(laptop, '?status=expired')
        expect(ended).to.include({ status: 'expired', revoked_reason: null })
      })

      it('are asked for in known words only', async () => {
        for (const query of ['?status=', '?status=dead', '?status=all&status=all', '?state=all', '?__proto__=all']) {
          expectProblem(await call('GET', query, laptop.accessToken), 400, 'invalid_request')
        }
      })

      it('are nobody else’s', async () => {
        const stranger = await aSignedInPerson(server().url)
        expect(await list(stranger, '?status=all')).to.have.lengthOf(1)
      })
    })

    describe('one by one', () => {
      it('are found by their id, and the one that asks by "current" too', async () => {
        const other = await call('GET', `/${phone.sessionId}`, laptop.accessToken)
        expect(other.body).to.include({ id: phone.sessionId, current: false })
        const own = await call('GET', '/current', laptop.accessToken)
        expect(own.body).to.include({ id: laptop.sessionId, current: true })
        expect((await call('GET', `/${laptop.sessionId}`, laptop.accessToken)).body).to.deep.equal(own.body)
        const listed = (await list(laptop)).find(({ id }) => id === laptop.sessionId)
        expect(listed).to.deep.equal(own.body)
      })

      it('stay to be seen after they ended', async () => {
        await call('DELETE', `/${phone.sessionId}`, laptop.accessToken)
        const { status, body } = await call('GET', `/${phone.sessionId}`, laptop.accessToken)
        expect(status).to.equal(200)
        expect(body).to.include({ status: 'revoked', revoked_reason: 'revoked_by_user' })
        expect(body['revoked_at']).to.match(/Z$/)
      })

      it('do not exist under another person’s id, an unknown or an impossible one, for whatever method', async () => {
        const stranger = await aSignedInPerson(server().url)
        const missing = [
          phone.sessionId,
          randomUUID(),
          'nonsense',
          '%00',
          "'; drop table sessions; --",
          '%ff',
          '..%2f..',
        ]
        for (const id of missing) {
          for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { device_name: 'Mine now' }]] as const) {
            expectProblem(await call(method, `/${id}`, stranger.accessToken, body), 404, 'not_found')
          }
        }
        expect(await isAlive(server(), phone)).to.equal(true)
        expect((await call('GET', '/current', phone.accessToken)).body).to.have.nested.property('device.name', null)
      })
    })

    describe('are renamed', () => {
      const nameOf = ({ body }: Answer): unknown => (body['device'] as { name: unknown }).name

      it('by their id or by "current", and the answer is the session', async () => {
        const renamed = await call('PATCH', `/${phone.sessionId}`, laptop.accessToken, { device_name: 'Old phone' })
        expect(renamed.status).to.equal(200)
        expect(renamed.body).to.deep.equal((await call('GET', `/${phone.sessionId}`, laptop.accessToken)).body)
        expect(nameOf(renamed)).to.equal('Old phone')
        const own = await call('PATCH', '/current', laptop.accessToken, { device_name: 'My laptop' })
        expect(own.body).to.include({ id: laptop.sessionId, current: true })
        expect(nameOf(own)).to.equal('My laptop')
      })

      it('to a name of at most 100 characters, or to none', async () => {
        const hundred = '\u{1f4f1}'.repeat(50)
        expect(nameOf(await call('PATCH', '/current', phone.accessToken, { device_name: hundred }))).to.equal(hundred)
        const tooLong = await call('PATCH', '/current', phone.accessToken, { device_name: 'x'.repeat(101) })
        expectProblem(tooLong, 400, 'invalid_request')
        for (const none of [null, '', '   ']) {
          expect(nameOf(await call('PATCH', '/current', phone.accessToken, { device_name: none }))).to.equal(null)
        }
      })

      it('to what people can see: nothing that hides or reorders the text beside it', async () => {
        const shown = await call('PATCH', '/current', phone.accessToken, {
          device_name: ' My\u202e phone\u2066\n<b>\u0007 \u200b ',
        })
        expect(nameOf(shown)).to.equal('My phone <b>')
      })

      it('by a body that says so and nothing else', async () => {
        for (const body of [{}, { device_name: 1 }, { name: 'x' }, { device_name: 'x', status: 'active' }, [], 'x']) {
          expectProblem(await call('PATCH', '/current', phone.accessToken, body), 400, 'invalid_request')
        }
      })
    })
  })
})
