/**
 * Accounts and sessions of another system, in batches, each of which commits by itself: whoever was interrupted runs
 * it again. What is here already is never changed, and an account that no import made gets nobody's sessions.
 */
import { DEFAULT_CLIENT_ID, type Clients } from '../clients/clients.ts'
import type { Client } from '../clients/client.entity.ts'
import type { Database } from '../database/database.ts'
import type { Transport } from '../sessions/session.ts'
import type { Passwords } from '../users/passwords.ts'
import { createImportSessions, type ImportSessions, type SessionCounts } from './importing-sessions.ts'
import { createImportUsers, type ImportUsers, type UserCounts } from './importing-users.ts'
import { Faulty, readSession, readUser, type ImportedSession, type ImportedUser } from './record.ts'
import type { Item, Source } from './source.ts'

export interface ImportOptions {
  /** Counts, and writes nothing. */
  readonly isDry: boolean
  /** Nothing at all is written where anything is faulty. */
  readonly isStrict: boolean
  /** Of the sessions: the application that they are of, and how it keeps its refresh token. */
  readonly clientId: string | null
  readonly transport: Transport
  /** Told where something is not brought, and why; never what it is. */
  readonly say: (where: string, why: string) => void
}

export interface ImportReport {
  readonly users: UserCounts
  readonly sessions: SessionCounts
  /** Not brought, since what was said of them could not be understood. */
  readonly faulty: number
  /** False where nothing was written: a dry run, or a strict one with faults. */
  readonly isWritten: boolean
}

/** @throws with words for people: the source cannot be read, or the client is not registered */
export type RunImport = (source: Source, options: ImportOptions) => Promise<ImportReport>

export interface Terms {
  readonly client: Client
  readonly transport: Transport
  /** Seconds, from now on. */
  readonly absoluteTtl: number
}

/** Whom a dry run would have made, as ids and addresses. */
export interface Made {
  readonly ids: Set<string>
  readonly addresses: Set<string>
}

const BATCH = 500

export function createRunImport(deps: {
  database: Database
  clients: Pick<Clients, 'find'>
  passwords: Pick<Passwords, 'isComparable'>
  settings: { readonly absoluteTtl: number }
}): RunImport {
  const { clients, settings, passwords } = deps

  async function run(source: Source, options: ImportOptions, terms: Terms): Promise<ImportReport> {
    const { say, isDry } = options
    const made: Made = { ids: new Set(), addresses: new Set() }
    const users = createImportUsers({ ...deps, say, made, isDry })
    const sessions = createImportSessions({ ...deps, say, made, isDry, terms })
    let faulty = 0
    for await (const batch of inBatches(source())) {
      faulty += await bring(batch, { users, sessions, say, isComparable: passwords.isComparable })
    }
    return { users: users.counts, sessions: sessions.counts, faulty, isWritten: !isDry }
  }

  return async (source, options) => {
    const client = await clients.find(options.clientId ?? DEFAULT_CLIENT_ID)
    if (client === null) throw new Error('this client is not registered; see: hallpass clients list')
    const terms = { client, transport: options.transport, absoluteTtl: client.absoluteTtl ?? settings.absoluteTtl }
    if (!options.isStrict || options.isDry) return run(source, options, terms)
    const rehearsal = await run(source, { ...options, isDry: true }, terms)
    return rehearsal.faulty > 0 ? rehearsal : run(source, { ...options, say: () => undefined }, terms)
  }
}

/** Accounts before the sessions among them. @returns how many were faulty */
async function bring(
  batch: readonly Item[],
  to: {
    users: ImportUsers
    sessions: ImportSessions
    say: ImportOptions['say']
    isComparable: (hash: string) => boolean
  },
): Promise<number> {
  const users: [string, ImportedUser][] = []
  const sessions: [string, ImportedSession][] = []
  let faulty = 0
  for (const item of batch) {
    try {
      if (item.kind === 'fault') throw new Faulty(item.fault)
      if (item.kind === 'user') users.push([item.where, readUser(item.members, to.isComparable)])
      else sessions.push([item.where, readSession(item.members, item.keptToken)])
    } catch (error) {
      if (!(error instanceof Faulty)) throw error
      faulty += 1
      to.say(item.where, error.message)
    }
  }
  await to.users.bring(users)
  await to.sessions.bring(sessions)
  return faulty
}

async function* inBatches(items: AsyncIterable<Item>): AsyncGenerator<Item[]> {
  let batch: Item[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
