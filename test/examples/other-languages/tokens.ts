/** Access tokens as a thief or another issuer would make them, and good ones with something changed. */
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT, type JWTHeaderParameters } from 'jose'
import { statement } from '../../../src/server/database/database.ts'
import type { SigningAlgorithm } from '../../../src/server/tokens/key-pair.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { createSigningKeys } from '../../../src/server/tokens/signing-keys.ts'
import { aSignedInPerson, claimsOf } from '../../support/people.ts'
import { TEST_SECRET, type TestServer } from '../../support/server.ts'

type Claims = Record<string, unknown>

/** A token of a real sign-in, from which the others are made. */
export interface Example {
  readonly server: TestServer
  readonly token: string
  readonly claims: Claims
}

export async function anExample(server: TestServer): Promise<Example> {
  const { accessToken: token } = await aSignedInPerson(server.url)
  return { server, token, claims: claimsOf(token) }
}

/** As after a change of HALLPASS_SIGNING_ALG, ten minutes later; the key before is still published. */
export async function signBy({ hallpass, config }: TestServer, alg: SigningAlgorithm): Promise<void> {
  const { database } = hallpass.store
  await createSigningKeys({ database, ring: createRing(TEST_SECRET), alg, accessTtl: config.accessTtl }).start()
  await database.query(passTenMinutes, [])
  await hallpass.keys.reload()
  if (hallpass.keys.active().alg !== alg) throw new Error(`${alg} does not sign`)
}

const passTenMinutes = statement(
  'test.age_keys_by_ten_minutes',
  `update signing_keys set activates_at = activates_at - interval '10 minutes'`,
)

/** Signed with the key that signs now, as if Hallpass had issued it; `undefined` takes a claim or parameter away. */
export function resign({ server, claims }: Example, changed: Claims = {}, header: Claims = {}): Promise<string> {
  const { kid, alg, privateKey } = server.hallpass.keys.active()
  return sign({ ...claims, ...changed }, { alg, typ: 'at+jwt', kid, ...header }, privateKey)
}

const sign = (claims: Claims, header: Claims, key: KeyObject): Promise<string> =>
  new SignJWT(withoutUndefined(claims))
    .setProtectedHeader(withoutUndefined(header) as unknown as JWTHeaderParameters)
    .sign(key, { crit: { unheardOf: false } })

const withoutUndefined = (claims: Claims): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const partsOf = (token: string): [string, string, string] => token.split('.') as [string, string, string]
const seconds = (): number => Math.floor(Date.now() / 1000)
const HOUR = 3600

type Make = (example: Example) => string | Promise<string>

/** Names a key that there never was. */
export function forgedByNobody({ server, claims }: Example): Promise<string> {
  const { alg } = server.hallpass.keys.active()
  return sign(claims, { alg, typ: 'at+jwt', kid: 'nobody-knows-it' }, anotherKey(alg))
}

