/**
 * `Idempotency-Key` of a refresh: whoever repeats a rotation with the key it was first asked with is
 * the device that never got the answer. The row remembers 16 bytes of each of the last 4 rotations.
 */
import { hash } from 'node:crypto'
import { isSameSecret } from '../tokens/secrets.ts'

const HASH_BYTES = 16
const REMEMBERED_ROTATIONS = 4

/** What a rotation without a key leaves in the list. */
const NO_KEY = Buffer.alloc(HASH_BYTES)
/** The list of a session that was never rotated. */
export const NO_KEYS = Buffer.alloc(HASH_BYTES * REMEMBERED_ROTATIONS)

/** Bound to the session, so that a key used for two sessions is not recognisable as one. */
export const hashIdempotencyKey = (sessionId: string, key: string | null): Buffer =>
  key === null ? NO_KEY : hash('sha256', `${sessionId}\n${key}`, 'buffer').subarray(0, HASH_BYTES)

/**
 * Whether one of these keys is the one that generation `presented` was rotated with. A key that stands in the
 * list more than once tells nothing about which rotation it belongs to, and counts for none.
 * @param list the row's, the latest rotation first
 * @param keyHashes a device's, the latest first
 */
export function wasRotatedWith(
  list: Buffer,
  presented: number,
  current: number,
  keyHashes: readonly Buffer[],
): boolean {
  const remembered = Array.from({ length: REMEMBERED_ROTATIONS }, (_, index) =>
    list.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
  )
  const places = keyHashes.flatMap((keyHash) => placeOf(keyHash, remembered))
  return isInOrder(places) && places.includes(current - 1 - presented)
}

function placeOf(keyHash: Buffer, remembered: readonly Buffer[]): number[] {
  if (isSameSecret(keyHash, NO_KEY)) return []
  const places = remembered.flatMap((entry, index) => (isSameSecret(entry, keyHash) ? [index] : []))
  return places.length === 1 ? places : []
}

/** A device uses one key after the other. Where an older one comes after a younger, somebody else has used it once more. */
const isInOrder = (places: readonly number[]): boolean =>
  places.every((place, index) => place >= (places[index - 1] ?? 0))
