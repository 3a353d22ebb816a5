/** Those who check tokens, each as a sensible user would set it up, with the same rules. */
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createVerifier, type Verifier } from '../../src/verifier/index.ts'
import { AUDIENCE, ISSUER, type BenchIssuer } from './issuer.ts'

export type Verify = (token: string) => unknown

export interface Contestant {
  readonly name: string
  readonly verify: Verify
}

export async function firstSight(alg: string, { jwks, pem }: BenchIssuer): Promise<Contestant[]> {
  const keys = createLocalJWKSet(jwks)
  const joseOptions = { issuer: ISSUER, audience: AUDIENCE, algorithms: [alg], typ: 'at+jwt', clockTolerance: 10 }
  const ours = await ourVerifier(jwks, 0)
  return [
    { name: 'jose', verify: (token) => jwtVerify(token, keys, joseOptions) },
    { name: 'hallpass/verifier', verify: (token) => ours.verify(token) },
    ...(await fastJwt(alg, pem, false)),
    ...(await awsJwtVerify(jwks)),
  ]
}

export async function seenBefore(alg: string, { jwks, pem }: BenchIssuer): Promise<Contestant[]> {
  const ours = await ourVerifier(jwks, 10_000)
  return [{ name: 'hallpass/verifier', verify: (token) => ours.verify(token) }, ...(await fastJwt(alg, pem, 10_000))]
}

/** Following a feed, with a thousand revocations remembered: as it stands in an API. */
export async function ourVerifier(
  jwks: object,
  cacheSize: number,
  feed: Response = someRevocations(1_000),
): Promise<Verifier> {
  const answers: Record<string, Response | undefined> = { jwks: Response.json(jwks), feed }
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    apiKey: { id: 'bench', key: 'a key that opens nothing at all, anywhere' },
    follow: 'poll',
    pollInterval: 3600,
    maxStaleness: 3600,
    cacheSize,
    fetch: (url) => {
      const name = url.endsWith('jwks.json') ? 'jwks' : 'feed'
      const answer = answers[name]
      delete answers[name] // or its text would be counted as ours
      return answer === undefined ? Promise.reject(new Error('asked twice')) : Promise.resolve(answer)
    },
  })
  while ((verifier.status().revocations?.staleness ?? 0) === Infinity)
    await new Promise((resolve) => setTimeout(resolve, 1))
  return verifier
}

export function someRevocations(count: number): Response {
  const times = { issued_until: new Date().toISOString(), until: new Date(Date.now() + 3600_000).toISOString() }
  const revocations = Array.from({ length: count }, () => ({ sid: crypto.randomUUID(), kind: 'revoked', ...times }))
  return Response.json({ cursor: '1', horizon: new Date().toISOString(), revocations })
}

interface FastJwt {
  createVerifier(options: Record<string, unknown>): Verify
}

async function fastJwt(alg: string, key: string, cache: number | false): Promise<Contestant[]> {
  const module = await theirs<FastJwt>('fast-jwt')
  if (module === null) return []
  const options = {
    key,
    algorithms: [alg],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    checkTyp: 'at+jwt',
    clockTolerance: 10_000,
    cache,
  }
  return [{ name: cache === false ? 'fast-jwt' : 'fast-jwt, cache', verify: module.createVerifier(options) }]
}

interface AwsJwtVerify {
  readonly JwtVerifier: {
    create(options: object): { cacheJwks(jwks: object): void; verify: Verify }
  }
}

async function awsJwtVerify(jwks: object): Promise<Contestant[]> {
  const module = await theirs<AwsJwtVerify>('aws-jwt-verify')
  if (module === null) return []
  const verifier = module.JwtVerifier.create({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUri: `${ISSUER}/jwks.json`,
    graceSeconds: 10,
  })
  verifier.cacheJwks(jwks)
  return [{ name: 'aws-jwt-verify', verify: (token) => verifier.verify(token) }]
}

/** Installed for bench/ alone; without them the table is shorter. */
async function theirs<Module>(name: string): Promise<Module | null> {
  return (await import(name).catch(() => null)) as Module | null
}
