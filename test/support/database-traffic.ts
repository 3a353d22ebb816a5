/** Standing between a server and its database, for the time of some work. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Database } from '../../src/server/database/database.ts'
import { Unavailable } from '../../src/server/errors.ts'
import type { TestServer } from './server.ts'

/**
 * The counting during which a request began, for all that descends from it. Mails, the feed and sweepers ask
 * the database by themselves, and so does what an earlier request set going.
 */
const countingOf = new AsyncLocalStorage<object | undefined>()
let current: object | undefined
subscribe('http.server.request.start', () => countingOf.enterWith(current))

/** How often requests that begin meanwhile ask the database, in whichever way. */
export async function countQueries(server: TestServer, work: () => Promise<void>): Promise<number> {
  const own = (current = {})
  let count = 0
  const counted = <Result>(answer: Result): Result => {
    if (countingOf.getStore() === own) count += 1
    return answer
  }
  try {
    await replacing(server, work, (database) => ({
      query: (statement, values) => counted(database.query(statement, values)),
      transaction: (part) => counted(database.transaction(part)),
      unitOfWork: (part) => counted(database.unitOfWork(part)),
    }))
  } finally {
    current = undefined
  }
  return count
}

/** The database cannot be reached meanwhile. */
export function withDatabaseAway(server: TestServer, work: () => Promise<void>): Promise<void> {
  const fail = () => Promise.reject(new Unavailable('the connection was lost'))
  return replacing(server, work, () => ({ query: fail, transaction: fail, unitOfWork: fail }))
}

async function replacing(
  { hallpass }: TestServer,
  work: () => Promise<void>,
  other: (database: Database) => Partial<Database>,
): Promise<void> {
  const { database } = hallpass.store
  const itself = { ...database }
  Object.assign(database, other(itself))
  try {
    await work()
  } finally {
    Object.assign(database, itself)
  }
}
