/** An API in TypeScript that knows Web APIs only. It is compiled here, and by a consumer of what is published. */
import {
  createVerifier,
  Refused,
  requireClaim,
  requireRecentAuth,
  requireScope,
  type AccessTokenClaims,
  type Guard,
  type RefusedCode,
  type VerifierOptions,
} from 'hallpass/verifier'
import { withToken } from 'hallpass/verifier/fetch'
import { createTestIssuer } from 'hallpass/verifier/testing'

const options: VerifierOptions = { issuer: 'https://id.example', audience: 'https://api.example', follow: 'on-demand' }
export const verifier = createVerifier(options)

const isAdult: Guard = ({ age }) => {
  if (typeof age !== 'number') throw new Refused('claim_refused', 'no age')
}

export const answer = withToken(
  verifier,
  (request: Request, token: AccessTokenClaims, name: string): Response => new Response(request.url + token.sub + name),
  { guards: [requireScope('orders'), requireClaim('plan', 'team'), requireRecentAuth({ maxAge: 60 }), isAdult] },
)

export async function codeOf(token: string): Promise<RefusedCode | null> {
  try {
    const { sub, exp, plan } = await verifier.verify(token)
    // @ts-expect-error -- what the issuer adds has to be looked at first
    const text: string = plan
    return sub + text + exp.toFixed() === '' ? 'token_claims' : null
  } catch (error) {
    return error instanceof Refused ? error.code : null
  }
}

export async function test(): Promise<string> {
  const issuer = await createTestIssuer({ alg: 'EdDSA' })
  issuer.createVerifier({ onStale: 'reject' }).close()
  await issuer.clock.advance(5)
  return issuer.signTestToken({ sub: 'ada' })
}

// @ts-expect-error -- an API has to say who it is
createVerifier({ issuer: 'https://id.example' })
