/** Standing between a server and its database, for the time of some work. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Database } from '../../src/server/database/database.ts'
import { Unavailable } from '../../src/server/errors.ts'
import type { TestServer } from './server.ts'

/** Whether what runs now runs for a request: mails, the feed and sweepers ask the database by themselves. */
const request = new AsyncLocalStorage<true>()
subscribe('http.server.request.start', () => request.enterWith(true))

/** How often requests ask the database meanwhile, in whichever way. */
export async function countQueries(server: TestServer, work: () => Promise<void>): Promise<number> {
  let count = 0
  const counted = <Result>(answer: Result): Result => {
    if (request.getStore() === true) count += 1
    return answer
  }
  await replacing(server, work, (database) => ({
    query: (statement, values) => counted(database.query(statement, values)),
    transaction: (part) => counted(database.transaction(part)),
    unitOfWork: (part) => counted(database.unitOfWork(part)),
  }))
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
