/**
 * What a server process is to the feed: it follows, as every process does, and writes its share of revocations,
 * which it announces after their commit. Without HTTP and without followers of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createLog } from '../../src/server/log.ts'
import { statement } from '../../src/server/database/database.ts'
import { openPostgres } from '../../src/server/database/postgres.ts'
import { createNotifyBus } from '../../src/server/revocations/bus.ts'
import { REVOCATIONS_CHANNEL } from '../../src/server/revocations/ending-sessions.ts'
import { createFeed } from '../../src/server/revocations/feed.ts'

export type ToProcess = { readonly rate: number; readonly seconds: number } | { readonly tell: true }

export type FromProcess =
  | { readonly isReady: true }
  | { readonly written: number }
  /** From a revocation's own time, a moment before its commit, to the reading that brought it. Milliseconds. */
  | { readonly delays: readonly number[] }

/** Seconds. */
const ACCESS_TTL = 300
/** Of a process that does little else; so many write at once. */
const CONNECTIONS = 4

const [, , databaseUrl = ''] = process.argv
const database = await openPostgres(databaseUrl, () => undefined, { connections: CONNECTIONS })
const feed = createFeed({
  database,
  bus: createNotifyBus(database),
  accessTtl: ACCESS_TTL,
  log: createLog('silent'),
})
let delays: number[] = []
feed.subscribe(({ news }) => {
  const now = Date.now()
  for (const { revokedAt } of news) delays.push(now - revokedAt)
})
await feed.start()
delays = []

process.on('message', (message: ToProcess) => {
  if ('tell' in message) {
    say({ delays })
    delays = []
  } else {
    void write(message.rate, message.seconds).then((written) => say({ written }))
  }
})
say({ isReady: true })

/** At a steady rate, as far as connections are free. @returns how many were committed */
async function write(rate: number, seconds: number): Promise<number> {
  const underWay = new Set<Promise<unknown>>()
  const begin = performance.now()
  let written = 0
  for (let count = 0; count < rate * seconds; count += 1) {
    const wait = begin + ((count + Math.random()) * 1000) / rate - performance.now()
    if (wait >= 1) await sleep(wait)
    if (performance.now() - begin > seconds * 1000) break
    while (underWay.size >= CONNECTIONS) await Promise.race(underWay)
    const writing: Promise<void> = database
      .query(insertEntry, [])
      .then(
        () => void (written += 1),
        () => undefined, // put off: there are fewer then
      )
      .finally(() => underWay.delete(writing))
    underWay.add(writing)
  }
  await Promise.all(underWay)
  return written
}

function say(message: FromProcess): void {
  process.send?.(message)
}

const insertEntry = statement(
  'bench.insert_entry',
  `insert into revocations (session_id, user_id, kind, reason, issued_until, until)
   select gen_random_uuid(), gen_random_uuid(), 'revoked', 'signed_out', now, now + interval '6 minutes'
   from clock_timestamp() as now
   returning position`,
  { announces: REVOCATIONS_CHANNEL },
)
