/**
 * How fast access tokens are checked: the verifier beside jose, fast-jwt and aws-jwt-verify, in one process, on
 * the same tokens, all with the same rules (issuer, audience, algorithm, ten seconds of tolerance).
 *
 *   npm ci --prefix bench                    once, for the others
 *   npm run bench:verify                     a table for docs/benchmarks.md
 *   npm run bench:verify -- --rounds 9
 *
 * Every contestant takes its turn in every round (A B C A B C), and the median of its rounds counts. Tokens
 * arrive as they do in a server: each time a new string, made from bytes.
 */
import {
  createLocalJWKSet,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JSONWebKeySet,
} from 'jose'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createVerifier, type Refused } from '../src/verifier/index.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
const rounds = Number(values.rounds)

const ISSUER = 'https://id.example'
const AUDIENCE = 'https://api.example'
/** Different tokens, more than any cache line keeps warm. */
const TOKENS = 1_000
/** Requests that an API has under way at once. */
const IN_FLIGHT = 16
/** Milliseconds that a contestant works in a round. */
const TURN = 600

type Verify = (token: string) => unknown

interface Contestant {
  readonly name: string
  readonly verify: Verify
}

interface Sample {
  readonly perSecond: number
  /** Of the whole process, all threads. Microseconds. */
  readonly cpu: number
}

console.log(`Node ${process.version}, ${rounds} rounds of ${TURN} ms, median\n`)
for (const alg of ['ES256', 'EdDSA', 'RS256']) await compare(alg)
await timeRefusals()
await rememberMany()

async function compare(alg: string): Promise<void> {
  const issuer = await anIssuer(alg)
  const tokens = await Promise.all(Array.from({ length: TOKENS }, () => issuer.sign()))
  const bytes = tokens.map((token) => Buffer.from(token))

  const first = await run(await firstSight(alg, issuer), bytes)
  const before = await run(await seenBefore(alg, issuer), bytes)
  const jose = first[0]?.perSecond ?? Number.NaN
  print(`${alg}, a token never seen before`, first, jose)
  print(`${alg}, a token seen before`, before, jose)
}

interface BenchIssuer {
  readonly jwks: JSONWebKeySet
  readonly pem: string
  sign(claims?: Record<string, unknown>): Promise<string>
}

async function anIssuer(alg: string): Promise<BenchIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { modulusLength: 3072, extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'a-key-of-the-issuer', alg, use: 'sig' }
  return {
    jwks: { keys: [jwk] },
    pem: await exportSPKI(publicKey),
    sign: (claims = {}) => signToken(privateKey, alg, claims),
  }
}

function signToken(privateKey: CryptoKey, alg: string, claims: Record<string, unknown>): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({
    iss: ISSUER,
    sub: crypto.randomUUID(),
    aud: AUDIENCE,
    client_id: 'default',
    iat: now,
    exp: now + 3600,
    jti: crypto.randomUUID(),
    sid: crypto.randomUUID(),
    auth_time: now,
    amr: ['pwd'],
    scope: '',
    ...claims,
  })
    .setProtectedHeader({ alg, typ: 'at+jwt', kid: 'a-key-of-the-issuer' })
    .sign(privateKey)
}

async function firstSight(alg: string, { jwks, pem }: BenchIssuer): Promise<Contestant[]> {
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

async function seenBefore(alg: string, { jwks, pem }: BenchIssuer): Promise<Contestant[]> {
  const ours = await ourVerifier(jwks, 10_000)
  return [{ name: 'hallpass/verifier', verify: (token) => ours.verify(token) }, ...(await fastJwt(alg, pem, 10_000))]
}

/** Following a feed, with a thousand revocations remembered: as it stands in an API. */
async function ourVerifier(jwks: object, cacheSize: number, feed: Response = someRevocations(1_000)) {
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

function someRevocations(count: number): Response {
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

async function run(contestants: Contestant[], tokens: readonly Buffer[]): Promise<(Sample & { name: string })[]> {
  const samples = contestants.map((): Sample[] => [])
  for (const { verify } of contestants) await take(verify, tokens, TURN / 2) // everything once, compiled and cached
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { verify }] of contestants.entries()) samples[index]?.push(await take(verify, tokens, TURN))
  }
  return contestants.map(({ name }, index) => ({ name, ...median(samples[index] ?? []) }))
}

