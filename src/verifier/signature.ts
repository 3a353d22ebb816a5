/**
 * The signature of a compact JWS (RFC 7515 section 5.2), by WebCrypto itself. jose would decode once more what
 * is decoded already: measured, a fifth of an RS256 check.
 */
import type { CryptoKey } from 'jose'

const PARAMETERS: Readonly<Record<string, { name: string; hash?: string }>> = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
}

const utf8 = new TextEncoder()

/**
 * @param signed header and payload as they stand in the token, with the dot between
 * @returns false also for a signature that no key could have made, which runtimes throw for
 */
export async function isSignedBy(alg: string, key: CryptoKey, signed: string, signature: Uint8Array): Promise<boolean> {
  const parameters = PARAMETERS[alg]
  if (parameters === undefined) return false
  try {
    return await crypto.subtle.verify(parameters, key, signature as Uint8Array<ArrayBuffer>, utf8.encode(signed))
  } catch {
    return false
  }
}
