/**
 * Access tokens byte by byte: whatever stands in the header, the payload and the signature, with a key that a
 * test holds in its hands; and an issuer that publishes what a test likes.
 */
import { createPublicKey, generateKeyPairSync, sign, type JsonWebKey, type KeyObject } from 'node:crypto'
import { paths } from '../../src/protocol/paths.ts'
import { createVerifier, type Fetch, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'
import { createTestClock, createTestIssuer, type TestIssuer } from '../../src/verifier/testing/index.ts'

export const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export interface HandKey {
  readonly alg: Algorithm
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export function makeHandKey(alg: Algorithm, kid: string = `the ${alg} key`): HandKey {
  return handKey(alg, kid, makePrivateKey(alg))
}

export const handKey = (alg: Algorithm, kid: string, privateKey: KeyObject): HandKey => ({
  alg,
  kid,
  privateKey,
  publicKey: createPublicKey(privateKey),
})

function makePrivateKey(alg: Algorithm): KeyObject {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

/** As an issuer publishes it. */
export const entryOf = ({ alg, kid, publicKey }: HandKey): JsonWebKey => ({
  ...publicKey.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
})

export function signBytes({ alg, privateKey }: Pick<HandKey, 'alg' | 'privateKey'>, input: Uint8Array): Buffer {
  if (alg === 'ES256') return sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return sign(alg === 'EdDSA' ? null : 'sha256', input, privateKey)
}

/** What a token is made of where nothing else is said: a good one. */
export interface Mint {
  readonly key: HandKey
  /** Claims that are good now. */
  readonly claims: () => Record<string, unknown>
}

/** Members that differ, one that is undefined is left out; or the whole of it, as text or as bytes. */
type Part = Readonly<Record<string, unknown>> | string | Uint8Array

export interface Changes {
  readonly header?: Part
  readonly payload?: Part
  /** In place of the key's own signature. */
  readonly sign?: (input: Buffer) => Uint8Array
}

export function mintToken({ key, claims }: Mint, changes: Changes = {}): string {
  const { header = {}, payload = {}, sign: signInput = (input: Buffer) => signBytes(key, input) } = changes
  const standard = { alg: key.alg, typ: 'at+jwt', kid: key.kid }
  const input = `${encode(merge(standard, header))}.${encode(merge(claims(), payload))}`
  return `${input}.${encode(signInput(Buffer.from(input)))}`
}

const merge = (standard: Record<string, unknown>, part: Part): string | Uint8Array =>
  typeof part === 'string' || part instanceof Uint8Array ? part : JSON.stringify({ ...standard, ...part })

export const encode = (part: string | Uint8Array): string => Buffer.from(part).toString('base64url')

export interface HandIssuer extends Pick<TestIssuer, 'issuer' | 'audience' | 'clock' | 'revoke'> {
  /** What its JWKS answers. */
  jwks: object
  /** Paths that were asked for, the oldest first. */
  readonly requests: string[]
  /** A verifier that follows its feed. */
  createVerifier(options?: Partial<VerifierOptions>): Verifier
  /** A verifier that follows nothing, and knows the keys. It asks for nothing any more, unless a token makes it. */
  createQuietVerifier(): Promise<Verifier>
  mint(key: HandKey): Mint
}

/** The test kit's issuer with other keys. Its clock stands still at a whole second, so that edges are sharp. */
export async function createHandIssuer(jwks: object): Promise<HandIssuer> {
  const kit = await createTestIssuer({ clock: createTestClock(Math.floor(Date.now() / 1000) * 1000) })
  const { issuer, audience, clock } = kit
  const requests: string[] = []
  const fetch: Fetch = (url, init) => {
    const { pathname } = new URL(url)
    requests.push(pathname)
    return pathname === paths.jwks ? Promise.resolve(Response.json(hand.jwks)) : kit.fetch(url, init)
  }
  const hand: HandIssuer = {
    issuer,
    audience,
    clock,
    revoke: (sid) => kit.revoke(sid),
    jwks,
    requests,
    createVerifier: (options) => kit.createVerifier({ fetch, ...options }),
    async createQuietVerifier() {
      const verifier = createVerifier({ issuer, audience, clock, fetch })
      await verifier.ready()
      return verifier
    },
    mint: (key) => ({ key, claims: () => goodClaims({ issuer, audience }, Math.floor(clock.now() / 1000)) }),
  }
  return hand
}

let minted = 0

const goodClaims = ({ issuer, audience }: { issuer: string; audience: string }, now: number) => ({
  iss: issuer,
  sub: 'user-1',
  aud: audience,
  client_id: 'default',
  iat: now,
  exp: now + 300,
  jti: `by-hand-${(minted += 1)}`,
  sid: 'session-1',
  auth_time: now,
  amr: ['pwd'],
  scope: '',
})
