import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import { expect } from 'chai'
import { ORIGIN, aSignedInPerson, send } from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import { onStore } from '../support/server.ts'

describe('For APIs, the published keys', () => {
  onStore('postgresql', (server) => {
    const fetchKeys = (headers: Record<string, string> = {}) =>
      send<JSONWebKeySet>(`${server().url}/.well-known/jwks.json`, { headers })

    it('are enough to check an access token without asking us', async () => {
      const { accessToken, userId, sessionId } = await aSignedInPerson(server().url)
      const { body } = await fetchKeys()
      const { payload } = await jwtVerify(accessToken, createLocalJWKSet(body), {
        issuer: 'http://localhost',
        audience: 'http://localhost',
        typ: 'at+jwt',
        algorithms: ['ES256'],
        requiredClaims: ['iss', 'sub', 'aud', 'client_id', 'exp', 'iat', 'jti'],
      })
      expect(payload).to.include({ sub: userId, sid: sessionId })
    })

    it('have public members only', async () => {
      const { body } = await fetchKeys()
      expect(body).to.have.all.keys('keys')
      expect(body.keys).to.have.lengthOf(1)
      const [key] = body.keys
      expect(key).to.have.all.keys('kty', 'crv', 'x', 'y', 'kid', 'alg', 'use')
      expect(key).to.include({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
    })

    it('may be kept for five minutes, by anybody on the way, and asked for again at little cost', async () => {
      const { status, headers } = await fetchKeys()
      expect(status).to.equal(200)
      expect(headers.get('content-type')).to.match(/^application\/(jwk-set\+)?json(;|$)/)
      expect(headers.get('cache-control')).to.equal('public, max-age=300')
      const etag = headers.get('etag') ?? ''
      expect(etag).to.match(/^(W\/)?"[^"]+"$/)

      // Not by fetch, which asks every cache for a new copy when it is given a condition.
      const path = '/.well-known/jwks.json'
      const again = await sendRawRequest(server().url, { path, headers: { 'if-none-match': etag } })
      expect(again).to.include({ status: 304, text: '' })
      expect(again.headers).to.include({ etag, 'cache-control': 'public, max-age=300' })
      const other = await sendRawRequest(server().url, { path, headers: { 'if-none-match': '"another"' } })
      expect(other.status).to.equal(200)
    })

    it('may be read by every page: they are public', async () => {
      const { headers } = await fetchKeys({ origin: 'https://anywhere.example' })
      expect(headers.get('access-control-allow-origin')).to.equal('*')
    })

    it('may be read with credentials where those are allowed, as some clients always send them', async () => {
      const { headers } = await fetchKeys({ origin: ORIGIN })
      const allowed = headers.get('access-control-allow-origin')
      const withCredentials = headers.get('access-control-allow-credentials') === 'true'
      expect(allowed === ORIGIN || (allowed === '*' && !withCredentials)).to.equal(true)
    })

    it('grow by the next one when keys are rotated, and the tag says so', async () => {
      const before = await fetchKeys()
      const next = await server().hallpass.keys.rotate()
      const after = await fetchKeys()
      expect(after.headers.get('etag')).not.to.equal(before.headers.get('etag'))
      expect(after.body.keys.map(({ kid }) => kid)).to.have.members([
        ...before.body.keys.map(({ kid }) => kid),
        next.kid,
      ])
    })
  })
})

describe('For clients, the metadata', () => {
  const ISSUER = 'https://auth.example/tenant'

  onStore(
    'postgresql',
    (server) => {
      const path = '/.well-known/oauth-authorization-server/tenant'

      it('names the endpoints of the issuer, at the path of RFC 8414', async () => {
        const { status, headers, body } = await send(`${server().url}${path}`)
        expect(status).to.equal(200)
        expect(headers.get('content-type')).to.match(/^application\/json(;|$)/)
        expect(body).to.deep.include({
          issuer: ISSUER,
          token_endpoint: `${ISSUER}/oauth/token`,
          revocation_endpoint: `${ISSUER}/oauth/revoke`,
          introspection_endpoint: `${ISSUER}/oauth/introspect`,
          jwks_uri: `${ISSUER}/.well-known/jwks.json`,
          grant_types_supported: [
            'refresh_token',
            'client_credentials',
            'urn:ietf:params:oauth:grant-type:token-exchange',
          ],
          response_types_supported: [],
          token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
          revocation_endpoint_auth_methods_supported: ['none'],
          introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
        })
      })

      it('believes no Host, no X-Forwarded-Host and no absolute URL', async () => {
        const { body } = await send(`${server().url}${path}`)
        for (const [target, headers] of [
          [path, { host: 'evil.example' }],
          [path, { host: 'evil.example:443', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }],
          [path, { forwarded: 'host=evil.example;proto=https', 'x-forwarded-port': '1' }],
          [`http://evil.example${path}`, {}],
        ] as const) {
          const answer = await sendRawRequest(server().url, { path: target, headers })
          expect(answer.status).to.equal(200)
          expect(JSON.parse(answer.text)).to.deep.equal(body)
          expect(JSON.stringify(answer.headers)).not.to.include('evil.example')
        }
      })
    },
    { HALLPASS_ISSUER: ISSUER },
  )
})
