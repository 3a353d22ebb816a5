import { generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { expect } from 'chai'
import { type CryptoKey, exportJWK, importJWK, SignJWT } from 'jose'
import { createAccessTokens } from '../../../src/server/tokens/access-token.ts'
import type { SigningKeys } from '../../../src/server/tokens/signing-keys.ts'

const ISSUER = 'https://issuer.example'
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicJwk = await exportJWK(publicKey)
const imported = (await importJWK(publicJwk, 'ES256')) as CryptoKey

const keys = {
  active: () => ({ kid: 'key 1', alg: 'ES256', privateKey }),
  publicKey: (kid: string) => (kid === 'key 1' ? { alg: 'ES256', key: imported } : undefined),
} as unknown as SigningKeys

const accessTokens = createAccessTokens({ issuer: ISSUER, audience: ['https://api.example'], ttl: 300, keys })

const subject = (overrides = {}) => ({
  userId: 'user',
  sessionId: 'session',
  clientId: 'demo',
  scope: '',
  amr: ['pwd'],
  authenticatedAt: new Date(Date.now() - 60_000),
  claims: {},
  now: new Date(),
  endsAt: new Date(Date.now() + 3_600_000),
  ...overrides,
})

const claims = (overrides = {}) => {
  const now = Math.floor(Date.now() / 1000)
  const whole = { iss: ISSUER, sub: 'user', aud: 'anyone', client_id: 'demo', iat: now, exp: now + 300, jti: 'j' }
  return { ...whole, sid: 'session', auth_time: now, amr: ['pwd'], scope: '', ...overrides }
}

const signed = (payload: Record<string, unknown>, header = {}) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'key 1', ...header }).sign(privateKey)

