/** The service that the demo talks to, as it describes itself (RFC 8414). */
import { Difference } from './check.ts'
import { request } from './request.ts'

export interface Service {
  readonly url: string
  readonly issuer: string
  readonly jwksUri: string
  /** What its access tokens are for. */
  readonly audience: string
}

/** @throws {Difference} when what answers there is not Hallpass, or not ready */
export async function discover(given: string): Promise<Service> {
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) throw new Difference(`${given} is not the URL of a server`)
  const { origin, pathname } = new URL(given)
  const path = pathname.replace(/\/+$/, '')
  const url = origin + path

  const { status, body } = await request<unknown>(`${origin}/.well-known/oauth-authorization-server${path}`)
  if (status !== 200 || !isMetadata(body)) throw new Difference(`What answers at ${url} is not Hallpass`)
  const ready = await request(`${url}/readyz`)
  if (ready.status !== 200) throw new Difference(`The server at ${url} is not ready`)

  const { issuer, jwks_uri: jwksUri } = body
  return { url, issuer, jwksUri, audience: process.env.HALLPASS_AUDIENCE?.split(',')[0]?.trim() || issuer }
}

interface Metadata {
  readonly issuer: string
  readonly jwks_uri: string
}

function isMetadata(body: unknown): body is Metadata {
  const { issuer, jwks_uri: jwksUri, token_endpoint: tokenEndpoint } = (body ?? {}) as Record<string, unknown>
  return typeof issuer === 'string' && typeof jwksUri === 'string' && tokenEndpoint === `${issuer}/oauth/token`
}
