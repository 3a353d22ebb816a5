/** Tokens that are nothing but 256 random bits behind a prefix: those in mails, and API keys. */
import { hashSecret, newSecret } from './secrets.ts'

export type OpaquePrefix = 'hpem_' | 'hpak_'

/** @returns the token, which is shown once, and the hash, which is all that is kept */
export function newOpaqueToken(prefix: OpaquePrefix): { token: string; hash: Buffer } {
  const secret = newSecret()
  return { token: prefix + secret.toString('base64url'), hash: hashSecret(secret) }
}

/** @returns null for what is no such token in its one canonical form: nobody has to be asked about it */
export function hashOpaqueToken(token: string, prefix: OpaquePrefix): Buffer | null {
  const text = token.slice(prefix.length)
  if (!token.startsWith(prefix) || !/^[A-Za-z0-9_-]{43}$/.test(text)) return null
  const secret = Buffer.from(text, 'base64url')
  return secret.toString('base64url') === text ? hashSecret(secret) : null
}
