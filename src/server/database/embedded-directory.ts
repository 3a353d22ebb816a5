/**
 * PGlite's files on disk: made at the first start, opened at every later one.
 *
 * The first start makes them in `database.new` and gives them their name when they are complete, so
 * that whatever a killed first start leaves is known to hold nothing. What is in `database` may be
 * somebody's accounts: it is never deleted, and moved only when nobody can have used it.
 */
import { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { DatabaseNotOpened } from './database-not-opened.ts'

/**
 * Opens the embedded database, and makes it where there is none. The first start takes seconds.
 *
 * Rows have dates as Date, int8 as number, bytea as Uint8Array, json parsed. After a refusal the
 * process should end: PGlite leaves an instance behind that cannot be closed.
 *
 * @param directory absolute path of the data directory, whose lock the caller holds; or `memory://`
 * @param log hears what was made, removed or set aside, in whole sentences
 * @param memoryFrom what `memory://` begins with, a dump by PGlite's `dumpDataDir`, which takes a second in place of four
 * @throws {DatabaseNotOpened} when there is a database of another PostgreSQL version, or a damaged one
 */
export async function openEmbedded({
  directory,
  log,
  memoryFrom,
}: {
  directory: string
  log: (message: string) => void
  memoryFrom?: Blob | undefined
}): Promise<PGlite> {
  if (directory === 'memory://') {
    return PGlite.create('memory://', memoryFrom ? { ...options, loadDataDir: memoryFrom } : options)
  }

  const path = join(directory, 'database')
  removeUnfinished(`${path}.new`, log)
  if (isThere(path)) setAsideUnlessDatabase(path, log)
  if (!isThere(path)) await make(path, log)
  return open(path)
}

/** What PG_VERSION says in a directory that this PGlite can read. */
const POSTGRES_MAJOR = '18'

const options = {
  startParams: [
    ...PGlite.defaultStartParams,
    '-c',
    'shared_buffers=16MB',
    // Its timer outlives a recovery and fires for ever: a process that did not close could never end.
    '-c',
    'log_startup_progress_interval=0',
  ],
  parsers: { 20: Number },
}

/** The first OID that PostgreSQL gives to what users create; all below belongs to a fresh cluster. */
const FIRST_USER_OID = 16384

function removeUnfinished(path: string, log: (message: string) => void): void {
  if (!isThere(path)) return
  rmSync(path, { recursive: true, force: true })
  log(`An earlier first start was interrupted. What it left in ${path} held nothing yet and was removed.`)
}

function setAsideUnlessDatabase(path: string, log: (message: string) => void): void {
  const version = versionOf(path)
  if (version !== undefined && version !== POSTGRES_MAJOR) {
    throw new DatabaseNotOpened(
      path,
      `it was made by PostgreSQL ${version || '(its PG_VERSION is empty)'}, and this version of Hallpass reads ` +
        `${POSTGRES_MAJOR} only. Export it with the version that made it and import it into a new one.`,
    )
  }
  if (version !== undefined && isThere(join(path, 'global', 'pg_control'))) return

  const missing = version === undefined ? 'PG_VERSION' : 'global/pg_control'
  if (hasUserTables(path)) {
    throw new DatabaseNotOpened(path, `${missing} is missing, but there are tables. Restore it from a backup.`)
  }
  const aside = `${path}.broken-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
  attempt(path, () => renameSync(path, aside))
  log(`${path} was no database (${missing} is missing) and is now ${aside}. A new database is made in its place.`)
}

function versionOf(path: string): string | undefined {
  if (!attempt(path, () => statSync(path)).isDirectory()) throw new DatabaseNotOpened(path, 'it is not a directory.')
  const file = join(path, 'PG_VERSION')
  return isThere(file) ? attempt(path, () => readFileSync(file, 'utf8')).trim() : undefined
}

/** Files of tables are `base/<database>/<number>`, with suffixes for their forks and segments. */
function hasUserTables(path: string): boolean {
  const base = join(path, 'base')
  if (!isThere(base)) return false
  return attempt(path, () => readdirSync(base, { recursive: true, encoding: 'utf8' })).some(
    (file) => Number(/^\d+\/(\d+)/.exec(file)?.[1] ?? 0) >= FIRST_USER_OID,
  )
}

async function make(path: string, log: (message: string) => void): Promise<void> {
  const unfinished = `${path}.new`
  log(`Making the embedded database in ${path}, which takes a few seconds.`)
  // PGlite would make it readable for everybody.
  attempt(path, () => mkdirSync(unfinished, { mode: 0o700 }))
  const pglite = await open(unfinished)
  await pglite.close()
  attempt(path, () => renameSync(unfinished, path))
}

async function open(path: string): Promise<PGlite> {
  // PGlite does not follow a link there, and the directory may lie on another disk.
  const files = new AudibleFiles(attempt(path, () => realpathSync(path)))
  try {
    return await PGlite.create({ ...options, dataDir: path, fs: files })
  } catch (error) {
    throw new DatabaseNotOpened(path, files.complaint() ?? inspect(error, { depth: 0 }), error)
  } finally {
    files.isOpening = false
  }
}

/** PGlite says no more than that it failed; PostgreSQL says why, on the standard error output it has there. */
class AudibleFiles extends NodeFS {
  isOpening = true
  readonly #lines: string[] = []

  override async init(...[pglite, settings]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const printErr = (line: string) => {
      // Later lines may quote statements, and nobody reads them.
      if (this.isOpening) this.#lines.push(line)
    }
    return super.init(pglite, { ...settings, printErr })
  }

  complaint(): string | undefined {
    const said = this.#lines.filter((line) => /\b(FATAL|PANIC|DETAIL|HINT|could not)\b/.test(line))
    return said.length > 0
      ? said.map((line) => line.replace(/^.*?(?=FATAL|PANIC|DETAIL|HINT)/, '')).join(' ')
      : undefined
  }
}

/** What cannot be looked at is not taken for missing: a dangling link or a lost permission is no reason to start anew. */
function isThere(path: string): boolean {
  return attempt(path, () => lstatSync(path, { throwIfNoEntry: false })) !== undefined
}

function attempt<Result>(path: string, action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    throw new DatabaseNotOpened(path, error instanceof Error ? `${error.message}.` : String(error), error)
  }
}
