/** What the verifier takes for a token, beside jose at first sight, and beside looking up a text that is known. */
import { createLocalJWKSet, jwtVerify } from 'jose'
import { ourVerifier } from '../verify/contestants.ts'
import { anIssuer, AUDIENCE, ISSUER } from '../verify/issuer.ts'
import type { Figure } from './figure.ts'
import { processorTimeOf, ratioInTurns, type Turn } from './in-turns.ts'

const TOKENS = 200
const TURNS = 25
/** How often each token is seen in a turn. */
const AGAIN = 50
const WARM_UP = 20

export async function measureVerifying(): Promise<Figure[]> {
  const issuer = await anIssuer('ES256')
  const tokens = await Promise.all(Array.from({ length: TOKENS }, async () => Buffer.from(await issuer.sign())))
  const [ours, remembering] = [await ourVerifier(issuer.jwks, 0), await ourVerifier(issuer.jwks, 10_000)]
  const keys = createLocalJWKSet(issuer.jwks)
  const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], typ: 'at+jwt', clockTolerance: 10 }
  const known = new Map(tokens.map((token) => [token.toString('latin1'), token]))

  /** Tokens arrive as they do in a server: each time a new text, made from bytes. */
  const checking = (check: (token: string) => unknown, times = 1): Turn => {
    return () =>
      processorTimeOf(async () => {
        for (let time = 0; time < times; time += 1) {
          for (const token of tokens) {
            const answer = check(token.toString('latin1'))
            if (answer instanceof Promise) await answer
          }
        }
      })
  }
  const first = {
    work: checking((token) => ours.verify(token)),
    yardstick: checking((token) => jwtVerify(token, keys, options)),
  }
  const again = {
    work: checking((token) => remembering.verify(token), AGAIN),
    yardstick: checking((token) => known.get(token), AGAIN),
  }
  try {
    for (const { work, yardstick } of [first, again]) {
      for (let time = 0; time < WARM_UP; time += 1) {
        await work()
        await yardstick()
      }
    }
    return [
      {
        name: 'verifier, a token at first sight',
        value: await ratioInTurns({ ...first, turns: TURNS }),
        unit: 'times jose',
        allowed: 0.1,
      },
      {
        name: 'verifier, a token seen before',
        value: await ratioInTurns({ ...again, turns: TURNS }),
        unit: 'look-ups',
        allowed: 1,
      },
    ]
  } finally {
    ours.close()
    remembering.close()
  }
}
