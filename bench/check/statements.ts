/** How often each request asks PostgreSQL, and how long the answer to a refresh is. */
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
  let answerBytes = 0
  try {
    const email = await register(url)
    const device = await signIn(url, email)
    let { refreshToken } = device
    const requests: Record<string, () => Promise<unknown>> = {
      async refresh() {
        const { body } = await refresh(url, refreshToken)
        refreshToken = body.refresh_token
        answerBytes = JSON.stringify(body).length
      },
      'sign-in': () => signIn(url, email),
      'list of sessions': () => send(`${url}/v1/sessions`, { token: device.accessToken }),
    }
    const figures: Figure[] = []
    for (const [name, request] of Object.entries(requests)) {
      const counts: number[] = []
      while (counts.length < ATTEMPTS) counts.push(await statements.during(request))
      figures.push({ name: `statements of a ${name}`, value: Math.min(...counts), unit: '', allowed: 0 })
    }
    return [...figures, { name: 'answer to a refresh', value: answerBytes, unit: 'bytes', allowed: 0 }]
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
