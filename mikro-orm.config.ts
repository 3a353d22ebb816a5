/**
 * MikroORM's configuration, for its command line (`npx mikro-orm migration:list`) and for the server
 * alike: one list of entities, one list of migrations, and whichever store the environment names.
 */
import type { PGlite } from '@electric-sql/pglite'
import { Migrator } from '@mikro-orm/migrations'
import { defineConfig as definePostgres } from '@mikro-orm/postgresql'
import type { PoolConfig } from 'pg'
import { migrations } from './migrations/index.ts'
import { Client } from './src/server/clients/client.entity.ts'
import { loadEnvironment, readConfig } from './src/server/config.ts'
import { lockDirectory } from './src/server/database/directory-lock.ts'
import { SigningKey } from './src/server/tokens/signing-key.entity.ts'
import { User } from './src/server/users/user.entity.ts'
import { Webhook } from './src/server/webhooks/webhook.entity.ts'

const shared = {
  entities: [Client, SigningKey, User, Webhook],
  extensions: [Migrator],
  migrations: { migrationsList: migrations, tableName: 'migrations', snapshot: false, silent: true },
  forceUtcTimezone: true,
  // The unit of work writes parameters into SQL text: nothing of it is ever logged.
  debug: false,
}

/**
 * The driver reads the URL itself: MikroORM would take host and name from it, and drop `sslmode`.
 * @param pool settings of the driver's pool, time-outs included
 */
export const postgresOptions = (url: string, pool: PoolConfig) =>
  definePostgres({ ...shared, clientUrl: url, driverOptions: { connectionString: url, ...pool } })

/**
 * Its driver is loaded only here: a process on PostgreSQL does without.
 * @param open gives an opened store whose directory is locked by this process
 */
export async function embeddedOptions(open: () => Promise<PGlite>) {
  const { defineConfig } = await import('@mikro-orm/pglite')
  return defineConfig({ ...shared, dbName: 'postgres', driverOptions: { pglite: open } })
}

export default async function forCommandLine() {
  const config = readConfig(loadEnvironment(process.cwd()))
  if (config.databaseUrl !== null) return postgresOptions(config.databaseDirectUrl ?? config.databaseUrl, {})
  lockDirectory(config.dataDir, { pid: process.pid })
  const { openEmbedded } = await import('./src/server/database/embedded-directory.ts')
  return embeddedOptions(() => openEmbedded({ directory: config.dataDir, log: console.error })) // eslint-disable-line no-console -- a command line's own output
}