/** What no verifier may take for a token of ours. Each by what is wrong with it. */
export const FORGED: Record<string, Make> = {
  'that is no JWT': () => 'garbage',
  'that is empty in its parts': () => '..',
  'without a signature': ({ token }) => partsOf(token).slice(0, 2).join('.'),
  'with an empty signature': ({ token }) => `${partsOf(token).slice(0, 2).join('.')}.`,
  'with half a signature': ({ token }) => token.slice(0, -Math.floor(partsOf(token)[2].length / 2)),
  'with nothing but zeros for a signature': ({ token }) =>
    [...partsOf(token).slice(0, 2), Buffer.alloc(partsOf(token)[2].length).toString('base64url')].join('.'),
  'whose header is nested deeply': ({ token }) =>
    [Buffer.from('['.repeat(3000)).toString('base64url'), ...partsOf(token).slice(1)].join('.'),
  'whose header is no text': ({ token }) =>
    [Buffer.from([0xff, 0xfe, 0x7b]).toString('base64url'), ...partsOf(token).slice(1)].join('.'),
  'whose header is no object': ({ token }) => [encode(['ES256']), ...partsOf(token).slice(1)].join('.'),
  'of the algorithm "none"': ({ server, token }) =>
    `${encode({ alg: 'none', typ: 'at+jwt', kid: server.hallpass.keys.active().kid })}.${partsOf(token)[1]}.`,
  'of the algorithm "none" that keeps the signature': ({ server, token }) => {
    const [, payload, signature] = partsOf(token)
    return `${encode({ alg: 'none', typ: 'at+jwt', kid: server.hallpass.keys.active().kid })}.${payload}.${signature}`
  },
  'whose HMAC is made with our public key': ({ server, claims }) => {
    const { kid, privateKey } = server.hallpass.keys.active()
    const signed = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${encode(claims)}`
    const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
    return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`
  },
  'with a claim changed after signing': ({ token, claims }) => {
    const [header, , signature] = partsOf(token)
    return `${header}.${encode({ ...claims, sub: randomUUID() })}.${signature}`
  },
  "with another token's signature": async (example) =>
    [...partsOf(example.token).slice(0, 2), partsOf(await resign(example, { jti: randomUUID() }))[2]].join('.'),
  'signed with a key of somebody else under the name of ours': ({ server, claims }) => {
    const { kid, alg } = server.hallpass.keys.active()
    return sign(claims, { alg, typ: 'at+jwt', kid }, anotherKey(alg))
  },
  'signed with a key that nobody knows': (example) => forgedByNobody(example),
  'signed with a key that it brings along': ({ server, claims }) => {
    const { alg } = server.hallpass.keys.active()
    const key = anotherKey(alg)
    return sign(claims, { alg, typ: 'at+jwt', jwk: createPublicKey(key).export({ format: 'jwk' }) }, key)
  },
  'signed by another algorithm than our key is for': ({ server, claims }) => {
    const { kid, alg } = server.hallpass.keys.active()
    const other = alg === 'ES256' ? 'RS256' : 'ES256'
    return sign(claims, { alg: other, typ: 'at+jwt', kid }, anotherKey(other))
  },
}

/** Of our key, and still not for this API, or not now. */
export const NOT_GOOD_HERE: Record<string, Make> = {
  'of another issuer': (example) => resign(example, { iss: 'https://elsewhere.example' }),
  'without an issuer': (example) => resign(example, { iss: undefined }),
  'for another audience': (example) => resign(example, { aud: 'https://elsewhere.example' }),
  'for several other audiences': (example) => resign(example, { aud: ['https://a.example', 'https://b.example'] }),
  'without an audience': (example) => resign(example, { aud: undefined }),
  'that has expired': (example) => resign(example, { iat: seconds() - 2 * HOUR, exp: seconds() - HOUR }),
  'of another type': (example) => resign(example, {}, { typ: 'JWT' }),
  'without a type': (example) => resign(example, {}, { typ: undefined }),
  'without a user': (example) => resign(example, { sub: undefined }),
  'without a session': (example) => resign(example, { sid: undefined }),
}

/** Nothing that Hallpass issues; what verifiers should refuse all the same, and not every one does. */
export const ODD: Record<string, Make> = {
  'without an end': (example) => resign(example, { exp: undefined }),
  'issued in the future': (example) => resign(example, { iat: seconds() + HOUR, exp: seconds() + 2 * HOUR }),
  'that begins in the future': (example) => resign(example, { nbf: seconds() + HOUR, exp: seconds() + 2 * HOUR }),
  'without a time of issue': (example) => resign(example, { iat: undefined }),
  'without the name of its key': (example) => resign(example, {}, { kid: undefined }),
  'whose user is a list': (example) => resign(example, { sub: [example.claims['sub']] }),
  'whose end is a string': (example) => resign(example, { exp: String(seconds() + HOUR) }),
  'with a critical extension that nobody knows': (example) =>
    resign(example, {}, { crit: ['unheardOf'], unheardOf: 1 }),
}

/** Good ones that are not the ordinary one. */
export const GOOD: Record<string, Make> = {
  'for several audiences, us among them': (example) =>
    resign(example, { aud: ['https://a.example', example.claims['aud']] }),
  'issued some seconds ahead of our clock': (example) => resign(example, { iat: seconds() + 5 }),
  'with claims of your own': (example) => resign(example, { role: 'editor', nested: { list: [1, '2', null] } }),
}

function anotherKey(alg: string): KeyObject {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}
