/** Where nothing runs between two requests, and the settings come with each of them. */
import { createVerifier, type Verifier } from 'hallpass/verifier'
import { withToken } from 'hallpass/verifier/fetch'

interface Env {
  readonly HALLPASS_ISSUER: string
  readonly HALLPASS_KEY_ID: string
  readonly HALLPASS_KEY: string
}

let verifier: Verifier | undefined

const verifierFor = ({ HALLPASS_ISSUER: issuer, HALLPASS_KEY_ID: id, HALLPASS_KEY: key }: Env): Verifier =>
  (verifier ??= createVerifier({ issuer, audience: issuer, apiKey: { id, key }, follow: 'on-demand' }))

export default {
  fetch: (request: Request, env: Env): Promise<Response> =>
    withToken(verifierFor(env), (_request, token) => new Response(`Hello ${token.sub}\n`))(request),
}
