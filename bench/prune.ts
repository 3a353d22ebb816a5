/**
 * What refreshing feels of pruning: a million sessions that are over for long, a hundred thousand that are live
 * among them, and devices that refresh at a steady rate before, during and after.
 *
 *   npm run bench:prune
 *   npm run bench:prune -- --rows 100000 --seconds 5
 *
 * One server process on a durable PostgreSQL of its own (or TEST_DATABASE_URL). It is pruned from this process,
 * as `hallpass sessions prune` does it and as upkeep does in turns of a minute.
 */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { statement } from '../src/server/database/database.ts'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { startProcess } from '../test/support/processes.ts'
import { startServer } from '../test/support/server.ts'
import { createSession, createUser } from '../test/support/sessions.ts'
import { quantile } from './report/quantiles.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '300' },
  },
})
const ROWS = Number(values.rows)
const SECONDS = Number(values.seconds)
/** Refreshes a second, whether or not those before were answered. */
const RATE = Number(values.rate)
/** Each waits for its answer before it refreshes again. */
const DEVICES = 1_000

/** Refreshes that were answered 503. */
let putOff = 0

const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const postgres = await startPostgres({ durable: true })
const databaseUrl = await postgres.createDatabase()
const server = await startProcess(databaseUrl, { HALLPASS_RATE_LIMITS: 'off' })
const aside = await startServer('postgresql', { DATABASE_URL: databaseUrl })
const { database } = aside.hallpass.store
try {
  await load()
  const devices = await makeDevices()
  const sizeBefore = await size()

  print('before', await refreshFor(devices, sleep(SECONDS * 1000)))
  const begin = performance.now()
  let pruned = 0
  const pruning = aside.hallpass.pruning.pruneAll().then((count) => void (pruned = count))
  print('during', await refreshFor(devices, pruning))
  const took = (performance.now() - begin) / 1000
  print('after', await refreshFor(devices, sleep(SECONDS * 1000)))

  console.log(`${pruned} rows in ${took.toFixed(1)} s: ${Math.round(pruned / took)} rows a second`)
  console.log(`put off (503): ${putOff}`)
  console.log(`sessions with its index: ${sizeBefore} before, ${await size()} after`)
} finally {
  await aside.stop()
  await server.stop()
  await postgres.stop()
  await stopSharedMailServer()
  agent.destroy()
}

/** Ten that are over to each that is live, ten to a user; as the clock would have left them. */
async function load(): Promise<void> {
  // By hand, in statements that take longer than a service would let them.
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  // The server's own upkeep is not to begin with it, too.
  await client.query(`insert into upkeep (task, next_at) values ('sessions', 'infinity')`)
  await client.query(
    `insert into sessions (
       user_id, id, secret_hash, idempotency_hashes, client_id, transport, persistent, amr, authenticated_at,
       created_at, last_used_at, idle_expires_at, absolute_expires_at, device_label, device_type, browser_name,
       os_name, user_agent, ip_first, ip_last)
     select md5((row / 10)::text)::uuid, gen_random_uuid(), sha256(row::text::bytea), decode(repeat('00', 64), 'hex'),
       'default', 'body', true, '{pwd}', at, at, at, at + interval '30 days', at + interval '365 days',
       'Chrome on Windows', 'desktop', 'Chrome', 'Windows', repeat('Mozilla/5.0 ', 10), '198.51.100.0/24', '198.51.100.0/24'
     from generate_series(1, $1::int) as row,
       lateral (select now() - case when row % 11 = 0 then interval '1 hour' else interval '70 days' end as at) as age`,
    [Math.round(ROWS * 1.1)],
  )
  await client.query('vacuum analyze sessions')
  await client.query('checkpoint')
  await client.end()
}

async function makeDevices(): Promise<string[]> {
  const tokens: string[] = []
  while (tokens.length < DEVICES) {
    const made = await Promise.all(
      Array.from({ length: 20 }, async () => createSession(aside, await createUser(aside))),
    )
    tokens.push(...made.map(({ refreshToken }) => refreshToken))
  }
  return tokens
}

/**
 * @param idle tokens of the devices that wait for their turn
 * @returns the milliseconds of each refresh, in order of size
 */
async function refreshFor(idle: string[], work: Promise<unknown>): Promise<number[]> {
  let isOver = false
  const over = work.then(() => (isOver = true))
  const times: number[] = []
  const underWay = new Set<Promise<void>>()
  const begin = performance.now()
  for (let count = 0; !isOver; count += 1) {
    const wait = begin + (count * 1000) / RATE - performance.now()
    await Promise.race([sleep(Math.max(wait, 0)), over])
    const token = idle.shift()
    if (token === undefined) continue
    const refreshing = refreshOne(token, idle).then((time) => void times.push(time))
    underWay.add(refreshing)
    void refreshing.finally(() => underWay.delete(refreshing))
  }
  await Promise.all(underWay)
  return times.toSorted((one, other) => one - other)
}

async function refreshOne(token: string, idle: string[]): Promise<number> {
  const begin = performance.now()
  const answer = await post(new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }))
  if (answer.refresh_token === undefined) putOff += 1
  idle.push(answer.refresh_token ?? token)
  return performance.now() - begin
}

/** @returns nothing where it was put off (503) */
function post(form: URLSearchParams): Promise<{ refresh_token?: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const sent = request(`${server.url}/oauth/token`, { method: 'POST', headers, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as { refresh_token: string })
        else if (response.statusCode === 503) resolve({})
        else reject(new Error(text))
      })
    })
    sent.on('error', reject)
    sent.end(form.toString())
  })
}

async function size(): Promise<string> {
  const read = statement<{ size: string }>(
    'bench.size',
    `select pg_size_pretty(pg_total_relation_size('sessions')) as size`,
  )
  return (await database.query(read, []))[0]?.size ?? ''
}

function print(when: string, times: readonly number[]): void {
  const at = (share: number): string => quantile(times, share).toFixed(1)
  console.log(
    `${when.padEnd(6)}  ${times.length} refreshes: median ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`,
  )
}
