/** Access tokens: JWTs as RFC 9068 profiles them, signed here, checked anywhere. */
import { randomUUID } from 'node:crypto'
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims } from '../../protocol/claims.ts'
import { checkToken } from '../../verifier/check-token.ts'
import { Refused } from '../../verifier/refused.ts'
import { signCompact } from './compact-jws.ts'
import { toSeconds } from './numeric-date.ts'
import type { SigningKeys } from './signing-keys.ts'

/** What a session's row says of an access token made for it. */
export interface AccessTokenSubject {
  readonly userId: string
  readonly sessionId: string
  readonly clientId: string
  readonly scope: string
  readonly amr: readonly string[]
  readonly authenticatedAt: Date
  /** The user's own claims; the protocol's names win over them. */
  readonly claims: Readonly<Record<string, unknown>>
  /** The database's clock as the statement returned it. */
  readonly now: Date
  /** The nearer of the session's idle and absolute end: no token lives beyond it. */
  readonly endsAt: Date
}

export interface AccessTokens {
  /** @returns the token and its life in seconds */
  issue(subject: AccessTokenSubject): Promise<{ accessToken: string; expiresIn: number }>
  /** The claims of a token that this service issued and that is in force, whatever its `aud`; else null. */
  verify(token: string): Promise<AccessTokenClaims | null>
}

/** Fleets that signed in together must not refresh together: lives are shortened by up to this share. */
const JITTER = 0.05
/** Clocks of our own machines may differ by this much. Seconds. */
const CLOCK_TOLERANCE = 10

/**
 * @param deps.ttl longest life of an access token, seconds: the feed remembers and keys are published for so long
 * @param deps.ttlOf that of a client's
 */
export function createAccessTokens(deps: {
  issuer: string
  audience: readonly string[]
  ttl: number
  ttlOf?: (clientId: string) => number
  keys: SigningKeys
  random?: () => number
}): AccessTokens {
  const { issuer, audience, ttl, ttlOf = () => ttl, keys, random = Math.random } = deps
  const [onlyAudience] = audience
  const rules = {
    issuer,
    audience: null,
    clockTolerance: CLOCK_TOLERANCE,
    findKey: (kid: string) => keys.publicKey(kid),
    now: Date.now,
  }
  const aud = audience.length === 1 && onlyAudience !== undefined ? onlyAudience : [...audience]

  async function issue(subject: AccessTokenSubject): Promise<{ accessToken: string; expiresIn: number }> {
    const iat = toSeconds(subject.now)
    const most = Math.min(ttlOf(subject.clientId), ttl)
    const life = Math.min(Math.ceil(most * (1 - random() * JITTER)), toSeconds(subject.endsAt) - iat)
    const claims = {
      ...subject.claims,
      iss: issuer,
      sub: subject.userId,
      aud,
      client_id: subject.clientId,
      iat,
      exp: iat + life,
      jti: randomUUID(),
      sid: subject.sessionId,
      auth_time: toSeconds(subject.authenticatedAt),
      amr: subject.amr,
      scope: subject.scope,
    } satisfies AccessTokenClaims
    const accessToken = await signCompact(ACCESS_TOKEN_TYPE, claims, keys.active())
    return { accessToken, expiresIn: life }
  }

  async function verify(token: string): Promise<AccessTokenClaims | null> {
    try {
      return await checkToken(token, rules)
    } catch (error) {
      if (error instanceof Refused) return null
      throw error
    }
  }

  return { issue, verify }
}
