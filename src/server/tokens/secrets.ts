/** Random secrets, their hashes and their comparison: the only place that makes or compares any. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 random bits. */
export const newSecret = (): Buffer => randomBytes(32)

/** SHA-256; enough where the input itself has 256 random bits (OWASP ASVS 6.5.2). */
export const hashSecret = (secret: Uint8Array): Buffer => hash('sha256', secret, 'buffer')

/** Compares in constant time; of different lengths is simply different. */
export const isSameSecret = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && timingSafeEqual(left, right)
