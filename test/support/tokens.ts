/** Tokens that no sign-in gave out: forgeries, and those of another secret. */
import { randomBytes } from 'node:crypto'
import { encodeRefreshToken } from '../../src/server/tokens/refresh-token.ts'
import { createRing, type Ring } from '../../src/server/tokens/ring.ts'
import { TEST_SECRET } from './server.ts'

/**
 * A refresh token that names whatever session one likes.
 * @param options.ring by default the test's own, as if its secret had leaked
 * @param options.secret by default not the session's, which nobody can know
 */
export function forge(options: {
  userId: string
  sessionId: string
  generation?: number
  secret?: Buffer
  ring?: Ring
}): string {
  const { userId, sessionId, generation = 0, secret = randomBytes(32), ring = createRing(TEST_SECRET) } = options
  return encodeRefreshToken({ userId, sessionId, generation, secret }, ring)
}

/** What only its owner knows of a session, read out of one of its tokens. */
export const secretIn = (refreshToken: string): Buffer =>
  Buffer.from(refreshToken.slice('hprt_'.length), 'base64url').subarray(38, 70)

/** Of a deploy that this process has not seen yet. */
export const aRingWithAnotherKeyId = (): Ring => aRing((keyId, ours) => keyId !== ours)

/** Of somebody who guesses secrets until the token looks like one of ours. */
export const aRingWithOurKeyId = (): Ring => aRing((keyId, ours) => keyId === ours)

function aRing(isWanted: (keyId: number, ours: number) => boolean): Ring {
  const ours = createRing(TEST_SECRET).current.keyId
  for (let count = 0; ; count += 1) {
    const ring = createRing(`another secret, number ${count}`)
    if (isWanted(ring.current.keyId, ours)) return ring
  }
}
