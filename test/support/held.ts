/** A second connection to the database, which holds others up: what is a race elsewhere happens in order here. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

export interface SecondConnection {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** Whether `count` others wait for a lock now, or do so before `work` has come to its end. */
  isWaitedForBy(work: Promise<unknown>, count?: number): Promise<boolean>
  /** Until a second of the database's clock has a third to go. */
  untilLateInASecond(): Promise<void>
  /** Until that second is over. */
  untilItIsOver(): Promise<void>
  end(): Promise<void>
}

export async function connectTo(databaseUrl: string | null): Promise<SecondConnection> {
  const client = new pg.Client({ connectionString: databaseUrl ?? '', application_name: 'hallpass tests' })
  client.on('error', () => undefined) // the next query says so
  await client.connect()

  const query = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query<Row>(text, values)).rows

  const waiting = async (): Promise<number> => {
    await query('select pg_stat_clear_snapshot()') // inside a transaction the first look would be kept
    const [row] = await query<{ count: string }>(
      `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return Number(row?.count)
  }

  const second = async (): Promise<number> => {
    const [row] = await query<{ second: number }>('select floor(extract(epoch from clock_timestamp()))::int as second')
    return row?.second ?? 0
  }
  let late = 0

  return {
    query,
    async untilLateInASecond() {
      await query(`select pg_sleep_until(date_trunc('second', clock_timestamp() + '0.3 s') + '0.7 s')`)
      late = await second()
    },
    async untilItIsOver() {
      while ((await second()) === late) await delay(5)
    },
    async isWaitedForBy(work, count = 1) {
      let isSettled = false
      const settle = (): void => void (isSettled = true)
      work.then(settle, settle)
      while (!isSettled) {
        if ((await waiting()) >= count) return true
        await delay(2)
      }
      return false
    },
    end: () => client.end(),
  }
}