const decode = (token: string, part: 0 | 1) =>
  JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('access tokens', () => {
  describe('issuing', () => {
    it('makes a JWT as RFC 9068 profiles it', async () => {
      const { accessToken } = await accessTokens.issue(subject())
      expect(decode(accessToken, 0)).to.deep.equal({ alg: 'ES256', typ: 'at+jwt', kid: 'key 1' })
      expect(decode(accessToken, 1)).to.have.all.keys([
        'iss',
        'sub',
        'aud',
        'client_id',
        'iat',
        'exp',
        'jti',
        'sid',
        'auth_time',
        'amr',
        'scope',
      ])
    })

    it('takes its times from the database, in whole seconds', async () => {
      const now = new Date('2026-01-02T03:04:05.678Z')
      const { accessToken } = await accessTokens.issue(subject({ now, endsAt: new Date('2027-01-01') }))
      expect(decode(accessToken, 1)['iat']).to.equal(Date.parse('2026-01-02T03:04:05Z') / 1000)
    })

    it('shortens lives by a random share, by 5 % at most', async () => {
      for (const [random, life] of [
        [0, 300],
        [0.5, 293],
        [0.999999, 286],
      ] as const) {
        const some = createAccessTokens({ issuer: ISSUER, audience: ['a'], ttl: 300, keys, random: () => random })
        const { accessToken, expiresIn } = await some.issue(subject())
        const { iat, exp } = decode(accessToken, 1) as { iat: number; exp: number }
        expect(expiresIn).to.equal(life)
        expect(exp - iat).to.equal(life)
      }
    })

    it('never outlives the session', async () => {
      const now = new Date()
      const { expiresIn } = await accessTokens.issue(subject({ now, endsAt: new Date(now.getTime() + 10_000) }))
      expect(expiresIn).to.equal(10)
    })

    it("carries the user's own claims, which never displace the protocol's", async () => {
      const own = { plan: 'gold', sub: 'somebody else', exp: 1, scope: 'admin' }
      const { accessToken } = await accessTokens.issue(subject({ claims: own }))
      expect(decode(accessToken, 1)).to.include({ plan: 'gold', sub: 'user', scope: '' })
    })

    it('names one audience as a string and several as an array', async () => {
      const several = createAccessTokens({ issuer: ISSUER, audience: ['a', 'b'], ttl: 300, keys })
      expect(decode((await several.issue(subject())).accessToken, 1)['aud']).to.deep.equal(['a', 'b'])
      expect(decode((await accessTokens.issue(subject())).accessToken, 1)['aud']).to.equal('https://api.example')
    })
  })

  describe('verifying', () => {
    it('accepts what this service issued, whatever its audience', async () => {
      const { accessToken } = await accessTokens.issue(subject())
      expect(await accessTokens.verify(accessToken)).to.include({ sub: 'user', sid: 'session' })
      expect(await accessTokens.verify(await signed(claims()))).to.include({ sub: 'user' })
    })

    const now = (): number => Math.floor(Date.now() / 1000)
    const refused: Record<string, () => Promise<string> | string> = {
      'another type': () => signed(claims(), { typ: 'JWT' }),
      'no type': () => signed(claims(), { typ: undefined }),
      'an unknown key': () => signed(claims(), { kid: 'key 2' }),
      'no key id': () => signed(claims(), { kid: undefined }),
      'a key id that is no text': () => signed(claims(), { kid: ['key 1'] }),
      'a key id that names a property of objects': () => signed(claims(), { kid: '__proto__' }),
      'an embedded key': () => signed(claims(), { kid: undefined, jwk: publicJwk }),
      'an unknown critical header': () =>
        forged({ alg: 'ES256', typ: 'at+jwt', kid: 'key 1', crit: ['x'], x: 1 }, claims()),
      'another issuer': () => signed(claims({ iss: `${ISSUER}/` })),
      'an issuer in an array': () => signed(claims({ iss: [ISSUER] })),
      'no expiry': () => signed(claims({ exp: undefined })),
      'no session': () => signed(claims({ sid: undefined })),
      'no subject': () => signed(claims({ sub: undefined })),
      'an expiry 11 seconds ago': () => signed(claims({ exp: now() - 11, iat: now() - 300 })),
      'an issue 60 seconds ahead': () => signed(claims({ iat: now() + 60, exp: now() + 300 })),
      'a use not before a minute from now': () => signed(claims({ nbf: now() + 60 })),
      'alg none': () => unsigned({ alg: 'none', typ: 'at+jwt', kid: 'key 1' }),
      'alg None': () => unsigned({ alg: 'None', typ: 'at+jwt', kid: 'key 1' }),
      'HMAC keyed with the public key': async () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'key 1' })
          .sign(publicKey.export({ type: 'spki', format: 'der' })),
      'a DER signature': async () => {
        const [header, payload] = (await signed(claims())).split('.')
        return `${header}.${payload}.${signBytes('sha256', Buffer.from(`${header}.${payload}`), privateKey).toString('base64url')}`
      },
      'a signature of zeros': async () =>
        `${(await signed(claims())).split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`,
      'no signature': async () => `${(await signed(claims())).split('.').slice(0, 2).join('.')}.`,
      'changed claims': async () => {
        const [header, , signature] = (await signed(claims())).split('.')
        return `${header}.${encode(claims({ sub: 'somebody else' }))}.${signature}`
      },
      'no JWT at all': () => 'a.b.c',
      nothing: () => '',
      'a megabyte': () => `${'a'.repeat(1_000_000)}.b.c`,
    }
    for (const [what, make] of Object.entries(refused)) {
      it(`refuses ${what}`, async () => {
        expect(await accessTokens.verify(await make())).to.equal(null)
      })
    }

    it('bears with a clock that is ten seconds off', async () => {
      expect(await accessTokens.verify(await signed(claims({ exp: now() - 5, iat: now() - 300 })))).to.not.equal(null)
      expect(await accessTokens.verify(await signed(claims({ iat: now() + 5 })))).to.not.equal(null)
    })
  })
})

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const unsigned = (header: unknown): string => `${encode(header)}.${encode(claims())}.`

function forged(header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  const signature = signBytes('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}
