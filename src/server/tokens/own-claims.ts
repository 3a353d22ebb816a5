/** Claims that an application adds to access tokens: small, and none that means something already. */

/** Registered names (RFC 7519, 9068, 7800, OpenID Connect) which verifiers act upon. */
const RESERVED = new Set(
  'iss sub aud exp nbf iat jti sid client_id auth_time amr acr azp scope typ cnf act may_act nonce events active token_type'.split(
    ' ',
  ),
)
/** Bytes of JSON: an access token has to fit into a header wherever it goes. */
const MOST_CLAIMS = 1024

/** `pointer` (RFC 6901) says where in the request, by the names of the HTTP contract. */
export interface ClaimsFault {
  readonly pointer: string
  readonly code: 'too_large' | 'reserved_name'
}

export function checkOwnClaims(claims: Readonly<Record<string, unknown>>): ClaimsFault | null {
  const name = Object.keys(claims).find((each) => RESERVED.has(each))
  if (name !== undefined) return { pointer: `/claims/${name}`, code: 'reserved_name' }
  return Buffer.byteLength(JSON.stringify(claims)) > MOST_CLAIMS ? { pointer: '/claims', code: 'too_large' } : null
}
