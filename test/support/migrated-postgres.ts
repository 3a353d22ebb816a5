/** Databases with every table and nothing in it: the tables are made once for each PostgreSQL, and copied. */
import { migratePostgres } from '../../src/server/database/migrate.ts'
import { sharedPostgres, type Postgres } from './postgres.ts'

/** @returns the URL */
export async function createMigratedDatabase(server?: Postgres): Promise<string> {
  const postgres = server ?? (await sharedPostgres())
  const original = originals.get(postgres) ?? migrate(postgres)
  originals.set(postgres, original)
  return postgres.createDatabase(await original)
}

const originals = new WeakMap<Postgres, Promise<string>>()

async function migrate(postgres: Postgres): Promise<string> {
  const url = await postgres.createDatabase()
  await migratePostgres(url)
  return url
}
