/**
 * Tokens that another system made. The system before kept them raw (phx.gen.auth) or as a hash in hex (ecto_sessions),
 * and an import knows no more than that; the device has the token itself, as text or as base64url of its bytes.
 */
import { createHash, getHashes, hkdfSync } from 'node:crypto'
import { hashSecret } from './secrets.ts'

/** One way in which the system before may have kept a token. */
export interface ImportedToken {
  /** How the row is found. */
  readonly hash: Buffer
  readonly bytes: Buffer
}

/** Fewer are no token (ecto_sessions allows no less), more are no token either. */
const LEAST_LENGTH = 16
const MOST_LENGTH = 512
/** Those of ecto_sessions, by OpenSSL's names. */
const ALGORITHMS = [
  ...['sha256', 'sha1', 'sha224', 'sha384', 'sha512', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'],
  ...['blake2b512', 'blake2s256', 'ripemd160'],
].filter((name) => getHashes().includes(name))

/** @param kept what the system before kept of the token: its bytes, or a hash of them in hex, as text */
export const hashKeptToken = (kept: Uint8Array): Buffer => hashSecret(kept)

/**
 * Every way in which it may have been kept; each is some microseconds.
 * @param salt that ecto_sessions put before the token
 * @returns none for what is no token
 */
export function readImportedToken(presented: string, salt: string | null): ImportedToken[] {
  if (presented.length < LEAST_LENGTH || presented.length > MOST_LENGTH) return []
  const text = Buffer.from(presented)
  const raw = Buffer.from(presented.replace(/=+$/, ''), 'base64url')
  const isRaw = raw.length >= LEAST_LENGTH && raw.toString('base64url') === presented.replace(/=+$/, '')
  const salted = salt === null ? [text] : [text, Buffer.concat([Buffer.from(salt), text])]
  const hashed = salted.flatMap((input) => ALGORITHMS.map((name) => createHash(name).update(input).digest('hex')))
  return [
    ...(isRaw ? [raw, hashSecret(raw)].map((kept) => ({ hash: hashKeptToken(kept), bytes: raw })) : []),
    ...[text, ...hashed.map((hex) => Buffer.from(hex))].map((kept) => ({ hash: hashKeptToken(kept), bytes: text })),
  ]
}

/**
 * The secret of a session that goes on from it: always the same, so that an answer which was lost can be asked for
 * again, and known to nobody who has only what the system before kept as a hash.
 */
export const deriveSessionSecret = ({ bytes }: ImportedToken, sessionId: string): Buffer =>
  Buffer.from(hkdfSync('sha256', bytes, sessionId, 'hallpass imported session secret', 32))
