import { expect } from 'chai'
import { expectNoInsides, expectOAuthError } from '../support/expectations.ts'
import { aSignedInPerson, ORIGIN, sendForm, sendRaw, type Answer, type SignedIn } from '../support/people.ts'
import { rowOf } from '../support/rows.ts'
import { onStore } from '../support/server.ts'

describe('A bad form', () => {
  onStore('postgresql', (server) => {
    let device: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
    })

    const form = (path: string, body: string | Uint8Array<ArrayBuffer>): Promise<Answer> =>
      sendRaw(`${server().url}${path}`, body, { 'content-type': 'application/x-www-form-urlencoded' })

    it('is invalid_request where a parameter holds a NUL', async () => {
      for (const parameter of ['refresh_token', 'client_id', 'grant_type', 'anything']) {
        const body = `${parameter}=x%00y&${parameter === 'grant_type' ? '' : 'grant_type=refresh_token'}`
        expectOAuthError(await form('/oauth/token', body), 'invalid_request')
      }
      expectOAuthError(await form('/oauth/revoke', `token=${device.refreshToken}%00`), 'invalid_request')
      expect((await rowOf(server(), device)).generation).to.equal(0)
    })

    it('is invalid_request where the bytes are no UTF-8', async () => {
      const body = Uint8Array.from([...Buffer.from('grant_type=refresh_token&refresh_token='), 0xff])
      expectOAuthError(await form('/oauth/token', body), 'invalid_request')
    })

    it('is a refusal where it is only odd', async () => {
      for (const odd of ['%', '%zz', '%ff', '%ed%a0%80', '&&&', '=', '===', '?', '+', '\ud83d\ude00', '{"a":1}']) {
        for (const path of ['/oauth/token', '/oauth/revoke']) {
          for (const body of [odd, `grant_type=refresh_token&refresh_token=${odd}`, `token=${odd}`]) {
            const answer = await form(path, body)
            expect(answer.status, `${path} ${body}`).to.be.oneOf([200, 400])
            expectNoInsides(JSON.stringify(answer.body))
          }
        }
      }
    })

    it('is 413 or 415 where it is too large or compressed', async () => {
      const good = `grant_type=refresh_token&refresh_token=${device.refreshToken}`
      expectOAuthError(await form('/oauth/token', `${good}&x=${'y'.repeat(17_000)}`), 'invalid_request', 413)
      const headers = { 'content-encoding': 'gzip' }
      expectOAuthError(
        await sendForm(`${server().url}/oauth/token`, new URLSearchParams(good), headers),
        'invalid_request',
        415,
      )
      expect((await rowOf(server(), device)).generation).to.equal(0)
    })

    it('and in its headers consumes nothing', async () => {
      const headers = { cookie: ';;=;,hallpass', origin: ORIGIN, 'idempotency-key': '\u00ff'.repeat(129) }
      const parameters = { grant_type: 'refresh_token', refresh_token: device.refreshToken }
      expectOAuthError(await sendForm(`${server().url}/oauth/token`, parameters, headers), 'invalid_request')
      expect((await rowOf(server(), device)).generation).to.equal(0)
    })
  })
})
