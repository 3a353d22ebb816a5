/** A fresh key pair for signing, named by its thumbprint. */
import { generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'

export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'RS256'

interface KeyPair {
  readonly kid: string
  readonly publicJwk: JWK
  /** The private half, DER. */
  readonly pkcs8: Buffer
}

export async function makeKeyPair(alg: SigningAlgorithm): Promise<KeyPair> {
  const { publicKey, privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 3072 }) // ASVS 11.2.3: 128 bits of security
  const bare = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(bare) // RFC 7638
  if (kid.startsWith('-')) return makeKeyPair(alg) // or a command line would take it for an option
  return {
    kid,
    publicJwk: { ...bare, kid, alg, use: 'sig' },
    pkcs8: privateKey.export({ format: 'der', type: 'pkcs8' }),
  }
}
