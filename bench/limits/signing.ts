/** Access tokens alone, made as a refresh makes them. */
import { createPrivateKey } from 'node:crypto'
import { createAccessTokens } from '../../src/server/tokens/access-token.ts'
import { makeKeyPair } from '../../src/server/tokens/key-pair.ts'
import type { SigningKeys } from '../../src/server/tokens/signing-keys.ts'
import { sessionIdOf, userIdOf } from '../fleet/fleet.ts'

/** As many as are on their way in a server that is busy. */
const UNDER_WAY = 16

/** @returns tokens a second of this process, and microseconds of processor time for each */
export async function measureSigning(seconds: number): Promise<{ perSecond: number; cpu: number }> {
  const { kid, pkcs8 } = await makeKeyPair('ES256')
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const keys: Partial<SigningKeys> = { active: () => ({ kid, alg: 'ES256', privateKey }) }
  const issuer = 'https://hallpass.example'
  const accessTokens = createAccessTokens({ issuer, audience: [issuer], ttl: 300, keys: keys as SigningKeys })
  const now = new Date()
  const subject = {
    userId: userIdOf(0),
    sessionId: sessionIdOf(0),
    clientId: 'default',
    scope: '',
    amr: ['pwd'],
    authenticatedAt: now,
    claims: {},
    now,
    endsAt: new Date(now.getTime() + 86_400_000),
  }

  async function issueFor(milliseconds: number): Promise<number> {
    const end = performance.now() + milliseconds
    let count = 0
    const goOn = async (): Promise<void> => {
      for (; performance.now() < end; count += 1) await accessTokens.issue(subject)
    }
    await Promise.all(Array.from({ length: UNDER_WAY }, goOn))
    return count
  }

  await issueFor(500)
  const [before, at] = [process.cpuUsage(), performance.now()]
  const count = await issueFor(seconds * 1000)
  const used = process.cpuUsage(before)
  return { perSecond: (count * 1000) / (performance.now() - at), cpu: (used.user + used.system) / count }
}
