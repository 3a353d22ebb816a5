/**
 * Tokens that another system made. The system before kept them as they are (phx.gen.auth) or as a digest
 * (ecto_sessions), and an import knows no more than that; the device has the token itself, as text or as base64url
 * of its bytes.
 */
import { createHash, getHashes, hkdfSync } from 'node:crypto'
import { hashSecret } from './secrets.ts'

/** What the system before kept. */
export interface KeptToken {
  /** Whoever has a digest does not have the token: it must never be taken for one that was kept as it is. */
  readonly form: 'token' | 'digest'
  readonly bytes: Uint8Array
}

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
const ALGORITHMS =
  'sha256 sha1 sha224 sha384 sha512 sha3-224 sha3-256 sha3-384 sha3-512 blake2b512 blake2s256 ripemd160'
    .split(' ')
    .filter((name) => getHashes().includes(name))

export const hashKeptToken = ({ form, bytes }: KeptToken): Buffer =>
  hashSecret(Buffer.concat([Buffer.from(`${form}\0`), bytes]))

/**
 * Every way in which it may have been kept; each is some microseconds.
 * @param salt that ecto_sessions put before the token
 * @returns none for what is no token
 */
export function readImportedToken(presented: string, salt: string | null): ImportedToken[] {
  if (presented.length < LEAST_LENGTH || presented.length > MOST_LENGTH) return []
  const text = Buffer.from(presented)
  const salted = salt === null ? [text] : [text, Buffer.concat([Buffer.from(salt), text])]
  const digests = salted.flatMap((input) => ALGORITHMS.map((name) => createHash(name).update(input).digest('hex')))
  return [
    keptAs('token', text, text),
    ...digests.map((hex) => keptAs('digest', Buffer.from(hex), text)),
    ...readRaw(presented).flatMap((raw) => [keptAs('token', raw, raw), keptAs('digest', hashSecret(raw), raw)]),
  ]
}

const keptAs = (form: KeptToken['form'], kept: Uint8Array, bytes: Buffer): ImportedToken => ({
  hash: hashKeptToken({ form, bytes: kept }),
  bytes,
})

/** The bytes of which it is the base64url, with padding or without; none where it is none. */
function readRaw(presented: string): Buffer[] {
  const unpadded = presented.replace(/=+$/, '')
  const raw = Buffer.from(unpadded, 'base64url')
  return raw.length >= LEAST_LENGTH && raw.toString('base64url') === unpadded ? [raw] : []
}

/**
 * The secret of a session that goes on from it: always the same, so that an answer which was lost can be asked for
 * again, and known to nobody who has only a digest.
 */
export const deriveSessionSecret = ({ bytes }: ImportedToken, sessionId: string): Buffer =>
  Buffer.from(hkdfSync('sha256', bytes, sessionId, 'hallpass imported session secret', 32))
