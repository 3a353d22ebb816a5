/** For workerd. The verifier is made before the first request, as is usual; nothing may be sent or timed there. */
import { env } from 'cloudflare:workers'
import { createVerifier } from 'hallpass/verifier'
import { withToken } from 'hallpass/verifier/fetch'
import { tryClient } from './client.js'
import { tryInMemory } from './program.js'

const service = JSON.parse(env.SERVICE)
const { issuer, serviceUrl, apiKey } = service
// So short that every request asks.
const always = { pollInterval: 0.001, maxStaleness: 0.001 }
const verifier = createVerifier({ issuer, audience: issuer, serviceUrl, apiKey, ...always })
const answer = withToken(verifier, (_request, { sub }) => Response.json({ sub, by: verifier.status().revocations.by }))

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/in-memory') return Response.json(await tryInMemory())
    if (pathname === '/client') return Response.json(await tryClient({ ...service, account: await request.json() }))
    if (pathname !== '/cut-off') return answer(request)
    // It ends at once, and what it has begun ends with it, unfinished.
    void answer(request)
    return new Response('gone')
  },
}
