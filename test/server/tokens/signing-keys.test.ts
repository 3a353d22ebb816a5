import { expect } from 'chai'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { statement } from '../../../src/server/database/database.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { createSigningKeys } from '../../../src/server/tokens/signing-keys.ts'
import { aSignedInPerson, refresh, send } from '../../support/people.ts'
import { onBothStores, TEST_ISSUER, TEST_SECRET, type TestServer } from '../../support/server.ts'

const NEXT_SECRET = 'pW7u3Xq9Zt1Vb5Ny8Mk2Lj6Hg4Fd0SaQeRc'

/** As if the keys had been made, and had begun to sign, that much earlier. */
const age = async ({ hallpass }: TestServer, seconds: number): Promise<void> => {
  await hallpass.store.database.query(
    statement(
      'test.age_keys',
      `update signing_keys set activates_at = activates_at - make_interval(secs => $1::float8)`,
    ),
    [seconds],
  )
  await hallpass.keys.reload()
}

const jwksOf = async (url: string): Promise<JSONWebKeySet> =>
  (await send<JSONWebKeySet>(`${url}/.well-known/jwks.json`)).body

const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? ''

describe('signing keys', () => {
  onBothStores((server) => {
    it('publish a new key long before it signs, and go on publishing the old one while its tokens live', async () => {
      const { url, hallpass } = server()
      const person = await aSignedInPerson(url)
      const old = kidOf(person.accessToken)
      const { kid: next } = await hallpass.keys.rotate()

      expect((await jwksOf(url)).keys.map(({ kid }) => kid)).to.have.members([old, next])
      const before = await refresh(url, person.refreshToken)
      expect(kidOf(before.body.access_token), 'the new key does not sign yet').to.equal(old)

      await age(server(), 601)
      const after = await refresh(url, before.body.refresh_token)
      expect(kidOf(after.body.access_token), 'ten minutes later it does').to.equal(next)
      const keys = createLocalJWKSet(await jwksOf(url))
      for (const token of [person.accessToken, after.body.access_token]) {
        await jwtVerify(token, keys, { issuer: TEST_ISSUER, typ: 'at+jwt' })
      }
      expect(hallpass.keys.list().find(({ kid }) => kid === old)?.state).to.equal('retired')

      await age(server(), 5 * 60 + 61)
      expect((await jwksOf(url)).keys.map(({ kid }) => kid)).to.deep.equal([next])
      const me = await send(`${url}/v1/users/me`, { token: person.accessToken })
      expect(me.status, 'no token of the old key is in force any more').to.equal(401)
    })

    it('sign with a new one at once where that is asked for', async () => {
      const { url, hallpass } = server()
      const { kid } = await hallpass.keys.rotate({ immediately: true })
      expect(kidOf((await aSignedInPerson(url)).accessToken)).to.equal(kid)
    })

    it('that are revoked fail at once; devices refresh and go on', async () => {
      const { url, hallpass } = server()
      const person = await aSignedInPerson(url)
      const leaked = kidOf(person.accessToken)

      expect(await hallpass.keys.revoke(leaked)).to.equal(true)
      expect(await hallpass.keys.revoke(leaked), 'a second time there is nothing to revoke').to.equal(false)
      expect((await jwksOf(url)).keys.map(({ kid }) => kid)).to.not.include(leaked)
      expect((await send(`${url}/v1/users/me`, { token: person.accessToken })).status).to.equal(401)
      const refreshed = await refresh(url, person.refreshToken)
      expect(refreshed.status).to.equal(200)
      expect((await send(`${url}/v1/users/me`, { token: refreshed.body.access_token })).status).to.equal(200)
    })

    it('that are revoked are followed by a new one, never by one that was retired', async () => {
      const { hallpass } = server()
      const before = hallpass.keys.list()
      const active = before.find(({ state }) => state === 'active')
      await hallpass.keys.revoke(active?.kid ?? '')
      const successor = hallpass.keys.active().kid
      expect(before.map(({ kid }) => kid)).to.not.include(successor)
    })

    it('are sealed with the ring, and sealed anew with its current secret when asked', async () => {
      const { hallpass, url } = server()
      const { database } = hallpass.store
      const read = statement<{ private_key: Buffer; secret_fingerprint: Buffer }>(
        'test.read_keys',
        'select private_key, secret_fingerprint from signing_keys where revoked_at is null',
      )
      for (const { private_key } of await database.query(read, [])) {
        expect(private_key.includes(Buffer.from('06072a8648ce3d0201', 'hex')), 'no EC private key in clear').to.equal(
          false,
        )
      }
      const ring = createRing(NEXT_SECRET, [TEST_SECRET])
      const keys = createSigningKeys({ database, ring, alg: 'ES256', accessTtl: 300 })
      await keys.start()
      expect(await keys.reencrypt()).to.be.greaterThan(0)
      expect(await keys.reencrypt()).to.equal(0)
      for (const { secret_fingerprint } of await database.query(read, [])) {
        expect(secret_fingerprint).to.deep.equal(ring.current.fingerprint)
      }
      expect(keys.active().privateKey.type).to.equal('private')

      // Back again, for the server whose ring does not know the next secret.
      const back = createSigningKeys({
        database,
        ring: createRing(TEST_SECRET, [NEXT_SECRET]),
        alg: 'ES256',
        accessTtl: 300,
      })
      await back.start()
      await back.reencrypt()
      await hallpass.keys.reload()
      expect((await aSignedInPerson(url)).accessToken).to.be.a('string')
    })

    for (const alg of ['EdDSA', 'RS256'] as const) {
      it(`change to ${alg} as they rotate: published first, signing ten minutes later`, async () => {
        const { hallpass } = server()
        const { database } = hallpass.store
        const keys = createSigningKeys({ database, ring: createRing(TEST_SECRET), alg, accessTtl: 300 })
        await keys.start()
        const next = keys.list().findLast(({ state }) => state === 'next')
        expect(next?.alg).to.equal(alg)
        expect(next?.publicJwk).to.not.have.any.keys('d', 'p', 'q', 'dp', 'dq', 'qi', 'k')
        await age(server(), 601)
        await keys.reload()
        expect(keys.active().alg).to.equal(alg)
        const { accessToken } = await aSignedInPerson(server().url)
        expect(decodeProtectedHeader(accessToken).alg).to.equal(alg)
        expect((await send(`${server().url}/v1/users/me`, { token: accessToken })).status).to.equal(200)
      })
    }
  })
})
