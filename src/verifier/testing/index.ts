/**
 * For tests of APIs: an issuer in memory, tokens for whoever you like, and a clock to turn. Nothing listens,
 * nothing is sent, no test waits.
 */
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims } from '../../protocol/claims.ts'
import type { VerifierOptions } from '../options.ts'
import type { Fetch } from '../service.ts'
import { createVerifier, type Verifier } from '../verifier.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { createTestService } from './service.ts'

export { createTestClock, type TestClock } from './clock.ts'

export interface TestIssuer {
  readonly issuer: string
  readonly audience: string
  readonly clock: TestClock
  /** Answers what a verifier asks, as the service does: keys, the feed, introspection. */
  readonly fetch: Fetch
  /**
   * An access token as the service makes them, for five minutes, of the session `session-1` of the user `user-1`.
   * @param claims what is to differ; one that is undefined is left out
   * @param header the same for `alg`, `typ` and `kid`: for tokens that have to be refused
   */
  signTestToken(claims?: TestClaims, header?: Record<string, unknown>): Promise<string>
  /** A verifier of this issuer's tokens that follows its feed, by its clock. */
  createVerifier(options?: Partial<VerifierOptions>): Verifier
  /** Ends a session: its tokens so far are refused, and whoever follows is told at once. */
  revoke(sid: string): void
  /** The session goes on, its tokens so far are outdated. */
  markStale(sid: string): void
  /** From now on another key signs; the one before is published still, unless it is withdrawn. */
  rotateKey(options?: { withdraw?: boolean }): Promise<void>
  /** While it is, nobody is answered, and open streams are cut. */
  isDown: boolean
  /** Paths that were asked for, the oldest first. */
  readonly requests: string[]
}

export type TestClaims = { readonly [Claim in keyof AccessTokenClaims]?: unknown } & Readonly<Record<string, unknown>>

const LIFE = 300

/** @param options.alg ES256 by default */
export async function createTestIssuer(
  options: { issuer?: string; audience?: string; alg?: 'ES256' | 'EdDSA' | 'RS256'; clock?: TestClock } = {},
): Promise<TestIssuer> {
  const { issuer = 'https://id.example', audience = 'https://api.example', alg = 'ES256' } = options
  const clock = options.clock ?? createTestClock()
  const seconds = (): number => Math.floor(clock.now() / 1000)
  const first = await makeKey(alg, 'key-1')
  let signing = first
  let published = [first]
  let tokens = 0

  const service = createTestService({ issuer, clock, jwks: () => ({ keys: published.map(({ jwk }) => jwk) }) })
  const { feed } = service

  return {
    issuer,
    audience,
    clock,
    fetch: service.fetch,
    requests: service.requests,
    async signTestToken(claims = {}, header = {}) {
      const now = seconds()
      const standard = {
        iss: issuer,
        sub: 'user-1',
        aud: audience,
        client_id: 'default',
        iat: now,
        exp: now + LIFE,
        jti: `token-${(tokens += 1)}`,
        sid: 'session-1',
        auth_time: now,
        amr: ['pwd'],
        scope: '',
      }
      return new SignJWT({ ...standard, ...claims } as JWTPayload)
        .setProtectedHeader({ alg, typ: ACCESS_TOKEN_TYPE, kid: signing.kid, ...header })
        .sign(signing.privateKey)
    },
    createVerifier: (verifierOptions = {}) =>
      createVerifier({
        issuer,
        audience,
        clock,
        fetch: service.fetch,
        apiKey: { id: 'api', key: 'a key of the test issuer, for nothing else' },
        ...verifierOptions,
      }),
    revoke: (sid) => feed.add(sid, 'revoked'),
    markStale: (sid) => feed.add(sid, 'stale'),
    async rotateKey({ withdraw = false } = {}) {
      signing = await makeKey(alg, `key-${published.length + 1}-${Math.random().toString(36).slice(2, 8)}`)
      published = withdraw ? [signing] : [...published, signing]
      feed.tellHorizon()
    },
    get isDown() {
      return service.isDown
    },
    set isDown(isDown) {
      service.isDown = isDown
      if (isDown) feed.cut()
    },
  }
}

interface TestKey {
  readonly kid: string
  readonly jwk: JWK
  readonly privateKey: CryptoKey
}

async function makeKey(alg: string, kid: string): Promise<TestKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { kid, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey }
}
