/**
 * Whether a string is an access token of this issuer, in force now: RFC 9068 section 4, with RFC 8725. The
 * service's own endpoints check theirs with the very same function.
 */
import type { CryptoKey } from 'jose'
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims } from '../protocol/claims.ts'
import { decodeBytes, decodeText } from './base64url.ts'
import { parseObject } from './json.ts'
import { Refused } from './refused.ts'
import { isSignedBy } from './signature.ts'

/** Asymmetric ones only: whoever can check a token cannot make one (RFC 8725 section 3.1). */
export const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const

/** A key and the one algorithm that it is for (RFC 8725 section 3.1). */
export interface VerificationKey {
  readonly alg: string
  readonly key: CryptoKey
}

export interface TokenRules {
  /** Compared character by character. */
  readonly issuer: string
  /** One of them has to be meant; null accepts every token of the issuer. */
  readonly audience: readonly string[] | null
  /** How far clocks may differ; seconds. */
  readonly clockTolerance: number
  /** By exact `kid`. */
  findKey(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined>
  /** Milliseconds since 1970. */
  now(): number
}

/** Ours are a tenth of it. Bytes; what is longer is not even parsed. */
const LONGEST_TOKEN = 8192
/** Levels; 1 KB of claims has 500 at most. Whoever goes through the claims may do so by recursion. */
const DEEPEST = 1000
/** Three parts, each in base64url without padding: no JWE, no JSON form, no detached payload. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** @throws {Refused} also when `findKey` does */
export async function checkToken(token: string, rules: TokenRules): Promise<AccessTokenClaims> {
  if (token.length > LONGEST_TOKEN || !COMPACT_JWS.test(token)) throw malformed()
  const payloadAt = token.indexOf('.') + 1
  const signatureAt = token.lastIndexOf('.') + 1
  const header = parseObject(decodeText(token.slice(0, payloadAt - 1)) ?? '')
  const payload = parseObject(decodeText(token.slice(payloadAt, signatureAt - 1)) ?? '')
  const signature = decodeBytes(token.slice(signatureAt))
  if (header === null || payload === null || signature === null) throw malformed()

  const kid = checkHeader(header)
  // Before any key is looked for: somebody else's token costs no fetch.
  if (payload['iss'] !== rules.issuer) throw new Refused('token_issuer', 'the token is of another issuer')
  const found = await rules.findKey(kid)
  if (found === undefined) throw new Refused('key_unknown', 'no key of the issuer has this kid')
  if (found.alg !== header['alg']) throw new Refused('token_algorithm', 'the key is for another algorithm')
  if (!(await isSignedBy(found.alg, found.key, token.slice(0, signatureAt - 1), signature)))
    throw new Refused('signature_invalid', 'the signature is not the key’s')
  return checkClaims(payload, rules)
}

/** @returns the `kid` */
function checkHeader({ alg, typ, kid, crit }: Record<string, unknown>): string {
  if (!ALGORITHMS.some((known) => known === alg)) throw new Refused('token_algorithm', 'this algorithm is not accepted')
  // RFC 9068 section 4, RFC 7515 section 4.1.9: with or without the prefix, whatever its case.
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  if (type !== ACCESS_TOKEN_TYPE) throw new Refused('token_type', 'this is not an access token')
  if (crit !== undefined) throw new Refused('token_malformed', 'no extension is understood') // RFC 7515 section 4.1.11
  if (typeof kid !== 'string' || kid === '') throw new Refused('key_unknown', 'the token names no key')
  return kid
}

/** RFC 9068 section 4: what has to be there, of which type, for whom, and when. */
function checkClaims(payload: Record<string, unknown>, rules: TokenRules): AccessTokenClaims {
  const { sub, client_id: clientId, jti, sid, aud, iat, exp, auth_time: authTime, nbf = iat, amr, scope } = payload
  const isComplete =
    [sub, clientId, jti, sid].every(isText) &&
    (isText(aud) || isTexts(aud)) &&
    [iat, exp, authTime, nbf].every(isNumericDate) &&
    isTexts(amr) &&
    typeof scope === 'string'
  if (!isComplete) throw new Refused('token_claims', 'a claim is missing or of another type (RFC 9068 section 2.2)')
  if (isDeeper(payload, DEEPEST)) throw new Refused('token_claims', 'the claims are nested too deep')
  const token = payload as Record<string, unknown> & AccessTokenClaims
  checkAudience(token.aud, rules.audience)
  checkTimes(token, nbf as number, rules)
  return token
}

function checkAudience(aud: string | readonly string[], audience: TokenRules['audience']): void {
  if (audience === null || audience.some((each) => (typeof aud === 'string' ? aud === each : aud.includes(each))))
    return
  throw new Refused('token_audience', 'the token is for another API')
}

/** RFC 7519 section 4.1.4 to 4.1.6. A token from the future comes from a clock that is wrong, ours or theirs. */
function checkTimes({ iat, exp }: AccessTokenClaims, nbf: number, rules: TokenRules): void {
  const now = rules.now() / 1000
  if (now >= exp + rules.clockTolerance) throw new Refused('token_expired', 'the token has expired')
  if (Math.max(iat, nbf) > now + rules.clockTolerance)
    throw new Refused('token_not_yet_valid', 'the token is not valid yet')
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isText)
/** RFC 7519 section 2; whole seconds, as this issuer writes them. */
const isNumericDate = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1)))

const malformed = (): Refused => new Refused('token_malformed', 'this is no signed JWT in its compact form')
