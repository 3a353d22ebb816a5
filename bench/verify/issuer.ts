/** An issuer whose tokens everybody checks. */
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JSONWebKeySet } from 'jose'

export const ISSUER = 'https://id.example'
export const AUDIENCE = 'https://api.example'

export interface BenchIssuer {
  readonly jwks: JSONWebKeySet
  readonly pem: string
  sign(claims?: Record<string, unknown>): Promise<string>
}

export async function anIssuer(alg: string): Promise<BenchIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { modulusLength: 3072, extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'a-key-of-the-issuer', alg, use: 'sig' }
  return {
    jwks: { keys: [jwk] },
    pem: await exportSPKI(publicKey),
    sign: (claims = {}) => signToken(privateKey, alg, claims),
  }
}

function signToken(privateKey: CryptoKey, alg: string, claims: Record<string, unknown>): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({
    iss: ISSUER,
    sub: crypto.randomUUID(),
    aud: AUDIENCE,
    client_id: 'default',
    iat: now,
    exp: now + 3600,
    jti: crypto.randomUUID(),
    sid: crypto.randomUUID(),
    auth_time: now,
    amr: ['pwd'],
    scope: '',
    ...claims,
  })
    .setProtectedHeader({ alg, typ: 'at+jwt', kid: 'a-key-of-the-issuer' })
    .sign(privateKey)
}