async function take(verify: Verify, tokens: readonly Buffer[], milliseconds: number): Promise<Sample> {
  let count = 0
  const start = performance.now()
  const cpu = process.cpuUsage()
  const end = start + milliseconds
  const work = async (): Promise<void> => {
    for (;;) {
      // The clock is asked now and then: it costs as much as a token seen before.
      for (let step = 0; step < 64; step += 1) {
        count += 1
        const answer = verify((tokens[count % tokens.length] as Buffer).toString('latin1'))
        if (answer instanceof Promise) await answer
      }
      if (performance.now() > end) return
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, work))
  const took = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: (count / took) * 1000, cpu: (user + system) / count }
}

function median(samples: readonly Sample[]): Sample {
  const sorted = samples.toSorted((one, other) => one.perSecond - other.perSecond)
  return sorted[Math.floor(sorted.length / 2)] ?? { perSecond: Number.NaN, cpu: Number.NaN }
}

function print(title: string, rows: readonly (Sample & { name: string })[], jose: number): void {
  console.log(`### ${title}\n`)
  console.log('| | a second | times jose at first sight | CPU µs each |\n|---|---:|---:|---:|')
  for (const { name, perSecond, cpu } of rows) {
    const ratio = perSecond / jose
    console.log(
      `| ${name} | ${Math.round(perSecond).toLocaleString('en')} | ${ratio.toFixed(ratio > 10 ? 0 : 2)} | ${cpu.toFixed(1)} |`,
    )
  }
  console.log('')
}

/** What attackers send must cost little. */
async function timeRefusals(): Promise<void> {
  const issuer = await anIssuer('ES256')
  const verifier = await ourVerifier(issuer.jwks, 10_000)
  const good = await issuer.sign()
  const tokens: Record<string, string> = {
    'a megabyte of letters': 'a'.repeat(1024 * 1024),
    'three parts of 2,600 characters': Array.from({ length: 3 }, () => 'a'.repeat(2_600)).join('.'),
    'another signature': `${good.slice(0, -10)}AAAAAAAAAA`,
    'of another audience': await issuer.sign({ aud: 'https://other.example' }),
    expired: await issuer.sign({ exp: 1 }),
  }
  console.log('### Refusals, one at a time\n\n| | slowest of 200, ms |\n|---|---:|')
  for (const [name, token] of Object.entries(tokens)) {
    let slowest = 0
    for (let count = 0; count < 200; count += 1) {
      const start = performance.now()
      await verifier.verify(token).catch((error: Refused) => error.code)
      slowest = Math.max(slowest, performance.now() - start)
    }
    console.log(`| ${name} | ${slowest.toFixed(2)} |`)
  }
  verifier.close()
}

/** Everybody signed out at once: what that costs an API. */
async function rememberMany(): Promise<void> {
  const many = 1_000_000
  const issuer = await anIssuer('ES256')
  const tokens = await Promise.all(Array.from({ length: TOKENS }, () => issuer.sign()))
  const before = await heapBytes()
  let feed: Response | undefined = someRevocations(many)
  const start = performance.now()
  const verifier = await ourVerifier(issuer.jwks, 10_000, feed)
  const took = performance.now() - start
  feed = undefined
  const bytes = (await heapBytes()) - before
  const bench = { name: '', verify: (token: string) => verifier.verify(token) }
  const [sample] = await run(
    [bench],
    tokens.map((token) => Buffer.from(token)),
  )
  const { revocations } = verifier.status()
  console.log(`
### ${revocations?.remembered.toLocaleString('en')} revocations remembered

Read as one JSON answer in ${Math.round(took)} ms; ${Math.round(bytes / many)} bytes each, ${Math.round(bytes / 1024 / 1024)} MB. Tokens seen before: ${Math.round(sample?.perSecond ?? 0).toLocaleString('en')} a second.`)
  verifier.close()
}

async function heapBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let count = 0; count < 3; count += 1) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return process.memoryUsage().heapUsed
}
