/**
 * Checks Hallpass's access tokens (RFC 9068) in nginx, for `auth_request`: 204 with the claims that the API
 * wants in headers, or 401. For njs 0.7.9, which reads no JWK: the keys are the file that
 * `hallpass keys list --pem` prints.
 */
import fs from 'fs'

// The algorithms that this WebCrypto knows; EdDSA came to it later.
const ALGORITHMS = {
  ES256: { key: { name: 'ECDSA', namedCurve: 'P-256' }, signature: { name: 'ECDSA', hash: 'SHA-256' } },
  RS256: {
    key: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    signature: { name: 'RSASSA-PKCS1-v1_5' },
  },
}
const TYPES = ['at+jwt', 'application/at+jwt']
const LONGEST_TOKEN = 8192
/** Clocks of two machines may differ by so much. Seconds. */
const LEEWAY = 10

async function check(r) {
  const match = /^Bearer +([\w-]+)\.([\w-]+)\.([\w-]+) *$/i.exec(r.headersIn.Authorization || '')
  const claims = match && match[0].length <= LONGEST_TOKEN ? await verify(r, match) : null
  if (claims === null) {
    r.headersOut['WWW-Authenticate'] = r.headersIn.Authorization ? 'Bearer error="invalid_token"' : 'Bearer'
    r.return(401)
    return
  }
  r.headersOut['X-User'] = claims.sub
  r.headersOut['X-Session'] = claims.sid
  r.headersOut['X-Scope'] = claims.scope || ''
  r.return(204)
}

/** @returns the claims of a good token, else null */
async function verify(r, match) {
  const header = parse(match[1])
  // Without this an ID token of the same issuer would do (RFC 9068 section 4).
  if (header === null || TYPES.indexOf(String(header.typ).toLowerCase()) < 0) return null
  // There are no extensions that we know (RFC 7515 section 4.1.11).
  if (header.crit !== undefined) return null
  const key = keyOf(r, header.kid)
  // The algorithm is the key's own, never the token's choice (RFC 8725 section 3.1).
  if (key === null || key.alg !== header.alg) return null
  if (!(await isSignedBy(key, `${match[1]}.${match[2]}`, match[3]))) return null
  const claims = parse(match[2])
  return claims !== null && isForUs(r.variables, claims) && isInForce(claims) ? claims : null
}

async function isSignedBy(key, signed, signature) {
  const algorithm = ALGORITHMS[key.alg]
  const publicKey = await crypto.subtle.importKey('spki', key.spki, algorithm.key, false, ['verify'])
  const bytes = Buffer.from(signature, 'base64url')
  // njs throws where an ECDSA signature has not the right length.
  return crypto.subtle.verify(algorithm.signature, publicKey, bytes, Buffer.from(signed)).catch(() => false)
}

function isForUs(variables, claims) {
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  return (
    claims.iss === variables.hallpass_issuer &&
    audiences.indexOf(variables.hallpass_audience) >= 0 &&
    ['sub', 'client_id', 'jti', 'sid'].every((name) => typeof claims[name] === 'string')
  )
}

function isInForce(claims) {
  const now = Date.now() / 1000
  return (
    ['exp', 'iat', 'auth_time'].every((name) => typeof claims[name] === 'number') &&
    claims.exp > now - LEEWAY &&
    claims.iat < now + LEEWAY &&
    (claims.nbf === undefined || claims.nbf < now + LEEWAY)
  )
}

/** Chosen by exact `kid`. Where there is no file this throws, and nginx answers 500. */
function keyOf(r, kid) {
  const file = fs.readFileSync(r.variables.hallpass_keys, 'utf8')
  const entry = /^# (\S+) (\S+) \S+\n-----BEGIN PUBLIC KEY-----\n([\w+/=\n]+)-----END PUBLIC KEY-----$/gm
  for (let found = entry.exec(file); found !== null; found = entry.exec(file)) {
    if (found[1] === kid && ALGORITHMS[found[2]] !== undefined) {
      return { alg: found[2], spki: Buffer.from(found[3].replace(/\n/g, ''), 'base64') }
    }
  }
  return null
}

/** A JSON object in base64url, else null. */
function parse(part) {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && !Array.isArray(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

export default { check }
