/** How often requests ask PostgreSQL, and how long the answer to a refresh is. */
import pg from 'pg'
import { refresh, register, send, signIn } from '../../test/support/people.ts'
import { startServer } from '../../test/support/server.ts'
import type { Figure } from './figure.ts'

/** What the service does by itself meanwhile is counted too: the least of several is the request's own. */
const ATTEMPTS = 5

/** @param databaseUrl an empty database */
export async function countStatements(databaseUrl: string): Promise<Figure[]> {
  const server = await startServer('postgresql', { DATABASE_URL: databaseUrl, HALLPASS_RATE_LIMITS: 'on' })
  const { url } = server
  const statements = countAll()
  const leastOf = async (request: () => Promise<unknown>): Promise<number> => {
    const counts: number[] = []
    while (counts.length < ATTEMPTS) counts.push(await statements.during(request))
    return Math.min(...counts)
  }
  try {
    const email = await register(url)
    const device = await signIn(url, email)
    let answer = await refresh(url, device.refreshToken)
    const ofRefresh = await leastOf(async () => (answer = await refresh(url, answer.body.refresh_token)))
    const ofSignIn = await leastOf(() => signIn(url, email))
    const ofList = await leastOf(() => send(`${url}/v1/sessions`, { token: device.accessToken }))
    return [
      { name: 'refresh', value: ofRefresh, unit: 'statements', allowed: 0 },
      // What tells the owner's other devices may be among them or not.
      { name: 'sign-in', value: ofSignIn, unit: 'statements', allowed: 0.1 },
      { name: 'list of sessions', value: ofList, unit: 'statements', allowed: 0 },
      { name: 'answer to a refresh', value: JSON.stringify(answer.body).length, unit: 'bytes', allowed: 0 },
    ]
  } finally {
    statements.stop()
    await server.stop()
  }
}

/** Of this process, by whatever way: the port, MikroORM, transactions. */
function countAll(): { during(request: () => Promise<unknown>): Promise<number>; stop(): void } {
  const prototype = pg.Client.prototype as { query: (...args: unknown[]) => unknown }
  const { query } = prototype
  let count = 0
  prototype.query = function (...args) {
    count += 1
    return query.apply(this, args)
  }
  return {
    async during(request) {
      const before = count
      await request()
      return count - before
    },
    stop: () => void (prototype.query = query),
  }
}
