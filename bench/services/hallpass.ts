/** Our own server as an operator runs it: its settings are the defaults, its log is on. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mailSettings } from '../../test/support/mail.ts'
import { startService, type Service } from './service.ts'

export interface HallpassService extends Service {
  /** HALLPASS_SECRET, by which a fleet's tokens can be computed. */
  readonly secret: string
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
  const mail = await mailSettings()
  const service = await startService({
    argv: [resolve(directory, 'src/server/cli.ts'), 'serve'],
    environment: (port) => ({
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      HALLPASS_SECRET: secret,
      // The fleet's model has an address that nobody confirms.
      HALLPASS_UNCONFIRMED_SIGN_IN: 'allow',
      ...mail,
      ...environment,
    }),
    healthPath: '/readyz',
  })
  return { ...service, secret }
}
