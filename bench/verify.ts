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
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Refused } from '../src/verifier/index.ts'
import {
  firstSight,
  ourVerifier,
  seenBefore,
  someRevocations,
  type Contestant,
  type Verify,
} from './verify/contestants.ts'
import { anIssuer } from './verify/issuer.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
const rounds = Number(values.rounds)

/** Different tokens, more than any cache line keeps warm. */
const TOKENS = 1_000
/** Requests that an API has under way at once. */
const IN_FLIGHT = 16
/** Milliseconds that a contestant works in a round. */
const TURN = 600

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
