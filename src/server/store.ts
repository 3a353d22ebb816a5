/** Whichever store the configuration names, opened, migrated, and with the secret that belongs to it. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import { DirectoryUnusable, lockDirectory, type DirectoryLock } from './database/directory-lock.ts'
import type { overPglite } from './database/embedded.ts'
import { migrateEmbedded, migratePostgres } from './database/migrate.ts'
import { openPostgres } from './database/postgres.ts'
import { MEMORY } from './settings/paths.ts'
import { weaknessOf } from './settings/secrets.ts'

export interface Store {
  readonly database: Database
  readonly secret: string
  /** Of the data directory; null where there is none. */
  readonly lock: DirectoryLock | null
  close(): Promise<void>
}

/**
 * @throws {DirectoryInUse} the embedded store belongs to another process
 * @throws {Unavailable} the database cannot be reached
 */
export function openStore(
  config: Config,
  log: Logger,
  options: { migrate: boolean; memoryFrom?: Blob | undefined },
): Promise<Store> {
  return config.databaseUrl === null
    ? openDirectory(config, log, options.memoryFrom)
    : openServer(config, config.databaseUrl, log, options)
}

async function openServer(config: Config, url: string, log: Logger, { migrate }: { migrate: boolean }): Promise<Store> {
  const { databaseDirectUrl: directUrl, databasePooling: pooling, databaseConnections: connections } = config
  if (config.secret === null) throw new Error('the configuration lets no database through without a secret')
  if (migrate) {
    for (const name of await migratePostgres(directUrl ?? url)) log.info({ migration: name }, 'migrated')
  }
  const onError = (error: Error): void => log.warn({ failure: error.message }, 'database connection')
  const database = await openPostgres(url, onError, { directUrl, pooling, connections })
  return { database, secret: config.secret, lock: null, close: () => database.close() }
}

async function openDirectory(config: Config, log: Logger, memoryFrom: Blob | undefined): Promise<Store> {
  const directory = config.dataDir
  const lock = directory === MEMORY ? null : lockDirectory(directory, { pid: process.pid })
  let database: Awaited<ReturnType<typeof overPglite>> | undefined
  try {
    const secret = config.secret ?? (directory === MEMORY ? newSecret() : secretOf(directory))
    // PostgreSQL in the process, which a process on a server of its own never loads.
    const { openEmbedded } = await import('./database/embedded-directory.ts')
    const { overPglite } = await import('./database/embedded.ts')
    const pglite = await openEmbedded({ directory, log: (message) => log.warn(message), memoryFrom })
    const opened = await overPglite(pglite, (error) => log.warn({ failure: error.message }, 'database notification'))
    database = opened
    await migrateEmbedded(opened.orm)
    return {
      database: opened,
      secret,
      lock,
      async close() {
        await opened.close()
        lock?.release()
      },
    }
  } catch (error) {
    await database?.close()
    lock?.release()
    throw error
  }
}

/**
 * Made once, kept beside the data and readable by its owner alone. It gets its name when it is complete,
 * so that a start that was cut short leaves no half of it.
 */
function secretOf(directory: string): string {
  const file = join(directory, 'secret')
  if (!existsSync(file)) {
    const made = openSync(`${file}.new`, 'w', 0o600)
    writeSync(made, `${newSecret()}\n`)
    fsyncSync(made)
    closeSync(made)
    renameSync(`${file}.new`, file)
  }
  const secret = readFileSync(file, 'utf8').trim()
  const weakness = weaknessOf(secret)
  if (weakness !== null) throw new DirectoryUnusable(directory, new Error(`the file secret in it ${weakness}`))
  return secret
}

const newSecret = (): string => randomBytes(32).toString('base64url')
