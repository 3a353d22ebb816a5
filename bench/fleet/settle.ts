import type pg from 'pg'

/** After a table was filled: as it stands in a service that has been running for a while, with nothing left to be written. */
export async function settle(client: pg.Client): Promise<void> {
  await client.query('vacuum (analyze)')
  await client.query('checkpoint')
}
