import { expect } from 'chai'
import { expectOAuthError, expectRefusal } from '../support/expectations.ts'
import {
  aSignedInPerson,
  cookieIn,
  ORIGIN,
  refresh,
  refreshByCookie,
  rotate,
  sendForm,
  signInByCookie,
  type SignedIn,
} from '../support/people.ts'
import { DAY, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('The Idempotency-Key of a refresh', () => {
  onBothStores((server) => {
    let device: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
    })

    const KEYS = ['zero', 'one', 'two', 'three', 'four']

    it('brings back a lost answer, days later and up to four rotations back', async () => {
      const tokens = await rotate(server().url, device, KEYS.slice(0, 4))
      await moveTimes(server(), device, { rotated_at: -3 * DAY })
      for (const [generation, key] of KEYS.slice(0, 4).entries()) {
        const { status, body } = await refresh(server().url, tokens[generation] ?? '', { key })
        expect(status, key).to.equal(200)
        expect(body.refresh_token, key).to.equal(tokens[4])
      }
      expect((await rowOf(server(), device)).revoked_reason).to.equal(null)
    })

    it('is forgotten after four more rotations: five back is reuse', async () => {
      const tokens = await rotate(server().url, device, KEYS)
      const oldest = await refresh(server().url, tokens[1] ?? '', { key: 'one' })
      expect(oldest.body.refresh_token).to.equal(tokens[5])
      expectRefusal(await refresh(server().url, tokens[0] ?? '', { key: 'zero' }), 'token_reuse')
    })

    it('belongs to the token that it was sent with, and helps no other', async () => {
      const tokens = await rotate(server().url, device, KEYS.slice(0, 3))
      expectRefusal(await refresh(server().url, tokens[0] ?? '', { key: 'one' }), 'token_reuse')
    })

    it('that a client always sends the same counts for none: it has the grace, and no more', async () => {
      const tokens = await rotate(server().url, device, ['constant', 'constant'])
      const inGrace = await refresh(server().url, tokens[1] ?? '', { key: 'constant' })
      expect(inGrace.body.refresh_token).to.equal(tokens[2])
      await moveTimes(server(), device, { rotated_at: -31 })
      expectRefusal(await refresh(server().url, tokens[1] ?? '', { key: 'constant' }), 'token_reuse')
    })

    it('that differs from the one of the rotation does not help after the grace', async () => {
      await rotate(server().url, device, ['zero'])
      await moveTimes(server(), device, { rotated_at: -31 })
      expectRefusal(await refresh(server().url, device.refreshToken, { key: 'Zero' }), 'token_reuse')
    })

    it('that is empty is none', async () => {
      await rotate(server().url, device, [''])
      await moveTimes(server(), device, { rotated_at: -31 })
      expectRefusal(await refresh(server().url, device.refreshToken, { key: '' }), 'token_reuse')
    })

    it('may have 128 characters; a longer one is refused before anything is consumed', async () => {
      expectOAuthError(await refresh(server().url, device.refreshToken, { key: 'k'.repeat(129) }), 'invalid_request')
      expect((await rowOf(server(), device)).generation).to.equal(0)
      const [, current] = await rotate(server().url, device, ['k'.repeat(128)])
      await moveTimes(server(), device, { rotated_at: -DAY })
      const replayed = await refresh(server().url, device.refreshToken, { key: 'k'.repeat(128) })
      expect(replayed.body.refresh_token).to.equal(current)
    })

    it('is kept apart by session: the same key on two devices is two keys', async () => {
      const browser = await signInByCookie(server().url, device.email)
      await refreshByCookie(server().url, browser.refreshToken, { 'idempotency-key': 'shared' })
      const [, current] = await rotate(server().url, device, ['shared'])
      await moveTimes(server(), device, { rotated_at: -DAY })
      const replayed = await refresh(server().url, device.refreshToken, { key: 'shared' })
      expect(replayed.body.refresh_token).to.equal(current)
      const [here, there] = [await rowOf(server(), device), await rowOf(server(), browser)]
      expect(here.idempotency_hashes.equals(there.idempotency_hashes)).to.equal(false)
    })

    describe('together with those of the rotations before', () => {
      /** What a browser keeps that was killed: the cookie of one moment, the keys of another. */
      const refreshWith = (cookie: string, key: string, former: string) =>
        sendForm(
          `${server().url}/oauth/token`,
          { grant_type: 'refresh_token', former_idempotency_keys: former },
          { cookie: `hallpass=${cookie}`, origin: ORIGIN, 'idempotency-key': key },
        )

      async function rotatedBrowser(): Promise<{ browser: SignedIn; cookies: string[] }> {
        const browser = await signInByCookie(server().url, device.email)
        const cookies = [browser.refreshToken]
        for (const key of KEYS) {
          const { headers } = await refreshByCookie(server().url, cookies.at(-1) ?? '', { 'idempotency-key': key })
          cookies.push(cookieIn(headers) ?? '')
        }
        await moveTimes(server(), browser, { rotated_at: -DAY })
        return { browser, cookies }
      }

      it('brings a cookie up to date that is older than its key, up to four rotations', async () => {
        const { browser, cookies } = await rotatedBrowser()
        for (const old of cookies.slice(1, 5)) {
          const { status, headers } = await refreshWith(old, 'five', 'four three two one')
          expect(status).to.equal(200)
          expect(cookieIn(headers)).to.equal(cookies.at(-1))
        }
        expect((await rowOf(server(), browser)).revoked_reason).to.equal(null)
      })

      it('is reuse without the one that the token was rotated with', async () => {
        const { cookies } = await rotatedBrowser()
        expectRefusal(await refreshWith(cookies[3] ?? '', 'five', 'four two one'), 'token_reuse')
      })

      it('counts four of them, and no more', async () => {
        const { cookies } = await rotatedBrowser()
        expectRefusal(await refreshWith(cookies[4] ?? '', 'five', 'a b c d four'), 'token_reuse')
      })

      it('rotates with its own key alone: those before are not remembered for it', async () => {
        const { browser, cookies } = await rotatedBrowser()
        const newest = cookies.at(-1) ?? ''
        const { headers } = await refreshWith(newest, 'five', 'four three two one')
        await moveTimes(server(), browser, { rotated_at: -DAY })
        const repeated = await refreshWith(newest, 'five', 'four three two one')
        expect(cookieIn(repeated.headers)).to.equal(cookieIn(headers))
        expectRefusal(await refreshWith(newest, 'six', 'four three two one'), 'token_reuse')
      })

      it('is reuse where an older key was used after a younger one: a copy of the device goes on with what it has', async () => {
        const { browser, cookies } = await rotatedBrowser()
        const [newest = ''] = cookies.slice(-1)
        const stolen = await refreshWith(newest, 'five', '')
        // The device repeats it, and learns nothing: whoever has token and key is answered like the device itself.
        const repeated = await refreshWith(newest, 'five', 'four three two one')
        expect(cookieIn(repeated.headers)).to.equal(cookieIn(stolen.headers))

        const thief = await refreshWith(cookieIn(stolen.headers) ?? '', 'two', '')
        expect(thief.status).to.equal(200)
        await moveTimes(server(), browser, { rotated_at: -DAY })
        const honest = await refreshWith(cookieIn(repeated.headers) ?? '', 'six', 'five four three two')
        expectRefusal(honest, 'token_reuse')
      })

      it('says nothing that nobody sent: empty and unknown ones are no harm', async () => {
        const { cookies } = await rotatedBrowser()
        for (const former of ['four ', ` four`, `four ${'x'.repeat(500)}`]) {
          expect((await refreshWith(cookies[4] ?? '', 'five', former)).status, former).to.equal(200)
        }
        expectRefusal(await refreshWith(cookies[4] ?? '', 'five', '   '), 'token_reuse')
      })
    })
  })
})
