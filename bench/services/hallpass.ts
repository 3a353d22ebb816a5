/** Our own server as an operator runs it: its settings are the defaults, its log is on. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { mailSettings } from '../../test/support/mail.ts'
import { startService, type Service } from './service.ts'

export interface HallpassService extends Service {
  /** HALLPASS_SECRET, by which a fleet's tokens can be computed. */
  readonly secret: string
  /** Runs a command of the CLI on the same database. @returns what it printed */
  run(...argv: string[]): Promise<string>
}

const THIS_CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * @param directory another checkout, to be compared with this one
 * @param environment settings that differ. Refreshes are limited to 30 a minute and session by default: a fleet that
 *   is small for its load (10,000 sessions at 5,000 a second) needs HALLPASS_RATE_LIMITS=off
 */
export async function startHallpass({
  databaseUrl,
  directory = THIS_CHECKOUT,
  secret = randomBytes(32).toString('base64url'),
  environment = {},
}: {
  databaseUrl: string
  directory?: string
  secret?: string
  environment?: Readonly<Record<string, string>>
}): Promise<HallpassService> {
  const cli = resolve(directory, 'src/server/cli.ts')
  const settings = {
    DATABASE_URL: databaseUrl,
    HALLPASS_SECRET: secret,
    // The fleet's model has an address that nobody confirms.
    HALLPASS_UNCONFIRMED_SIGN_IN: 'allow',
    ...(await mailSettings()),
    ...environment,
  }
  const service = await startService({
    argv: [cli, 'serve'],
    environment: (port) => ({ ...settings, PORT: String(port) }),
    healthPath: '/readyz',
  })
  return {
    ...service,
    secret,
    async run(...argv) {
      const options = { cwd: tmpdir(), env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...settings } }
      return (await promisify(execFile)(process.execPath, [cli, ...argv], options)).stdout
    },
  }
}
