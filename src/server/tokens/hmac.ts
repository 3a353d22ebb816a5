/** HMAC-SHA256 (RFC 2104) for keys that are used all the time. */
import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const HASH_BYTES = 32

/**
 * By two hashes of one call each. `createHmac` makes a stream and a native object for each MAC, which takes as long as
 * signing half a token among the other work of a refresh, of which each needs two (docs/decisions/0036).
 * @param key at most 64 bytes
 */
export function createHmacSha256(key: Uint8Array): (data: Uint8Array) => Buffer {
  const inner = padded(key, 0x36)
  const outer = Buffer.concat([padded(key, 0x5c), Buffer.alloc(HASH_BYTES)])
  return (data) => {
    outer.set(hash('sha256', Buffer.concat([inner, data]), 'buffer'), BLOCK_BYTES)
    return hash('sha256', outer, 'buffer')
  }
}

const padded = (key: Uint8Array, pad: number): Buffer =>
  Buffer.alloc(BLOCK_BYTES).map((_, index) => (key[index] ?? 0) ^ pad) as Buffer
