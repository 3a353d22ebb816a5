import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { createAccessTokens } from '../../src/server/tokens/access-token.ts'
import { basic, BASIC_CHALLENGE, exchange, makeKey, makeServiceKey, tokenOf, type Key } from '../support/api-keys.ts'
import { expectOAuthError } from '../support/expectations.ts'
import {
  aPersonInABrowser,
  aSignedInPerson,
  claimsOf,
  refresh,
  refreshByCookie,
  rotate,
  send,
  sendForm,
  type Answer,
  type SignedIn,
} from '../support/people.ts'
import { isAlive, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('Introspection', () => {
  onBothStores((server) => {
    let api: Key
    let device: SignedIn
    before(async () => (api = await makeServiceKey(server(), 'introspect')))
    beforeEach(async () => (device = await aSignedInPerson(server().url)))

    const ask = (token: string, headers: Record<string, string> = basic(api)): Promise<Answer> =>
      sendForm(`${server().url}/oauth/introspect`, { token }, headers)

    const expectInactive = async (token: string): Promise<void> => {
      const { status, headers, body } = await ask(token)
      expect(body, token).to.deep.equal({ active: false })
      expect(status).to.equal(200)
      expect(headers.get('cache-control')).to.equal('no-store')
    }

    describe('is for', () => {
      it('a key of the scope introspect, by HTTP Basic', async () => {
        const { status, headers, body } = await ask(device.accessToken)
        expect(status).to.equal(200)
        expect(headers.get('content-type')).to.match(/^application\/json(;|$)/)
        expect(headers.get('cache-control')).to.equal('no-store')
        expect(body['active']).to.equal(true)
      })

      it('a token of such a key', async () => {
        const token = await tokenOf(server().url, api)
        expect((await ask(device.accessToken, { authorization: `Bearer ${token}` })).body['active']).to.equal(true)
      })

      it('nobody without a key', async () => {
        const bare = await ask(device.accessToken, {})
        expectOAuthError(bare, 'invalid_token', 401)
        expect(bare.headers.get('www-authenticate')).to.equal('Bearer')
      })

      it('no person, and nobody with something else than a token', async () => {
        for (const bearer of [device.accessToken, api.key, device.refreshToken, 'garbage']) {
          const refused = await ask(device.accessToken, { authorization: `Bearer ${bearer}` })
          expectOAuthError(refused, 'invalid_token', 401)
          expect(refused.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
        }
      })

      it('no key that is wrong', async () => {
        const other = await makeServiceKey(server(), 'introspect')
        for (const authorization of [
          basic({ id: api.id, key: other.key }).authorization,
          basic({ id: randomUUID(), key: api.key }).authorization,
          basic({ id: 'garbage', key: api.key }).authorization,
          'Basic !',
        ]) {
          const refused = await ask(device.accessToken, { authorization })
          expectOAuthError(refused, 'invalid_client', 401)
          expect(refused.headers.get('www-authenticate')).to.equal(BASIC_CHALLENGE)
        }
      })

      it('no key of another scope', async () => {
        const others = [
          await makeServiceKey(server(), 'admin sessions:create'),
          await makeKey(server().url, device.accessToken, { scope: 'introspection' }),
          await makeKey(server().url, device.accessToken),
        ]
        const credentials = others.flatMap((key) => [basic(key).authorization])
        for (const key of others) credentials.push(`Bearer ${await tokenOf(server().url, key)}`)
        for (const authorization of credentials) {
          const refused = await ask(device.accessToken, { authorization })
          expectOAuthError(refused, 'insufficient_scope', 403)
          expect(refused.headers.get('www-authenticate')).to.equal(
            'Bearer error="insufficient_scope", scope="introspect"',
          )
        }
      })

      it('no token that was made for less than its key has', async () => {
        const key = await makeServiceKey(server(), 'introspect metrics:read')
        const { body } = await exchange(server().url, key, { scope: 'metrics:read' })
        const refused = await ask(device.accessToken, { authorization: `Bearer ${body.access_token}` })
        expectOAuthError(refused, 'insufficient_scope', 403)
      })

      it('no key any more that was revoked, nor its tokens', async () => {
        const key = await makeServiceKey(server(), 'introspect')
        const token = await tokenOf(server().url, key)
        await server().hallpass.apiKeys.revoke(null, key.id, { kind: 'admin', sessionId: null, ip: null })
        expectOAuthError(await ask(device.accessToken, basic(key)), 'invalid_client', 401)
        expectOAuthError(await ask(device.accessToken, { authorization: `Bearer ${token}` }), 'invalid_token', 401)
      })
    })

    describe('says of what is in force', () => {
      it('an access token: its claims', async () => {
        const { body } = await ask(device.accessToken)
        expect(body).to.deep.equal({ active: true, token_type: 'Bearer', ...claimsOf(device.accessToken) })
      })

      it('a refresh token, however it travels: whose, of what session, and until when', async () => {
        const browser = await aPersonInABrowser(server().url)
        for (const { refreshToken, userId, sessionId } of [device, browser]) {
          const { body } = await ask(refreshToken)
          expect(body).to.have.all.keys('active', 'iss', 'sub', 'client_id', 'sid', 'iat', 'exp', 'amr')
          expect(body).to.deep.include({
            active: true,
            iss: 'http://localhost',
            sub: userId,
            sid: sessionId,
            client_id: 'default',
            amr: ['pwd'],
          })
          expect((body['exp'] as number) - (body['iat'] as number)).to.equal(30 * 24 * 60 * 60)
        }
      })

      it('a key as it is, and a token that was made with one', async () => {
        const key = await makeKey(server().url, device.accessToken, { scope: 'orders:read' })
        const common = { active: true, sub: device.userId, sid: key.id, client_id: key.id, scope: 'orders:read' }
        const asItIs = (await ask(key.key)).body
        expect(asItIs).to.deep.include({ ...common, iss: 'http://localhost', amr: ['key'] })
        expect(asItIs).to.have.all.keys('active', 'iss', 'sub', 'client_id', 'sid', 'scope', 'iat', 'amr')
        expect(JSON.stringify(asItIs)).not.to.include('hpak_')

        const token = await tokenOf(server().url, key)
        const exchanged = (await ask(token)).body
        expect(exchanged).to.deep.equal({ ...claimsOf(token), ...common, token_type: 'Bearer' })
      })

      it('a key that expires: when', async () => {
        const at = new Date(Date.now() + 3_600_000)
        const key = await makeKey(server().url, device.accessToken, { expires_at: at.toISOString() })
        expect((await ask(key.key)).body['exp']).to.equal(Math.floor(at.getTime() / 1000))
      })
    })

    describe('changes nothing', () => {
      it('about a session whose refresh token is looked at', async () => {
        const browser = await aPersonInABrowser(server().url)
        for (const session of [device, browser]) {
          await moveTimes(server(), session, { last_used_at: -1000, idle_expires_at: 1000 })
          const before = await rowOf(server(), session)
          await ask(session.refreshToken)
          await ask(session.accessToken)
          expect(await rowOf(server(), session)).to.deep.equal(before)
        }
        expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
        expect((await refreshByCookie(server().url, browser.refreshToken)).status).to.equal(200)
      })

      it('when the token is one that was rotated: it is no theft', async () => {
        const tokens = await rotate(server().url, device, 2)
        await moveTimes(server(), device, { rotated_at: -1000 })
        const before = await rowOf(server(), device)
        for (const token of tokens) await ask(token)
        expect(await rowOf(server(), device)).to.deep.equal(before)
        expect(await isAlive(server(), device)).to.equal(true)
        expect((await refresh(server().url, tokens[2] ?? '')).status).to.equal(200)
      })
    })

    describe('says nothing but that it is not active of', () => {
      it('tokens of a session that ended', async () => {
        await send(`${server().url}/v1/sessions/current`, { method: 'DELETE', token: device.accessToken })
        await expectInactive(device.accessToken)
        await expectInactive(device.refreshToken)
      })

      it('tokens of a session that expired', async () => {
        const other = await aSignedInPerson(server().url)
        await moveTimes(server(), device, { idle_expires_at: -1 })
        await moveTimes(server(), other, { absolute_expires_at: -1 })
        for (const { accessToken, refreshToken } of [device, other]) {
          await expectInactive(accessToken)
          await expectInactive(refreshToken)
        }
      })

      it('an access token whose time is over, though its session lives', async () => {
        const { issuer, audience, accessTtl } = server().config
        const accessTokens = createAccessTokens({ issuer, audience, ttl: accessTtl, keys: server().hallpass.keys })
        const now = new Date(Date.now() - 600_000)
        const { accessToken } = await accessTokens.issue({
          userId: device.userId,
          sessionId: device.sessionId,
          clientId: 'default',
          scope: '',
          amr: ['pwd'],
          claims: {},
          authenticatedAt: now,
          now,
          endsAt: new Date(Date.now() + 600_000),
        })
        await expectInactive(accessToken)
      })

      it('a refresh token that was rotated, once or twice', async () => {
        const [first, second = '', newest = ''] = await rotate(server().url, device, 2)
        await expectInactive(first)
        await expectInactive(second)
        expect((await ask(newest)).body['active']).to.equal(true)
      })

      it('what is no token of ours', async () => {
        const [header = '', payload = '', signature = ''] = device.accessToken.split('.')
        const forged = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
        const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
        for (const garbage of [
          'garbage',
          ' ',
          '..',
          `${header}.${payload}.${forged}`,
          `${unsigned}.${payload}.`,
          `${device.refreshToken.slice(0, -1)}${device.refreshToken.endsWith('A') ? 'B' : 'A'}`,
          'hprt_',
          'hprt_garbage',
          'hpak_garbage',
          `hpak_${'A'.repeat(43)}`,
          `hpem_${'A'.repeat(43)}`,
          device.sessionId,
          api.id,
          'x'.repeat(10_000),
        ]) {
          await expectInactive(garbage)
        }
      })
    })

    it('wants a token, in a form', async () => {
      const url = `${server().url}/oauth/introspect`
      expectOAuthError(await sendForm(url, {}, basic(api)), 'invalid_request')
      expectOAuthError(await sendForm(url, { token: '' }, basic(api)), 'invalid_request')
      const twice = new URLSearchParams([
        ['token', 'a'],
        ['token', 'b'],
      ])
      expectOAuthError(await sendForm(url, twice, basic(api)), 'invalid_request')
      const json = await send(url, { body: { token: device.accessToken }, headers: basic(api) })
      expectOAuthError(json, 'invalid_request')
      const hinted = await sendForm(url, { token: device.accessToken, token_type_hint: 'refresh_token' }, basic(api))
      expect(hinted.body['active']).to.equal(true)
    })
  })
})
