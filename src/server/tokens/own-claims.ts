/** Claims that an application adds to access tokens: small, and none that means something already. */

/** Registered names (RFC 7519, 9068, 7800, OpenID Connect) which verifiers act upon. */
const RESERVED = new Set(
  'iss sub aud exp nbf iat jti sid client_id auth_time amr acr azp scope typ cnf act may_act nonce events active token_type'.split(
    ' ',
  ),
)
/** Bytes of JSON: an access token has to fit into a header wherever it goes. */
const MOST_CLAIMS = 1024

export type ClaimsFault = { readonly code: 'too_large' } | { readonly code: 'reserved_name'; readonly name: string }

export function checkOwnClaims(claims: Readonly<Record<string, unknown>>): ClaimsFault | null {
  const name = Object.keys(claims).find((each) => RESERVED.has(each))
  if (name !== undefined) return { code: 'reserved_name', name }
  return Buffer.byteLength(JSON.stringify(claims)) > MOST_CLAIMS ? { code: 'too_large' } : null
}
