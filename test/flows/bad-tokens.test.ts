import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { countQueries } from '../support/database-traffic.ts'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import {
  aPersonInABrowser,
  aSignedInPerson,
  ORIGIN,
  PASSWORD,
  refresh,
  refreshByCookie,
  rotate,
  send,
  sendForm,
  signInByCookie,
  type SignedIn,
} from '../support/people.ts'
import { eventsOf, feedOf, rowOf } from '../support/rows.ts'
import { onStore } from '../support/server.ts'
import { aRingWithAnotherKeyId, aRingWithOurKeyId, forge, secretIn } from '../support/tokens.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const mailToken = (): string => `hpem_${randomBytes(32).toString('base64url')}`
const apiKey = (): string => `hpak_${randomBytes(32).toString('base64url')}`

describe('A token that is not the right one', () => {
  onStore('postgresql', (server) => {
    let device: SignedIn
    let browser: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
      browser = await aPersonInABrowser(server().url)
    })

    const revoke = (token: string) => sendForm(`${server().url}/oauth/revoke`, { token })

    const reauthenticate = (refreshToken: string) =>
      send(`${server().url}/v1/sessions/current/reauthentication`, {
        body: { password: PASSWORD, refresh_token: refreshToken },
      })

    /** Nothing happened to the sessions, and the good tokens still work. */
    const expectUnharmed = async (): Promise<void> => {
      for (const one of [device, browser]) {
        expect(await rowOf(server(), one)).to.include({ generation: 0, revoked_reason: null })
        expect(await feedOf(server(), one)).to.be.empty
        expect(await eventsOf(server(), one)).to.have.lengthOf(1)
      }
      expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
      expect((await refreshByCookie(server().url, browser.refreshToken)).status).to.equal(200)
    }

    describe('but one of another kind', () => {
      it('opens nothing as an access token', async () => {
        for (const token of [device.refreshToken, browser.refreshToken, mailToken(), apiKey(), 'a.b.c', '..', '=']) {
          for (const [method, path] of [
            ['GET', '/v1/users/me'],
            ['GET', '/v1/sessions'],
            ['DELETE', '/v1/sessions'],
            ['DELETE', '/v1/sessions/current'],
            ['GET', `/v1/sessions/${device.sessionId}`],
            ['PATCH', '/v1/sessions/current'],
          ] as const) {
            const answer = await send(`${server().url}${path}`, { method, token })
            expectProblem(answer, 401, 'invalid_access_token')
            expect(answer.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
          }
          const body = { password: PASSWORD }
          const url = `${server().url}/v1/sessions/current/reauthentication`
          expectProblem(await send(url, { token, body }), 401, 'invalid_access_token')
        }
        await expectUnharmed()
      })

      it('opens nothing under another scheme of authentication', async () => {
        const basic = Buffer.from(`${device.sessionId}:${apiKey()}`).toString('base64')
        for (const authorization of [
          `Basic ${basic}`,
          `DPoP ${device.accessToken}`,
          device.accessToken,
          'Bearer',
          '',
        ]) {
          const answer = await send(`${server().url}/v1/users/me`, { headers: { authorization } })
          expectProblem(answer, 401, 'invalid_access_token')
        }
      })

      it('refreshes nothing, in the body or the cookie', async () => {
        for (const token of [device.accessToken, mailToken(), apiKey()]) {
          expectRefusal(await refresh(server().url, token), 'malformed')
          expectRefusal(await refreshByCookie(server().url, token), 'malformed')
        }
        await expectUnharmed()
      })

      it('proves nobody again', async () => {
        for (const token of [device.accessToken, mailToken(), apiKey()]) {
          expectProblem(await reauthenticate(token), 401, 'invalid_access_token')
          const headers = { cookie: `hallpass=${token}`, origin: ORIGIN }
          const url = `${server().url}/v1/sessions/current/reauthentication`
          expectProblem(await send(url, { body: { password: PASSWORD }, headers }), 401, 'invalid_access_token')
        }
        await expectUnharmed()
      })

      it('ends nothing when it is handed back', async () => {
        for (const token of [mailToken(), apiKey(), device.sessionId, device.userId]) {
          expect((await revoke(token)).status).to.equal(200)
        }
        await expectUnharmed()
      })

      it('names no session', async () => {
        for (const token of [device.refreshToken, device.accessToken, mailToken(), apiKey()]) {
          const answer = await send(`${server().url}/v1/sessions/${token}`, { token: device.accessToken })
          expectProblem(answer, 404, 'not_found')
        }
        await expectUnharmed()
      })
    })

    describe('but nearly', () => {
      it('is refused with any one of its 120 characters changed, before the database is asked', async () => {
        expect(device.refreshToken).to.have.lengthOf(120)
        const changed = Array.from(device.refreshToken, (character, position) => {
          const other = ALPHABET[(ALPHABET.indexOf(character) + 1) % ALPHABET.length]
          return `${device.refreshToken.slice(0, position)}${other}${device.refreshToken.slice(position + 1)}`
        })
        const queries = await countQueries(server(), async () => {
          for (const token of changed) {
            const { status, body } = await refresh(server().url, token)
            expect(status).to.equal(400)
            expect(body.error).to.equal('invalid_grant')
            // A changed key id may be one that another process knows.
            expect([body.reason, body.terminal]).to.be.deep.oneOf([
              ['malformed', true],
              ['unknown_key', false],
            ])
          }
        })
        expect(queries).to.equal(0)
        expect(await countQueries(server(), expectUnharmed)).to.be.greaterThan(0)
      })

      it('is refused where its last character decodes to the same bytes: one token has one spelling', async () => {
        const last = ALPHABET.indexOf(device.refreshToken.at(-1) ?? '')
        const bytes = Buffer.from(device.refreshToken.slice(5), 'base64url')
        for (const offset of [1, 2, 3]) {
          const spelling = device.refreshToken.slice(0, -1) + ALPHABET[last + offset]
          expect(Buffer.from(spelling.slice(5), 'base64url').equals(bytes)).to.equal(true)
          expectRefusal(await refresh(server().url, spelling), 'malformed')
          expectProblem(await reauthenticate(spelling), 401, 'invalid_access_token')
          expect((await revoke(spelling)).status).to.equal(200)
        }
        await expectUnharmed()
      })

      it('is refused in every other spelling', async () => {
        const { refreshToken } = device
        const body = refreshToken.slice(5)
        for (const spelling of [
          ` ${refreshToken}`,
          `${refreshToken}\n`,
          `${refreshToken}=`,
          `HPRT_${body}`,
          body,
          `hprt_${Buffer.from(body, 'base64url').toString('hex')}`,
          `hprt_${body.slice(0, -1)}`,
          `hprt_${body.replaceAll('-', '+').replaceAll('_', '/')}=`,
          `hprt_${body}${body}`,
        ]) {
          expectRefusal(await refresh(server().url, spelling), 'malformed')
        }
        await expectUnharmed()
      })
    })

    describe('but forged', () => {
      it('without our secret reaches no database, and signs nobody out who is named in it', async () => {
        for (const [ring, reason, terminal] of [
          [aRingWithOurKeyId(), 'malformed', true],
          [aRingWithAnotherKeyId(), 'unknown_key', false],
        ] as const) {
          const queries = await countQueries(server(), async () => {
            for (const generation of [0, 1, 1_000]) {
              expectRefusal(await refresh(server().url, forge({ ...device, ring, generation })), reason, terminal)
              expectRefusal(
                await refreshByCookie(server().url, forge({ ...browser, ring, generation })),
                reason,
                terminal,
              )
            }
            await revoke(forge({ ...device, ring }))
            await reauthenticate(forge({ ...device, ring }))
          })
          expect(queries).to.equal(0)
        }
        await expectUnharmed()
      })

      it('without our secret is no better with the secret of the session in it', async () => {
        const token = forge({ ...device, ring: aRingWithOurKeyId(), secret: secretIn(device.refreshToken) })
        expectRefusal(await refresh(server().url, token), 'malformed')
        await expectUnharmed()
      })

      it('with our leaked secret is malformed too, and revokes nothing: only the device knows its own', async () => {
        const [, current = ''] = await rotate(server().url, device, 1)
        for (const generation of [0, 1, 2, 1_000]) {
          expectRefusal(await refresh(server().url, forge({ ...device, generation })), 'malformed')
          expectRefusal(await refreshByCookie(server().url, forge({ ...browser, generation })), 'malformed')
        }
        await revoke(forge(device))
        expectProblem(await reauthenticate(forge(device)), 401, 'invalid_access_token')
        const cookie = `hallpass=${forge(browser)}`
        await signInByCookie(server().url, browser.email, { headers: { cookie } })

        expect((await rowOf(server(), device)).revoked_reason).to.equal(null)
        expect((await rowOf(server(), browser)).revoked_reason).to.equal(null)
        expect((await refresh(server().url, current)).status).to.equal(200)
      })

      it('with our leaked secret and the secret of another session is malformed', async () => {
        const token = forge({ ...device, secret: secretIn(browser.refreshToken) })
        expectRefusal(await refresh(server().url, token), 'malformed')
        await expectUnharmed()
      })

      it('with the highest generation is malformed: a next one has to fit', async () => {
        const token = forge({ ...device, secret: secretIn(device.refreshToken), generation: 0xffffffff })
        expectRefusal(await refresh(server().url, token), 'malformed')
        await expectUnharmed()
      })

      it('as an access token without a signature, or with another’s, opens nothing', async () => {
        const [header = '', payload = '', signature = ''] = device.accessToken.split('.')
        const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }
        const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
        for (const token of [
          `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`,
          `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.${signature}`,
          `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}.${signature}`,
          `${encode({ alg: 'ES256', typ: 'JWT', kid })}.${payload}.${signature}`,
          `${encode({ alg: 'ES256', typ: 'at+jwt', kid: '../../etc/passwd' })}.${payload}.${signature}`,
          `${header}.${payload}.${browser.accessToken.split('.')[2]}`,
          `${header}.${payload}.`,
          `${header}.${payload}`,
        ]) {
          const answer = await send(`${server().url}/v1/users/me`, { token })
          expectProblem(answer, 401, 'invalid_access_token')
        }
        await expectUnharmed()
      })
    })
  })
})
