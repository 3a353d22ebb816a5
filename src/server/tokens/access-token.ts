/** Access tokens: JWTs as RFC 9068 profiles them, signed here, checked anywhere. */
import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT, type JWTHeaderParameters } from 'jose'
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims } from '../../protocol/claims.ts'
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
/** Anything longer is not ours, and not worth parsing. Bytes. */
const MAX_TOKEN_BYTES = 8192

/** @param ttl life of an access token, seconds */
export function createAccessTokens(deps: {
  issuer: string
  audience: readonly string[]
  ttl: number
  keys: SigningKeys
  random?: () => number
}): AccessTokens {
  const { issuer, audience, ttl, keys, random = Math.random } = deps
  const [onlyAudience] = audience
  const aud = audience.length === 1 && onlyAudience !== undefined ? onlyAudience : [...audience]

  async function issue(subject: AccessTokenSubject): Promise<{ accessToken: string; expiresIn: number }> {
    const iat = toSeconds(subject.now)
    const life = Math.min(Math.ceil(ttl * (1 - random() * JITTER)), toSeconds(subject.endsAt) - iat)
    const { kid, alg, privateKey } = keys.active()
    const accessToken = await new SignJWT({
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
      amr: [...subject.amr],
      scope: subject.scope,
    })
      .setProtectedHeader({ alg, typ: ACCESS_TOKEN_TYPE, kid })
      .sign(privateKey)
    return { accessToken, expiresIn: life }
  }

  async function verify(token: string): Promise<AccessTokenClaims | null> {
    if (token.length > MAX_TOKEN_BYTES) return null
    try {
      const { payload } = await jwtVerify<AccessTokenClaims>(token, keyOf, {
        issuer,
        algorithms: ['ES256', 'EdDSA', 'RS256'],
        typ: ACCESS_TOKEN_TYPE,
        requiredClaims: ['sub', 'aud', 'client_id', 'iat', 'exp', 'jti', 'sid', 'auth_time'],
        clockTolerance: CLOCK_TOLERANCE,
        maxTokenAge: '1d', // jose looks at a future `iat` only where an age is asked for
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return null
      throw error
    }
  }

  /** The key is chosen by exact `kid`, and only for the algorithm it was made for (RFC 8725 section 3.1). */
  function keyOf(header: JWTHeaderParameters) {
    const found = typeof header.kid === 'string' ? keys.publicKey(header.kid) : undefined
    if (found === undefined || found.alg !== header.alg) throw new errors.JWKSNoMatchingKey()
    return found.key
  }

  return { issue, verify }
}
