/** One and the same in every runtime: it tries all that a verifier does, and says how each of it went. */
import { createVerifier, requireScope } from 'hallpass/verifier'
import { createTestIssuer } from 'hallpass/verifier/testing'

/** With the test kit: nothing listens, nothing is sent. */
export async function tryInMemory() {
  const results = {}
  for (const alg of ['ES256', 'EdDSA', 'RS256']) results[alg] = await tryAlgorithm(alg)
  return results
}

async function tryAlgorithm(alg) {
  const issuer = await createTestIssuer({ alg })
  const verifier = issuer.createVerifier({ follow: 'stream' })
  try {
    await verifier.ready()
    const token = await issuer.signTestToken({ scope: 'orders' })
    const [header, payload, signature] = token.split('.')
    const stranger = await createTestIssuer({ alg, clock: issuer.clock })
    const ask = (credential, guards = []) => outcome(verifier.verify(credential, { guards }))

    return {
      good: await ask(`Bearer ${token}`, [requireScope('orders')]),
      again: await ask(token),
      remembered: verifier.status().rememberedTokens,
      changed: await ask([header, encode(atob(payload).replace('user-1', 'user-2')), signature].join('.')),
      cut: await ask([header, payload, signature.slice(0, 20)].join('.')),
      unsigned: await ask(unsigned(payload)),
      strangers: await ask(await stranger.signTestToken()),
      expired: await ask(await issuer.signTestToken({ exp: Math.floor(issuer.clock.now() / 1000) - 60 })),
      foreign: await ask(await issuer.signTestToken({ aud: 'https://other.example' })),
      scope: await ask(token, [requireScope('invoices')]),
      ...(await tryRevocation(issuer, verifier, token)),
    }
  } finally {
    verifier.close()
  }
}

const unsigned = (payload) => [encode('{"alg":"none","typ":"at+jwt","kid":"key-1"}'), payload, 'none'].join('.')

/** Base64url. */
const encode = (text) => btoa(text).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')

async function tryRevocation(issuer, verifier, token) {
  const other = await issuer.signTestToken({ sid: 'session-2' })
  const ended = new Promise((resolve) => verifier.onEnd({ sid: 'session-1', iat: 0 }, resolve))
  issuer.revoke('session-1')
  const told = await ended
  const revoked = await outcome(verifier.verify(token))
  const { by } = verifier.status().revocations

  issuer.isDown = true
  const restored = issuer.createVerifier()
  await restored.restore(await verifier.snapshot())
  const afterRestore = [await outcome(restored.verify(token)), await outcome(restored.verify(other))]
  restored.close()
  return { told, revoked, by, afterRestore }
}

/** With a service that listens: signs in, follows the feed, signs out. */
export async function tryService({ issuer, serviceUrl, apiKey, account }) {
  const verifier = createVerifier({ issuer, audience: issuer, serviceUrl, apiKey })
  try {
    await verifier.ready()
    const session = await signIn(serviceUrl, account)
    const token = session.access_token
    const good = await outcome(verifier.verify(token))
    const claims = await verifier.verify(token)
    const ended = new Promise((resolve) => verifier.onEnd(claims, resolve))
    await signOut(serviceUrl, token)
    const told = await ended
    const { by } = verifier.status().revocations
    return { good, told, revoked: await outcome(verifier.verify(token)), by }
  } finally {
    verifier.close()
  }
}

async function signIn(serviceUrl, account) {
  const response = await fetch(`${serviceUrl}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  })
  return response.json()
}

async function signOut(serviceUrl, token) {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${serviceUrl}/v1/sessions/current`, { method: 'DELETE', headers })
  await response.arrayBuffer()
}

/** The person, or the code of the refusal. Any other error is shown as it is. */
const outcome = (verified) =>
  verified.then(
    ({ sub }) => sub,
    (error) => error.code ?? String(error),
  )
