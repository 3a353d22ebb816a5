/** PostgreSQL's first process, which has started all others: the parent of whichever serves a connection. */
import pg from 'pg'
import { processes } from './processor-time.ts'

/** @returns null when the database runs on another machine */
export async function findDatabaseProcess(databaseUrl: string): Promise<number | null> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const all = processes()
    const parent = all.get(all.get(rows[0]?.pid ?? 0)?.parent ?? 0)
    return parent?.name.startsWith('postgres') ? parent.pid : null
  } finally {
    await client.end()
  }
}
