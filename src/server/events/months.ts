/**
 * The history's months: each is a table of its own, made ahead of time and dropped when it is old. Months are
 * those of UTC, and `events_2026_11` is November's. `events_default` takes what no month was made for.
 */
import { statement, type Database, type Statement } from '../database/database.ts'

/** How many are ready beside the one that is on. */
const AHEAD = 2
/** Whoever waits for the history's lock holds up everybody behind: give up soon, and come again. Milliseconds. */
const LOCK_TIMEOUT = 200

/**
 * Drops what is wholly over, makes the months to come, and gives those their own that were not foreseen.
 * @param retention how long events are kept, seconds
 * @throws {Unavailable} somebody held the history; what was done until then stays done
 */
export async function keepMonths(database: Pick<Database, 'query' | 'transaction'>, retention: number): Promise<void> {
  const [clock] = await database.query(readClock, [retention])
  if (clock === undefined) throw new Error('a clock has one row')
  const tables = (await database.query(listMonths, [])).map(({ name }) => name)
  for (const table of tables) {
    if (table < tableOf(clock.oldest)) await database.transaction((tx) => inHaste(tx, [dropMonth(table)]))
  }
  await database.query(removeOldStrays, [`${clock.oldest}-01T00:00:00Z`])

  const strays = (await database.query(listStrays, [])).map(({ month }) => month)
  const coming = Array.from({ length: AHEAD + 1 }, (_, index) => addMonths(clock.month, index))
  for (const month of new Set([...coming, ...strays])) {
    if (!tables.includes(tableOf(month))) await makeMonth(database, month)
  }
}

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

/**
 * Beside the history first, then attached: so that writers to other months wait for nothing. What is in the
 * default table of it is moved; nobody may put more of it there meanwhile, or it could not be attached.
 */
const makeMonth = (database: Pick<Database, 'transaction'>, month: string): Promise<void> =>
  database.transaction((tx) => {
    const table = tableOf(month)
    const range = `from ('${month}-01T00:00:00Z') to ('${addMonths(month, 1)}-01T00:00:00Z')`
    return inHaste(tx, [
      statement('events.lock_default', 'lock table events_default in access exclusive mode'),
      statement(`events.make_${table}`, `create table ${table} (like events including all)`),
      statement(
        `events.fill_${table}`,
        `with moved as (
           delete from events_default
           where created_at >= '${month}-01T00:00:00Z' and created_at < '${addMonths(month, 1)}-01T00:00:00Z'
           returning *
         )
         insert into ${table} select * from moved`,
      ),
      statement(`events.attach_${table}`, `alter table events attach partition ${table} for values ${range}`),
    ])
  })

const dropMonth = (table: string): Statement<never> => statement(`events.drop_${table}`, `drop table ${table}`)

async function inHaste(tx: Transaction, statements: readonly Statement<never>[]): Promise<void> {
  await tx.query(hasten, [String(LOCK_TIMEOUT)])
  for (const each of statements) await tx.query(each, [])
}

/** @param month as `2026-11` */
const tableOf = (month: string): string => `events_${month.replace('-', '_')}`

function addMonths(month: string, count: number): string {
  const [year = 0, number = 0] = month.split('-').map(Number)
  return new Date(Date.UTC(year, number - 1 + count)).toISOString().slice(0, 7)
}

/** The month that is on, and the oldest of which something is kept, as `2026-11`. */
const readClock = statement<{ month: string; oldest: string }>(
  'events.read_clock',
  `select to_char(now() at time zone 'UTC', 'YYYY-MM') as month,
     to_char((now() - make_interval(secs => $1::float8)) at time zone 'UTC', 'YYYY-MM') as oldest`,
)

/** Those that we name, and no other table that an operator may have attached. */
const listMonths = statement<{ name: string }>(
  'events.list_months',
  `select relname::text as name from pg_inherits join pg_class on pg_class.oid = inhrelid
   where inhparent = 'events'::regclass and relname ~ '^events_[0-9]{4}_[0-9]{2}$' order by relname`,
)

const listStrays = statement<{ month: string }>(
  'events.list_strays',
  `select distinct to_char(created_at at time zone 'UTC', 'YYYY-MM') as month from events_default order by month`,
)

const removeOldStrays = statement(
  'events.remove_old_strays',
  'delete from events_default where created_at < $1::timestamptz',
)

const hasten = statement('events.hasten', `select set_config('lock_timeout', $1::text, true)`)
