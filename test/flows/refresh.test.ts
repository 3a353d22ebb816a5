import { expect } from 'chai'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { expectOAuthError, expectRefusal } from '../support/expectations.ts'
import { mailsAbout } from '../support/mail.ts'
import {
  aPersonInABrowser,
  aSignedInPerson,
  claimsOf,
  generationOf,
  refresh,
  refreshByCookie,
  rotate,
  send,
  signIn,
  type SignedIn,
} from '../support/people.ts'
import { DAY, eventsOf, feedOf, MINUTE, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'
import { restoreRow, saveRow } from '../support/sessions.ts'

describe('Refreshing', () => {
  onBothStores((server) => {
    let device: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
    })

    it('answers a new refresh token and a new access token, and nothing else', async () => {
      const { status, headers, body } = await refresh(server().url, device.refreshToken)
      expect(status).to.equal(200)
      expect(headers.get('content-type')).to.match(/^application\/json(;|$)/)
      expect(headers.get('cache-control')).to.equal('no-store')
      expect(headers.getSetCookie()).to.be.empty
      expect(body).to.have.all.keys(
        'access_token',
        'token_type',
        'expires_in',
        'refresh_token',
        'refresh_expires_in',
        'session_id',
      )
      expect(body).to.include({ token_type: 'Bearer', session_id: device.sessionId })
      expect(body.expires_in).to.be.within(285, 300)
      expect(body.refresh_expires_in).to.be.within(30 * DAY - MINUTE, 30 * DAY)
      expect(generationOf(body.refresh_token)).to.equal(1)
      expect(body.access_token).not.to.equal(device.accessToken)
    })

    it('goes on for as long as the device comes back', async () => {
      const tokens = await rotate(server().url, device, 8)
      expect(tokens.map(generationOf)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8])
      expect(new Set(tokens).size).to.equal(9)
    })

    it('moves the idle end, and never the absolute one', async () => {
      await moveTimes(server(), device, { idle_expires_at: 5 * MINUTE, last_used_at: -29 * DAY })
      const before = await rowOf(server(), device)
      await refresh(server().url, device.refreshToken)
      const after = await rowOf(server(), device)
      expect(after.idle_expires_at.getTime() - after.last_used_at.getTime()).to.be.closeTo(30 * DAY * 1000, 1000)
      expect(after.last_used_at.getTime()).to.be.greaterThan(before.last_used_at.getTime())
      expect(after.absolute_expires_at).to.deep.equal(before.absolute_expires_at)
    })

    it('of one device leaves the others of the same person alone', async () => {
      const other = await signIn(server().url, device.email)
      await rotate(server().url, device, 2)
      expect((await refresh(server().url, other.refreshToken)).status).to.equal(200)
    })

    describe('with the predecessor, because the answer was lost,', () => {
      it('within the grace is answered the very same refresh token and a fresh access token', async () => {
        const first = await refresh(server().url, device.refreshToken)
        const again = await refresh(server().url, device.refreshToken)
        expect(again.status).to.equal(200)
        expect(again.body.refresh_token).to.equal(first.body.refresh_token)
        expect(claimsOf(again.body.access_token)['jti']).not.to.equal(claimsOf(first.body.access_token)['jti'])
        const { status } = await send(`${server().url}/v1/sessions/current`, { token: again.body.access_token })
        expect(status).to.equal(200)
        expect((await refresh(server().url, again.body.refresh_token)).status).to.equal(200)
      })

      it('writes nothing and extends nothing, however often it is repeated', async () => {
        await refresh(server().url, device.refreshToken)
        await moveTimes(server(), device, { idle_expires_at: 10 * MINUTE })
        const before = await rowOf(server(), device)
        for (let count = 0; count < 5; count += 1) {
          const { body } = await refresh(server().url, device.refreshToken)
          expect(body.refresh_expires_in).to.be.at.most(10 * MINUTE)
        }
        expect(await rowOf(server(), device)).to.deep.equal(before)
      })

      it('after the grace is reuse, of the kind that a lost connection can explain', async () => {
        await refresh(server().url, device.refreshToken)
        await moveTimes(server(), device, { rotated_at: -31 })
        expectRefusal(await refresh(server().url, device.refreshToken), 'token_reuse')
        const [, reuse] = await eventsOf(server(), device)
        expect(reuse).to.include({ type: 'session.revoked', reason: 'token_reuse', subtype: 'late_predecessor' })
      })

      it('shortly before the end of the grace is still answered', async () => {
        const { body } = await refresh(server().url, device.refreshToken)
        await moveTimes(server(), device, { rotated_at: -15 })
        expect((await refresh(server().url, device.refreshToken)).body.refresh_token).to.equal(body.refresh_token)
      })

      it('has a grace for one generation only', async () => {
        await rotate(server().url, device, 2)
        expectRefusal(await refresh(server().url, device.refreshToken), 'token_reuse')
        const [, reuse] = await eventsOf(server(), device)
        expect(reuse).to.include({ subtype: 'old_token' })
      })
    })

    describe('with an old token, which is reuse,', () => {
      let current: string
      beforeEach(async () => {
        current = (await rotate(server().url, device, 2)).at(-1) ?? ''
      })

      it('ends the session for good: the newest token and every access token are dead too', async () => {
        expectRefusal(await refresh(server().url, device.refreshToken), 'token_reuse')
        expectRefusal(await refresh(server().url, current), 'token_reuse')
        const { status } = await send(`${server().url}/v1/sessions/current`, { token: device.accessToken })
        expect(status).to.equal(401)
      })

      it('is written down once, told to the verifiers and mailed to the user', async () => {
        await refresh(server().url, device.refreshToken)
        await refresh(server().url, device.refreshToken)

        const [, ...reuse] = await eventsOf(server(), device)
        expect(reuse).to.deep.equal([
          {
            type: 'session.revoked',
            reason: 'token_reuse',
            subtype: 'old_token',
            actor: 'system',
            actor_id: null,
            actor_session_id: null,
            ip: '127.0.0.1',
            details: {},
          },
        ])
        const feed = await feedOf(server(), device)
        expect(feed.map(({ kind, seconds }) => ({ kind, seconds }))).to.deep.equal([{ kind: 'revoked', seconds: 360 }])
        expect(await mailsAbout(device.email, 'token_reuse')).to.have.lengthOf(1)
      })

      it('ends no other session of that person', async () => {
        const other = await signIn(server().url, device.email)
        await refresh(server().url, device.refreshToken)
        expect((await refresh(server().url, other.refreshToken)).status).to.equal(200)
      })
    })

    describe('when the database lost its last commits', () => {
      it('goes on from the token that the device has, which proves itself', async () => {
        const saved = await saveRow(server(), device.sessionId)
        const tokens = await rotate(server().url, device, 3)
        await restoreRow(server(), saved)
        const { status, body } = await refresh(server().url, tokens[3] ?? '')
        expect(status).to.equal(200)
        expect(generationOf(body.refresh_token)).to.equal(4)
        expect((await rowOf(server(), device)).generation).to.equal(4)
        expect((await refresh(server().url, body.refresh_token)).status).to.equal(200)
      })

      it('replays that answer too when it was lost', async () => {
        const saved = await saveRow(server(), device.sessionId)
        const tokens = await rotate(server().url, device, 2)
        await restoreRow(server(), saved)
        const first = await refresh(server().url, tokens[2] ?? '', { key: 'after the restore' })
        await moveTimes(server(), device, { rotated_at: -3 * DAY })
        const again = await refresh(server().url, tokens[2] ?? '', { key: 'after the restore' })
        expect(again.body.refresh_token).to.equal(first.body.refresh_token)
      })

      it('starts its list of keys anew: one that it knows for an earlier token counts for none that was lost', async () => {
        const [, second] = await rotate(server().url, device, ['zero'])
        const saved = await saveRow(server(), device.sessionId)
        const [, lost, ahead] = await rotate(server().url, { ...device, refreshToken: second ?? '' }, ['one', 'two'])
        await restoreRow(server(), saved)
        await refresh(server().url, ahead ?? '', { key: 'three' })
        expectRefusal(await refresh(server().url, lost ?? '', { key: 'zero' }), 'token_reuse')
      })
    })

    describe('while the database is away', () => {
      it('answers 503 with Retry-After, consumes nothing and leaves the cookie alone', async () => {
        const browser = await aPersonInABrowser(server().url)
        await withDatabaseAway(server(), async () => {
          for (const answer of [
            await refresh(server().url, device.refreshToken),
            await refreshByCookie(server().url, browser.refreshToken),
          ]) {
            expectOAuthError(answer, 'temporarily_unavailable', 503)
            expect(answer.headers.get('retry-after')).to.match(/^\d+$/)
          }
        })
        expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
        expect((await refreshByCookie(server().url, browser.refreshToken)).status).to.equal(200)
      })
    })
  })
})

describe('Refreshing with the predecessor where the preset is strict', () => {
  onBothStores(
    (server) => {
      it('has no grace: at once it is reuse', async () => {
        const device = await aSignedInPerson(server().url)
        await rotate(server().url, device, 1)
        expectRefusal(await refresh(server().url, device.refreshToken), 'token_reuse')
      })

      it('is still answered with its Idempotency-Key', async () => {
        const device = await aSignedInPerson(server().url)
        const [, current] = await rotate(server().url, device, ['the first'])
        const replayed = await refresh(server().url, device.refreshToken, { key: 'the first' })
        expect(replayed.body.refresh_token).to.equal(current)
      })

      it('gives access tokens two minutes, and the session an hour', async () => {
        const { body } = await refresh(server().url, (await aSignedInPerson(server().url)).refreshToken)
        expect(body.expires_in).to.be.within(114, 120)
        expect(body.refresh_expires_in).to.be.within(59 * MINUTE, 60 * MINUTE)
      })
    },
    { HALLPASS_PRESET: 'strict' },
  )
})
