/**
 * The refresh token: `hprt_` and 86 bytes in base64url.
 *
 *   version 1 · key id 1 · user id 16 · session id 16 · generation 4 · session secret 32 · MAC 16
 *
 * It addresses one row by its primary key, says which rotation it belongs to, and can be computed
 * again: a replay returns the very same bytes and nothing that could be used is stored.
 */
import type { Ring } from './ring.ts'
import { isSameSecret } from './secrets.ts'

export interface RefreshToken {
  readonly userId: string
  readonly sessionId: string
  /** How often the session's token had been rotated when this one was made. */
  readonly generation: number
  /** The same for the session's life; the row holds only its hash. */
  readonly secret: Buffer
}

export type DecodedRefreshToken =
  | { readonly kind: 'genuine'; readonly token: RefreshToken }
  | { readonly kind: 'malformed' }
  /** Ours by its looks, but made with a secret that this process does not know (a deploy under way). */
  | { readonly kind: 'unknown_key' }

const REFRESH_TOKEN_PREFIX = 'hprt_'
/** Reserved, so that "the next generation" always fits into four bytes. */
export const GENERATION_LIMIT = 0xffffffff

const VERSION = 1
const SIGNED_BYTES = 70
const TOTAL_BYTES = 86
/** One token has one spelling: the last character carries four bits and two that are zero (RFC 4648 section 3.5). */
const BODY = /^[A-Za-z0-9_-]{114}[AEIMQUYcgkosw048]$/

/** Makes the token of a session's generation, with the ring's current secret. */
export function encodeRefreshToken(token: RefreshToken, ring: Ring): string {
  const bytes = Buffer.alloc(TOTAL_BYTES)
  bytes.writeUInt8(VERSION, 0)
  bytes.writeUInt8(ring.current.keyId, 1)
  bytes.write(hexOf(token.userId), 2, 'hex')
  bytes.write(hexOf(token.sessionId), 18, 'hex')
  bytes.writeUInt32BE(token.generation, 34)
  bytes.set(token.secret, 38)
  bytes.set(ring.current.mac(bytes.subarray(0, SIGNED_BYTES)), SIGNED_BYTES)
  return REFRESH_TOKEN_PREFIX + bytes.toString('base64url')
}

/** Checks form and MAC, without asking the database: garbage and forgeries end here. */
export function decodeRefreshToken(presented: string, ring: Ring): DecodedRefreshToken {
  const bytes = readCanonical(presented)
  if (bytes === null || bytes.readUInt8(0) !== VERSION) return { kind: 'malformed' }

  const candidates = ring.withKeyId(bytes.readUInt8(1))
  if (candidates.length === 0) return { kind: 'unknown_key' }

  const signed = bytes.subarray(0, SIGNED_BYTES)
  const mac = bytes.subarray(SIGNED_BYTES)
  if (!candidates.some((secret) => isSameSecret(secret.mac(signed), mac))) return { kind: 'malformed' }

  const generation = bytes.readUInt32BE(34)
  if (generation >= GENERATION_LIMIT) return { kind: 'malformed' }
  return {
    kind: 'genuine',
    token: {
      userId: idAt(bytes, 2),
      sessionId: idAt(bytes, 18),
      generation,
      secret: Buffer.from(bytes.subarray(38, SIGNED_BYTES)),
    },
  }
}

/** What decodes to the same bytes but is written otherwise is refused. */
function readCanonical(presented: string): Buffer | null {
  const body = presented.slice(REFRESH_TOKEN_PREFIX.length)
  return presented.startsWith(REFRESH_TOKEN_PREFIX) && BODY.test(body) ? Buffer.from(body, 'base64url') : null
}

/** Any 16 bytes are an id to PostgreSQL, whichever version of UUID they claim to be. */
const hexOf = (id: string): string => id.replaceAll('-', '')
function idAt(bytes: Buffer, start: number): string {
  const hex = bytes.toString('hex', start, start + 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
