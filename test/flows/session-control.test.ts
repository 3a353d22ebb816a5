import { expect } from 'chai'
import { decodeJwt } from 'jose'
import { basic, makeServiceKey, type Key } from '../support/api-keys.ts'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import {
  aSignedInPerson,
  callSessions,
  claimsOf,
  refresh,
  send,
  sendForm,
  signIn,
  PASSWORD,
  type Answer,
  type SignedIn,
} from '../support/people.ts'
import { DAY, eventsOf, feedOf, HOUR, MINUTE, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

/** Only as exact as the clocks of two requests are. Milliseconds. */
const NEARLY = 30_000

describe('An operator’s control over a session', () => {
  onBothStores((server) => {
    let admin: Key
    before(async () => (admin = await makeServiceKey(server(), 'admin introspect')))

    const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
      send(`${server().url}/v1/admin/sessions${path}`, {
        method,
        headers: basic(admin),
        ...(body === undefined ? {} : { body }),
      })
    const at = ({ userId, sessionId }: SignedIn): string => `/${userId}/${sessionId}`
    const change = (device: SignedIn, body: unknown): Promise<Answer> => ask('PATCH', at(device), body)
    const inFuture = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString()
    const isActive = async (token: string): Promise<unknown> =>
      (await sendForm(`${server().url}/oauth/introspect`, { token }, basic(admin))).body['active']
    const expectNear = (time: unknown, seconds: number): void =>
      void expect(new Date(time as string).getTime()).to.be.closeTo(Date.now() + seconds * 1000, NEARLY)
    /** What the newest entry of the feed does to this token. */
    const isRefusedByFeed = async (device: SignedIn, token: string): Promise<boolean> => {
      const entries = await feedOf(server(), device)
      const { iat = 0 } = decodeJwt(token)
      return entries.some(({ issued_until: until }) => iat <= Math.floor(until.getTime() / 1000))
    }

    describe('to see it', () => {
      it('shows what its owner sees, and what operators can set', async () => {
        const device = await aSignedInPerson(server().url)
        const { status, body } = await ask('GET', at(device))
        expect(status).to.equal(200)
        const own = await callSessions(server().url, 'GET', '/current', device.accessToken)
        expect(body).to.have.all.keys(
          ...Object.keys(own.body),
          'user_id',
          'app',
          'ip_first',
          'pinned',
          'idle_ttl',
          'claims',
        )
        expect(body).to.deep.include({ user_id: device.userId, pinned: false, idle_ttl: null, claims: {}, data: {} })
      })

      it('knows no other session, and nobody without the scope', async () => {
        const [one, other] = [await aSignedInPerson(server().url), await aSignedInPerson(server().url)]
        for (const path of [`/${one.userId}/${other.sessionId}`, '/garbage/garbage']) {
          for (const [method, body] of [['GET'], ['PATCH', { pinned: true }], ['DELETE']] as const) {
            expectProblem(await ask(method, path, body), 404, 'not_found')
          }
        }
        const stranger = await makeServiceKey(server(), 'sessions:create')
        const url = `${server().url}/v1/admin/sessions`
        for (const path of ['', at(one)]) {
          const answer = await send(`${url}${path}`, { headers: basic(stranger) })
          expectProblem(answer, 403, 'insufficient_scope')
          expectProblem(await send(`${url}${path}`, { token: one.accessToken }), 401, 'invalid_access_token')
        }
      })
    })

    describe('over its ends', () => {
      it('extends it, beyond its absolute end', async () => {
        const device = await aSignedInPerson(server().url)
        await moveTimes(server(), device, { absolute_expires_at: HOUR, idle_expires_at: HOUR })
        const { status, body } = await change(device, {
          expires_at: inFuture(400 * DAY),
          idle_expires_at: inFuture(90 * DAY),
        })
        expect(status).to.equal(200)
        expectNear(body['expires_at'], 400 * DAY)
        expectNear(body['idle_expires_at'], 90 * DAY)
        expect(await feedOf(server(), device), 'no token says otherwise').to.be.empty
        expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
        expectNear((await rowOf(server(), device)).idle_expires_at, 30 * DAY)
      })

      it('shortens it; what outlives no access token needs no word to APIs', async () => {
        const device = await aSignedInPerson(server().url)
        expect((await change(device, { expires_at: inFuture(HOUR) })).status).to.equal(200)
        expect(await feedOf(server(), device)).to.be.empty
        const { body } = await refresh(server().url, device.refreshToken)
        expect(body.refresh_expires_in).to.be.within(HOUR - MINUTE, HOUR)
      })

      it('tells APIs where a token would outlive it', async () => {
        const device = await aSignedInPerson(server().url)
        expect((await change(device, { idle_expires_at: inFuture(MINUTE) })).status).to.equal(200)
        expect((await feedOf(server(), device)).map(({ kind }) => kind)).to.deep.equal(['stale'])
        expect(await isRefusedByFeed(device, device.accessToken)).to.equal(true)
        expect(await isActive(device.accessToken)).to.equal(false)
        const own = await callSessions(server().url, 'GET', '/current', device.accessToken)
        expectProblem(own, 401, 'invalid_access_token')
        await change(device, { expires_at: inFuture(MINUTE) })
        const { body } = await refresh(server().url, device.refreshToken)
        expect(body.expires_in).to.be.at.most(MINUTE)
        expect(await isRefusedByFeed(device, body.access_token)).to.equal(false)
        expect(await isActive(body.access_token)).to.equal(true)
      })

      it('gives it an idle life of its own, from now on', async () => {
        const device = await aSignedInPerson(server().url)
        const { body } = await change(device, { idle_ttl: 2 * HOUR })
        expect(body['idle_ttl']).to.equal(2 * HOUR)
        expectNear(body['idle_expires_at'], 2 * HOUR)
        await refresh(server().url, device.refreshToken)
        expectNear((await rowOf(server(), device)).idle_expires_at, 2 * HOUR)
        expectNear((await change(device, { idle_ttl: null })).body['idle_expires_at'], 30 * DAY)
      })

      it('ends it by time: now, or by an end that is past', async () => {
        for (const [body, reason] of [
          [{ expired: true }, 'expired_idle'],
          [{ idle_expires_at: inFuture(-DAY) }, 'expired_idle'],
          [{ expires_at: inFuture(-DAY) }, 'expired_absolute'],
        ] as const) {
          const device = await aSignedInPerson(server().url)
          const answer = await change(device, body)
          expect(answer.status).to.equal(200)
          expect(answer.body).to.include({ status: 'expired', revoked_at: null, revoked_reason: null })
          expect((await feedOf(server(), device)).map(({ kind }) => kind)).to.deep.equal(['revoked'])
          expect(await isRefusedByFeed(device, device.accessToken)).to.equal(true)
          expectRefusal(await refresh(server().url, device.refreshToken), reason)
          const last = (await eventsOf(server(), device)).at(-1)
          expect(last).to.include({ type: 'session.expired', reason, actor: 'admin', actor_id: admin.id })
          expectProblem(await change(device, { pinned: true }), 409, 'session_ended')
        }
      })
    })

    describe('to pin it', () => {
      it('keeps it from expiring by idleness, until it is unpinned', async () => {
        const device = await aSignedInPerson(server().url)
        const { body } = await change(device, { pinned: true })
        expect(body['pinned']).to.equal(true)
        expect(body['idle_expires_at']).to.equal(body['expires_at'])
        const refreshed = await refresh(server().url, device.refreshToken)
        const row = await rowOf(server(), device)
        expect(row.idle_expires_at).to.deep.equal(row.absolute_expires_at)
        expectProblem(await change(device, { idle_expires_at: inFuture(DAY) }), 400, 'invalid_request')
        const unpinned = await change(device, { pinned: false })
        expectNear(unpinned.body['idle_expires_at'], 30 * DAY)
        await change(device, { pinned: true })
        await ask('DELETE', at(device))
        expectRefusal(await refresh(server().url, refreshed.body.refresh_token), 'revoked_by_admin')
      })
    })

    describe('over what it carries', () => {
      it('merges data and claims, and outdates tokens that say otherwise', async () => {
        await server().hallpass.clients.save('carrier', { dataClaims: ['shop'] })
        const { email } = await aSignedInPerson(server().url)
        const device = await signIn(server().url, email, { body: { client_id: 'carrier' } })
        const first = await change(device, { data: { note: { a: 1, b: 2 }, theme: 'dark' } })
        expect(first.body['data']).to.deep.equal({ note: { a: 1, b: 2 }, theme: 'dark' })
        expect(await feedOf(server(), device), 'no token says it').to.be.empty

        const { body } = await change(device, {
          data: { shop: 4, theme: null, note: { a: null } },
          claims: { plan: 'team' },
        })
        expect(body).to.deep.include({ data: { shop: 4, note: { b: 2 } }, claims: { plan: 'team' } })
        expect((await feedOf(server(), device)).map(({ kind }) => kind)).to.deep.equal(['stale'])
        expect(await isRefusedByFeed(device, device.accessToken)).to.equal(true)
        const refreshed = await refresh(server().url, device.refreshToken)
        expect(claimsOf(refreshed.body.access_token)).to.include({ shop: 4, plan: 'team' })
        expect(claimsOf(refreshed.body.access_token)).not.to.have.any.keys('note', 'theme')
        expect(await isRefusedByFeed(device, refreshed.body.access_token)).to.equal(false)

        const last = (await eventsOf(server(), device)).at(-1)
        expect(last?.details).to.deep.equal({ data: ['shop', 'theme', 'note'], claims: ['plan'] })
      })

      it('takes no more than fits, and nothing that it does not know', async () => {
        const device = await aSignedInPerson(server().url)
        const data = { constructor: 2 }
        await change(device, { data })
        for (const [wrong, pointer, code] of [
          [{ data: { note: 'x'.repeat(4090) } }, '/data', 'too_large'],
          [{ claims: { note: 'x'.repeat(1024) } }, '/claims', 'too_large'],
          [{ claims: { sub: 'somebody' } }, '/claims/sub', 'reserved_name'],
          [{ data: [] }, '/data', 'invalid_type'],
          [{ idle_ttl: 0 }, '/idle_ttl', 'invalid_duration'],
          [{ expired: true, revoked: false }, '/expired', 'contradiction'],
          [{ expired: false }, '/expired', 'invalid_value'],
          [{ revoked: true }, '/revoked', 'invalid_value'],
          [{ expires_at: 'tomorrow' }, '/expires_at', 'invalid_format'],
          [{ colour: 'red' }, '/colour', 'unknown_member'],
        ] as const) {
          const answer = await change(device, wrong)
          expectProblem(answer, 400, 'invalid_request')
          expect(answer.body['errors'], pointer).to.deep.equal([{ pointer, code }])
        }
        const kept = await ask('GET', at(device))
        expect(kept.body).to.deep.include({ claims: {}, data })
      })
    })

    describe('to revive it', () => {
      it('brings back a revoked one: its refresh token, and tokens from then on', async () => {
        const device = await aSignedInPerson(server().url)
        await ask('DELETE', at(device))
        const { status, body } = await change(device, { revoked: false })
        expect(status).to.equal(200)
        expect(body).to.include({ status: 'active', revoked_at: null, revoked_reason: null })
        const refreshed = await refresh(server().url, device.refreshToken)
        expect(refreshed.status).to.equal(200)
        expect(await isRefusedByFeed(device, refreshed.body.access_token), 'in the very second').to.equal(false)
        expect(await isActive(refreshed.body.access_token)).to.equal(true)
        expect(await isRefusedByFeed(device, device.accessToken), 'those of before').to.equal(true)
        expect(await isActive(device.accessToken)).to.equal(false)
        expect((await feedOf(server(), device)).map(({ kind }) => kind)).to.deep.equal(['revoked', 'stale'])
        expect((await eventsOf(server(), device)).at(-1)).to.include({ type: 'session.revived', actor_id: admin.id })
      })

      it('gives an expired one its idle life anew', async () => {
        const device = await aSignedInPerson(server().url)
        await moveTimes(server(), device, { idle_expires_at: -DAY })
        expectNear((await change(device, { revoked: false })).body['idle_expires_at'], 30 * DAY)
        await change(device, { expired: true })
        expect((await change(device, { revoked: false, pinned: true })).body).to.include({
          status: 'active',
          pinned: true,
        })
        expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
      })

      it('goes beyond the absolute end only where that is said', async () => {
        const device = await aSignedInPerson(server().url)
        await moveTimes(server(), device, { absolute_expires_at: -HOUR })
        const refused = await change(device, { revoked: false })
        expectProblem(refused, 409, 'not_revivable')
        expect(refused.body['reason']).to.equal('past_absolute_end')
        expectProblem(await change(device, { revoked: false, expires_at: inFuture(-1) }), 409, 'not_revivable')
        const { body } = await change(device, { revoked: false, expires_at: inFuture(DAY) })
        expect(body['status']).to.equal('active')
        expectNear(body['expires_at'], DAY)
      })

      it('brings back what ended by reuse, whose old tokens are reuse again', async () => {
        const device = await aSignedInPerson(server().url)
        const first = await refresh(server().url, device.refreshToken)
        const second = await refresh(server().url, first.body.refresh_token)
        expectRefusal(await refresh(server().url, device.refreshToken), 'token_reuse')
        expect((await change(device, { revoked: false })).status).to.equal(200)
        const third = await refresh(server().url, second.body.refresh_token)
        expect(third.status).to.equal(200)
        expectRefusal(await refresh(server().url, device.refreshToken), 'token_reuse')
      })

      it('again and again, in one second', async () => {
        const device = await aSignedInPerson(server().url)
        const tokens = [device.accessToken]
        for (const _ of [1, 2]) {
          await ask('DELETE', at(device))
          await change(device, { revoked: false })
        }
        await ask('DELETE', at(device))
        expect(await isActive(tokens[0] ?? '')).to.equal(false)
        const entries = await feedOf(server(), device)
        expect(entries.map(({ kind }) => kind)).to.deep.equal(['revoked', 'stale', 'revoked', 'stale', 'revoked'])
        await change(device, { revoked: false })
        const { body } = await refresh(server().url, device.refreshToken)
        expect(await isRefusedByFeed(device, body.access_token)).to.equal(false)
        expect(await isActive(body.access_token)).to.equal(true)
      })

      it('brings its claims up to date with what its user has by now', async () => {
        const device = await aSignedInPerson(server().url)
        await ask('DELETE', at(device))
        await change(device, { revoked: false, claims: { plan: 'team' } })
        const { body } = await refresh(server().url, device.refreshToken)
        expect(claimsOf(body.access_token)).to.include({ plan: 'team' })
        expect(await isRefusedByFeed(device, body.access_token)).to.equal(false)
      })

      it('lets nobody into an account that is disabled or gone', async () => {
        const operator = { kind: 'admin', sessionId: null, ip: null } as const
        const device = await aSignedInPerson(server().url)
        await server().hallpass.accounts.disable(device.userId, operator)
        expect((await change(device, { revoked: false })).body).to.include({ reason: 'account_disabled', status: 409 })
        await server().hallpass.accounts.delete(device.userId, operator)
        expect((await change(device, { revoked: false })).body).to.include({ reason: 'account_deleted', status: 409 })
      })

      it('changes nothing where it lives', async () => {
        const device = await aSignedInPerson(server().url)
        expect((await change(device, { revoked: false })).status).to.equal(200)
        expect(await feedOf(server(), device)).to.be.empty
        expect((await eventsOf(server(), device)).map(({ type }) => type)).to.deep.equal(['session.created'])
        expect(await isActive(device.accessToken)).to.equal(true)
      })
    })

    describe('of its owner, for ten minutes', () => {
      const undo = (by: SignedIn, id: string): Promise<Answer> =>
        callSessions(server().url, 'PATCH', `/${id}`, by.accessToken, { revoked: false })
      const twoDevices = async (): Promise<[SignedIn, SignedIn]> => {
        const phone = await aSignedInPerson(server().url)
        return [phone, await signIn(server().url, phone.email)]
      }
      const signOut = (by: SignedIn, id: string): Promise<Answer> =>
        callSessions(server().url, 'DELETE', `/${id}`, by.accessToken)

      it('takes back that they signed a device out, as it was, twice at once', async () => {
        const [phone, laptop] = await twoDevices()
        const before = await rowOf(server(), laptop)
        await signOut(phone, laptop.sessionId)
        const answers = await Promise.all([undo(phone, laptop.sessionId), undo(phone, laptop.sessionId)])
        for (const { status, body } of answers) expect([status, body['status']]).to.deep.equal([200, 'active'])
        expect((await rowOf(server(), laptop)).idle_expires_at).to.deep.equal(before.idle_expires_at)
        expect((await refresh(server().url, laptop.refreshToken)).status).to.equal(200)
        const revived = (await eventsOf(server(), laptop)).filter(({ type }) => type === 'session.revived')
        expect(revived).to.have.lengthOf(1)
        expect(revived[0]).to.include({ actor: 'user', actor_session_id: phone.sessionId })
      })

      it('but neither later, nor what somebody else ended or time did', async () => {
        const [phone, laptop] = await twoDevices()
        const tablet = await signIn(server().url, phone.email)
        const refusal = async (): Promise<unknown> => {
          const answer = await undo(phone, laptop.sessionId)
          expectProblem(answer, 409, 'not_revivable')
          return answer.body['reason']
        }
        await signOut(phone, laptop.sessionId)
        await moveTimes(server(), laptop, { revoked_at: -11 * MINUTE })
        expect(await refusal()).to.equal('too_late')
        await moveTimes(server(), laptop, { revoked_at: -MINUTE, idle_expires_at: -1 })
        expect(await refusal()).to.equal('expired')
        await change(laptop, { revoked: false })
        await ask('DELETE', at(laptop))
        expect(await refusal()).to.equal('not_revoked_by_owner')
        await change(laptop, { revoked: false })
        await change(laptop, { expired: true })
        expect(await refusal()).to.equal('expired')

        const stranger = await aSignedInPerson(server().url)
        expectProblem(await undo(stranger, tablet.sessionId), 404, 'not_found')
        await signOut(phone, tablet.sessionId)
        const old = { kind: 'admin', sessionId: null, ip: null } as const
        await server().hallpass.users.confirm(phone.email, old)
        const answer = await undo(phone, tablet.sessionId)
        expect(answer.body).to.include({ status: 409, reason: 'account_changed' })
      })

      it('and never what ended before the password was changed', async () => {
        const [phone, laptop] = await twoDevices()
        await signOut(phone, laptop.sessionId)
        await send(`${server().url}/v1/users/me/password`, {
          method: 'PUT',
          token: phone.accessToken,
          body: { current_password: PASSWORD, password: 'quite another long passphrase' },
        })
        expect((await undo(phone, laptop.sessionId)).body).to.include({ status: 409, reason: 'account_changed' })
      })

      it('wants recent authentication', async () => {
        const [phone, laptop] = await twoDevices()
        await signOut(phone, laptop.sessionId)
        await moveTimes(server(), phone, { authenticated_at: -11 * MINUTE })
        const { body } = await refresh(server().url, phone.refreshToken)
        const answer = await undo({ ...phone, accessToken: body.access_token }, laptop.sessionId)
        expectProblem(answer, 401, 'insufficient_user_authentication')
      })
    })
  })
})
