/**
 * Whether a string is an access token of this issuer, in force now: RFC 9068 section 4, with RFC 8725. The
 * service's own endpoints check theirs with the very same function.
 */
import { errors, jwtVerify, type CryptoKey } from 'jose'
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims } from '../protocol/claims.ts'
import { decodePart } from './json.ts'
import { Refused, type RefusedCode } from './refused.ts'

/** Asymmetric ones only: whoever can check a token cannot make one (RFC 8725 section 3.1). */
export const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** A key and the one algorithm that it is for (RFC 8725 section 3.1). */
export interface VerificationKey {
  readonly alg: string
  readonly key: CryptoKey | Uint8Array
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
/** Three parts, each in base64url without padding: no JWE, no JSON form, no detached payload. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** @throws {Refused} also when `findKey` does */
export async function checkToken(token: string, rules: TokenRules): Promise<AccessTokenClaims> {
  if (token.length > LONGEST_TOKEN || !COMPACT_JWS.test(token)) throw malformed()
  const [headerPart = '', payloadPart = ''] = token.split('.')
  const header = decodePart(headerPart)
  const payload = decodePart(payloadPart)
  if (header === null || payload === null) throw malformed()

  const kid = checkHeader(header)
  // Before any key is looked for: somebody else's token costs no fetch.
  if (payload['iss'] !== rules.issuer) throw new Refused('token_issuer', 'the token is of another issuer')
  const found = await rules.findKey(kid)
  if (found === undefined) throw new Refused('key_unknown', 'no key of the issuer has this kid')
  if (found.alg !== header['alg']) throw new Refused('token_algorithm', 'the key is for another algorithm')

  const now = rules.now()
  await checkSignatureAndDates(token, found, rules, now)
  checkClaims(payload, rules, now / 1000)
  return payload
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

async function checkSignatureAndDates(token: string, { key, alg }: VerificationKey, rules: TokenRules, now: number) {
  try {
    await jwtVerify(token, key, {
      algorithms: [alg],
      issuer: rules.issuer,
      ...(rules.audience === null ? {} : { audience: [...rules.audience] }),
      requiredClaims: ['aud', 'exp', 'iat'],
      clockTolerance: rules.clockTolerance,
      currentDate: new Date(now),
    })
  } catch (error) {
    throw asRefused(error)
  }
}

function asRefused(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new Refused('token_expired', 'the token has expired')
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new Refused('signature_invalid', 'the signature is not the key’s')
  if (error instanceof errors.JWTClaimValidationFailed) return new Refused(codeOfClaim(error.claim), error.message)
  if (error instanceof errors.JOSEError) return malformed(error)
  // WebCrypto on a signature of a length that no key makes, depending on the runtime.
  if (error instanceof TypeError || error instanceof DOMException)
    return new Refused('signature_invalid', 'the signature cannot be checked', { cause: error })
  return error
}

const codeOfClaim = (claim: string): RefusedCode =>
  claim === 'aud' ? 'token_audience' : claim === 'nbf' ? 'token_not_yet_valid' : 'token_claims'

/** Types, and what jose leaves to its callers: `iat`. @param now seconds since 1970 */
function checkClaims(
  payload: Record<string, unknown>,
  rules: TokenRules,
  now: number,
): asserts payload is Record<string, unknown> & AccessTokenClaims {
  const { sub, client_id: clientId, jti, sid, aud, iat, exp, auth_time: authTime, amr, scope } = payload
  const isComplete =
    [sub, clientId, jti, sid].every(isText) &&
    (isText(aud) || isTexts(aud)) &&
    [iat, exp, authTime].every(isNumericDate) &&
    isTexts(amr) &&
    typeof scope === 'string'
  if (!isComplete) throw new Refused('token_claims', 'a claim is missing or of another type (RFC 9068 section 2.2)')
  if ((iat as number) > now + rules.clockTolerance)
    throw new Refused('token_not_yet_valid', 'the token was issued in the future')
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isText)
/** RFC 7519 section 2; whole seconds, as this issuer writes them. */
const isNumericDate = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const malformed = (cause?: unknown): Refused =>
  new Refused('token_malformed', 'this is no signed JWT in its compact form', { cause })
