/**
 * How long a revoked token is still good: from the answer to `DELETE /v1/sessions/current`, and from the commit
 * (its row's own time, which is a little before), to the first refusal in APIs that follow the feed.
 *
 *   npm run bench:revocation                      1, 100 and 1,000 followers; one at a time, and 500 a second
 *   npm run bench:revocation -- --seconds 5
 *
 * One server process on a durable PostgreSQL of its own (or TEST_DATABASE_URL), all followers in one process,
 * the load in this one; all of them share the machine. Ten followers at most are timed; the others take what
 * they are sent.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { statement } from '../src/server/database/database.ts'
import { makeServiceKey } from '../test/support/api-keys.ts'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { startProcess } from '../test/support/processes.ts'
import { startServer, TEST_ISSUER, type TestServer } from '../test/support/server.ts'
import { createSession, createUser } from '../test/support/sessions.ts'
import { quantile } from './report/quantiles.ts'
import type { FromFollowers, FromParent } from './revocation/followers.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, followers: { type: 'string', default: '1,100,1000' } },
})
const SECONDS = Number(values.seconds)
const FOLLOWERS = values.followers.split(',').map(Number)
const RATE = 500
const ONE_BY_ONE = 200
/** Followers that watch each session, where there are so many. */
const WATCHED_BY = 10

/** As many connections as a load balancer keeps. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

interface Doomed {
  readonly sid: string
  readonly accessToken: string
}

interface Result {
  readonly followers: number
  readonly load: string
  /** Milliseconds. */
  readonly sinceAnswer: number[]
  readonly sinceCommit: number[]
  readonly lost: number
  /** Processor seconds a second of the server, while the load lasted. */
  readonly cpu: number
}

const postgres = await startPostgres({ durable: true })
const databaseUrl = await postgres.createDatabase()
const server = await startProcess(databaseUrl)
const aside = await startServer('postgresql', { DATABASE_URL: databaseUrl })
const results: Result[] = []
try {
  const apiKey = await makeServiceKey(aside, 'revocations:read')
  for (const count of FOLLOWERS) {
    const followers = await startFollowers(count, apiKey)
    results.push(await measure(followers, count, 'one at a time', await makeSessions(aside, ONE_BY_ONE), 20))
    results.push(
      await measure(followers, count, `${RATE} a second`, await makeSessions(aside, RATE * SECONDS), 1000 / RATE),
    )
    followers.kill()
  }
} finally {
  await aside.stop()
  await server.stop()
  await postgres.stop()
  await stopSharedMailServer()
  agent.destroy()
}
print(results)

async function startFollowers(count: number, apiKey: { id: string; key: string }): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./revocation/followers.ts', import.meta.url)))
  process.once('exit', () => child.kill())
  child.once('exit', (code) => code !== null && process.exit(1)) // it said why
  await ask(child, { start: { url: server.url, issuer: TEST_ISSUER, apiKey, count } })
  return child
}

async function ask(child: ChildProcess, message: FromParent): Promise<FromFollowers> {
  const answer = once(child, 'message')
  child.send(message)
  return ((await answer) as [FromFollowers])[0]
}

async function makeSessions(on: TestServer, count: number): Promise<Doomed[]> {
  const made: Doomed[] = []
  while (made.length < count) {
    const userId = await createUser(on)
    const sessions = await Promise.all(Array.from({ length: 40 }, () => createSession(on, userId)))
    made.push(...sessions.map(({ sessionId, accessToken }) => ({ sid: sessionId, accessToken })))
  }
  return made.slice(0, count)
}

/** @param every milliseconds between two revocations, whether or not the one before was answered */
async function measure(
  followers: ChildProcess,
  count: number,
  load: string,
  doomed: Doomed[],
  every: number,
): Promise<Result> {
  await ask(followers, { watch: doomed })
  const answeredAt = new Map<string, number>()
  const cpuBefore = cpuSeconds(server.pid)
  const start = performance.now()
  await Promise.all(
    doomed.map(async ({ sid, accessToken }, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * every))
      answeredAt.set(sid, await signOut(accessToken))
    }),
  )
  const cpu = (cpuSeconds(server.pid) - cpuBefore) / ((performance.now() - start) / 1000)
  const committedAt = await commitTimes(doomed)
  const refused = await refusals(followers, doomed, count)
  const latencies = (since: Map<string, number>): number[] =>
    doomed.flatMap(({ sid }) => (refused[sid] ?? []).map((at) => at - (since.get(sid) ?? Number.NaN)))
  const expected = doomed.length * Math.min(WATCHED_BY, count)
  const sinceAnswer = latencies(answeredAt)
  return {
    followers: count,
    load,
    sinceAnswer,
    sinceCommit: latencies(committedAt),
    lost: expected - sinceAnswer.length,
    cpu,
  }
}

function signOut(accessToken: string): Promise<number> {
  const headers = { authorization: `Bearer ${accessToken}` }
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}/v1/sessions/current`, { method: 'DELETE', headers, agent }, (response) => {
      const at = performance.timeOrigin + performance.now()
      response.resume()
      if (response.statusCode === 204) resolve(at)
      else reject(new Error(`signing out was answered ${response.statusCode}`))
    })
    sent.on('error', reject).end()
  })
}

/** Waits until every watcher has refused, ten seconds at most after the last word. */
async function refusals(followers: ChildProcess, doomed: Doomed[], count: number): Promise<Record<string, number[]>> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const answer = await ask(followers, { report: true })
    const refused = 'refused' in answer ? answer.refused : {}
    const isComplete = doomed.every(({ sid }) => refused[sid]?.length === Math.min(WATCHED_BY, count))
    if (isComplete || performance.now() > deadline) return refused
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function commitTimes(doomed: Doomed[]): Promise<Map<string, number>> {
  const read = statement<{ sid: string; at: number }>(
    'bench.revoked_at',
    `select session_id::text as sid, (extract(epoch from issued_until) * 1000)::float8 as at
     from revocations where session_id = any($1::uuid[])`,
  )
  const rows = await aside.hallpass.store.database.query(read, [doomed.map(({ sid }) => sid)])
  return new Map(rows.map(({ sid, at }) => [sid, at]))
}

/** User and system time so far (proc(5)). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function print(rows: readonly Result[]): void {
  const three = (latencies: readonly number[]): string => {
    const sorted = latencies.toSorted((one, other) => one - other)
    return [0.5, 0.99, 1].map((share) => quantile(sorted, share).toFixed(1)).join(' | ')
  }
  console.log(`Node ${process.version}, ${cpus().length} processors, ${SECONDS} s at ${RATE} a second; milliseconds\n`)
  console.log(
    '| followers | revocations | since the answer: median | p99 | max | since the commit: median | p99 | max | never told | server CPU |',
  )
  console.log('|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|')
  for (const { followers, load, sinceAnswer, sinceCommit, lost, cpu } of rows) {
    console.log(
      `| ${followers} | ${load} | ${three(sinceAnswer)} | ${three(sinceCommit)} | ${lost} | ${Math.round(cpu * 100)} % |`,
    )
  }
}
