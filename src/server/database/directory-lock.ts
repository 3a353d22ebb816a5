/**
 * Who may open the embedded database: one process at a time. Two on one directory would silently
 * lose rows, so nobody opens it without this lock.
 *
 * In the data directory: `lock.db` (the lock), `holder.json` (who has it, for people to read),
 * `database/` (PGlite's own files).
 *
 * The lock is the kernel's, on the file `lock.db`: it goes away with the process that took it, however
 * that ends, and cannot be taken from one that lives. Nobody may ever delete `lock.db`, not even when
 * it looks left behind: a lock belongs to the file and not to its name, so a second process would
 * then lock a second file. For the same reason this process must not open and close `lock.db` in any
 * other way, to copy or read it: POSIX drops a process's locks when it closes any descriptor of the file.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface Holder {
  readonly pid: number
  /** Where it is reached, once it listens. */
  readonly address?: string
}

export interface RecordedHolder extends Holder {
  /** RFC 3339, UTC. */
  readonly since: string
}

export interface DirectoryLock {
  /** Tells others more about the holder, such as its address once it listens. */
  update(holder: Holder): void
  /** Close the database first: from here on another process may open it. A second call does nothing. */
  release(): void
}

/** Another process, or another part of this one, has the directory. */
export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse'
  readonly directory: string
  /** Null where the holder has not said yet who it is. */
  readonly holder: RecordedHolder | null

  constructor(directory: string, holder: RecordedHolder | null) {
    super(
      `${directory} is in use by ${inWords(holder)}. Only one process at a time can open an embedded database: ` +
        'stop that one, or give this one a directory of its own (HALLPASS_DATA_DIR).',
    )
    this.directory = directory
    this.holder = holder
  }
}

/** The directory cannot be made, written or locked, whoever else there is. */
export class DirectoryUnusable extends Error {
  override readonly name = 'DirectoryUnusable'
  readonly directory: string

  constructor(directory: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(
      `${directory} cannot be used as data directory: ${reason}. It has to be a directory on a local disk ` +
        `in which the user ${userName()} may create and write files (HALLPASS_DATA_DIR).`,
      { cause },
    )
    this.directory = directory
  }
}

/**
 * Takes the directory for this process, and makes it (mode 0700) where it is missing. Never waits.
 * The lock lasts until it is released or the process ends; child processes do not inherit it.
 *
 * @param directory absolute path
 * @throws {DirectoryInUse} naming the holder
 * @throws {DirectoryUnusable} when it cannot be made or written
 */
export function lockDirectory(directory: string, holder: Holder): DirectoryLock {
  const since = new Date().toISOString()
  const lock = takeLock(directory)
  held.add(lock)

  const isReleased = () => !held.has(lock)
  try {
    record(directory, { ...holder, since })
  } catch (error) {
    held.delete(lock)
    lock.close()
    throw new DirectoryUnusable(directory, error)
  }
  return {
    update(changed) {
      if (!isReleased()) record(directory, { ...changed, since })
    },
    release() {
      if (isReleased()) return
      // First the name and then the lock, or the next holder's name would be removed.
      rmSync(join(directory, HOLDER_FILE), { force: true })
      held.delete(lock)
      lock.close()
    },
  }
}

/**
 * Who said last that it holds the directory. It may be long gone: only a refused lock tells that the
 * directory is in use.
 *
 * @returns null when nobody said so, or nothing readable
 */
export function readHolder(directory: string): RecordedHolder | null {
  try {
    const content: unknown = JSON.parse(readFileSync(join(directory, HOLDER_FILE), 'utf8'))
    return isRecordedHolder(content) ? content : null
  } catch {
    return null
  }
}

const LOCK_FILE = 'lock.db'
const HOLDER_FILE = 'holder.json'

/** Collecting the connection would close its file and drop the lock: what is held is referred to from here. */
const held = new Set<DatabaseSync>()

/** SQLite's primary result code; the driver gives extended codes, which carry it in their low byte. */
const SQLITE_BUSY = 5

function takeLock(directory: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    lock = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 })
    // The transaction is never committed, so the file stays empty. The write in it refuses a file that
    // may only be read: of such a one SQLite takes a shared lock instead and says nothing.
    lock.exec('pragma journal_mode = memory; begin exclusive; pragma user_version = 1')
    return lock
  } catch (error) {
    lock?.close()
    throw isBusy(error) ? new DirectoryInUse(directory, readHolder(directory)) : new DirectoryUnusable(directory, error)
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  'errcode' in error &&
  typeof error.errcode === 'number' &&
  (error.errcode & 0xff) === SQLITE_BUSY

/** In one step, so that nobody reads half of it. */
function record(directory: string, holder: RecordedHolder): void {
  const fresh = join(directory, `${HOLDER_FILE}.new`)
  rmSync(fresh, { force: true })
  writeFileSync(fresh, `${JSON.stringify(holder)}\n`, { mode: 0o600, flag: 'wx' })
  renameSync(fresh, join(directory, HOLDER_FILE))
}

function isRecordedHolder(content: unknown): content is RecordedHolder {
  if (typeof content !== 'object' || content === null) return false
  const { pid, address, since } = content as Record<string, unknown>
  return Number.isInteger(pid) && typeof since === 'string' && (address === undefined || typeof address === 'string')
}

function inWords(holder: RecordedHolder | null): string {
  if (holder === null) return 'another process'
  const place = holder.address === undefined ? '' : ` at ${holder.address}`
  return `the process ${holder.pid}${place}, since ${holder.since}`
}

/** An account without an entry in the password file has a number only. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `with the id ${process.geteuid?.() ?? 'unknown'}`
  }
}
