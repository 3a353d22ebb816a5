/** Filling a database, and leaving it as it stands in a service that has been running for a while. */
import pg from 'pg'

/** Afterwards nothing is left to be cleaned or written that a measurement would pay for. */
export async function filling(databaseUrl: string, fill: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  // When the run is interrupted; whatever is under way fails, and says so.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(`set statement_timeout = 0`) // for a pooler in transaction mode the role brings ours
    await fill(client)
    await client.query('vacuum (analyze)')
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}
