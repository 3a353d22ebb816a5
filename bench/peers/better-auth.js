/** better-auth as its documentation sets it up: accounts by e-mail and password, JWTs by its plugin, PostgreSQL by pg. */
import { createServer } from 'node:http'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { jwt } from 'better-auth/plugins/jwt'
import pg from 'pg'

const { PORT, DATABASE_URL, BETTER_AUTH_SECRET, BETTER_AUTH_URL } = process.env

const auth = betterAuth({
  baseURL: BETTER_AUTH_URL,
  secret: BETTER_AUTH_SECRET,
  database: new pg.Pool({ connectionString: DATABASE_URL, max: 16 }),
  emailAndPassword: { enabled: true },
  // A load from one address is what it is there to refuse.
  rateLimit: { enabled: false },
  plugins: [jwt()],
})
const { runMigrations } = await getMigrations(auth.options)
await runMigrations()

const handle = toNodeHandler(auth)
createServer((request, response) => void handle(request, response)).listen(Number(PORT), '127.0.0.1')
process.once('SIGTERM', () => process.exit())
