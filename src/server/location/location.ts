/** Where an address is, by an operator's GeoIP database (MaxMind DB, `.mmdb`), which is followed when its file changes. */
import { readFileSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import ipaddr from 'ipaddr.js'
import { Reader, type CityResponse } from 'mmdb-lib'
import type { Logger } from 'pino'
import { ConfigError } from '../config.ts'
import { nameOf } from '../errors.ts'

/** Names in English. */
export interface Place {
  readonly city: string | null
  readonly country: string | null
  /** ISO 3166-1, to compare countries by. */
  readonly code: string | null
}

/** Asks nobody. @returns null where nothing is known, and without a database */
export type Locate = (ip: string | null) => Place | null

export interface Location {
  readonly locate: Locate
  /** Reads the file if it is another one than was read last. A broken one leaves the old one in use. */
  reload(): Promise<void>
  stop(): void
}

/** Milliseconds. */
const LOOK_EVERY = 10_000

/**
 * @param path null for none
 * @throws {ConfigError} the file is not there, or is no database
 */
export function createLocation({ path, log }: { path: string | null; log: Logger }): Location {
  if (path === null) return { locate: () => null, reload: () => Promise.resolve(), stop: () => undefined }
  let version = ''
  let database = readFirst(path)
  /** One look at a time. */
  let looking: Promise<void> | undefined

  function readFirst(file: string): Database {
    try {
      version = versionOf(statSync(file))
      return open(readFileSync(file))
    } catch (error) {
      throw new ConfigError([`HALLPASS_GEOIP_DB names ${file}, which ${reasonOf(error)}`])
    }
  }

  async function look(file: string): Promise<void> {
    let found = 'none'
    try {
      found = versionOf(await stat(file))
      if (found === version) return
      database = open(await readFile(file))
      log.info({ event: 'geoip_reloaded', built: database.metadata.buildEpoch }, 'reads places from a newer file')
    } catch (error) {
      // Said once for each file that is not good.
      if (found !== version)
        log.error({ failure: nameOf(error) }, `HALLPASS_GEOIP_DB ${reasonOf(error)}; goes on with the one before`)
    }
    version = found
  }

  const reload = (): Promise<void> => (looking ??= look(path).finally(() => (looking = undefined)))
  const timer = setInterval(() => void reload(), LOOK_EVERY).unref()
  return { locate: (ip) => placeIn(database, ip), reload, stop: () => clearInterval(timer) }
}

type Database = Reader<CityResponse>

const versionOf = ({ mtimeMs, size, ino }: { mtimeMs: number; size: number; ino: number }): string =>
  [mtimeMs, size, ino].join(' ')

/** @throws for what is none: also for one that was cut off, since what describes it stands at its end */
function open(file: Buffer): Database {
  const database = new Reader<CityResponse>(file)
  const { nodeCount, searchTreeSize, binaryFormatMajorVersion } = database.metadata
  if (binaryFormatMajorVersion !== 2 || !(nodeCount > 0) || searchTreeSize > file.length)
    throw new Error('not a database')
  placeOf(database.get('192.0.2.1'))
  return database
}

const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error
    ? `cannot be read (${String(error.code)})`
    : 'is not a MaxMind DB file (.mmdb)'

function placeIn(database: Database, ip: string | null): Place | null {
  if (ip === null || !ipaddr.isValid(ip)) return null
  const address = ipaddr.process(ip)
  // A tree of IPv4 alone would answer for the first 32 bits.
  if (address.kind() === 'ipv6' && database.metadata.ipVersion === 4) return null
  try {
    return placeOf(database.get(address.toString()))
  } catch {
    return null // a database that is broken in this place
  }
}

function placeOf(found: CityResponse | null): Place | null {
  const place = {
    city: textOf(found?.city?.names?.en),
    country: textOf(found?.country?.names?.en),
    code: textOf(found?.country?.iso_code),
  }
  return place.city === null && place.country === null && place.code === null ? null : place
}

/** A file of another kind may hold anything there. */
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
