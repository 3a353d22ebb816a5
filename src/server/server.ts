/** Composition root: the whole wiring on one page. */
import type Koa from 'koa'
import type { Logger } from 'pino'
import { createApiKeys, type ApiKeys } from './api-keys/api-keys.ts'
import { createClients, type Clients } from './clients/clients.ts'
import type { Config } from './config.ts'
import { createCounters, type Counters } from './counters/counters.ts'
import { createCompose } from './emails/composing.ts'
import { createDelivery } from './emails/delivery.ts'
import { createEmails } from './emails/emails.ts'
import { createFlows } from './emails/flows/index.ts'
import { createMagicLinks } from './emails/magic-links.ts'
import type { Deliver } from './emails/mail.ts'
import { createSending, type Sending } from './emails/sending.ts'
import { nameOf } from './errors.ts'
import { createGrants } from './grants/index.ts'
import { createApp } from './http/app.ts'
import { createClientAddressOf } from './http/client-address-of.ts'
import type { State } from './http/context.ts'
import { createReadCookieSession } from './http/cookie-session.ts'
import { createSessionCookie } from './http/cookie.ts'
import { createDemandOwnOrigin, createRefuseForeignReaders } from './http/origin.ts'
import { createReadPresentedToken } from './http/presented-token.ts'
import { createRevocationStreams } from './http/revocation-streams.ts'
import { createSessionEventStreams } from './http/session-event-streams.ts'
import { createExportBackup, type ExportBackup } from './imports/backup/exporting.ts'
import { createImportBackup, type ImportBackup } from './imports/backup/importing.ts'
import { createExchangeImportedToken } from './imports/exchange.ts'
import { createRunImport, type RunImport } from './imports/importing.ts'
import { readTheme, type Theme } from './pages/theme.ts'
import { createRateLimits } from './rate-limits/rate-limits.ts'
import { createReadiness, type Readiness } from './readiness.ts'
import { createNotifyBus } from './revocations/bus.ts'
import { createFeed } from './revocations/feed.ts'
import { createRevocationMemory } from './revocations/memory.ts'
import { createSessionChanges } from './sessions/changes.ts'
import { createStartForSubject, type StartForSubject } from './sessions/for-subject.ts'
import { createLookout } from './sessions/lookout.ts'
import { createSessions, type Sessions } from './sessions/sessions.ts'
import { openStore, type Store } from './store.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { createFormTokens } from './tokens/form-token.ts'
import { checkRing } from './tokens/ring-check.ts'
import { createRing } from './tokens/ring.ts'
import { createSigningKeys, type SigningKeys } from './tokens/signing-keys.ts'
import { createAccountChanges, type AccountChanges } from './users/account-changes.ts'
import { createPasswordRules } from './users/password-rules.ts'
import { createPasswords, type PasswordParameters } from './users/passwords.ts'
import { createUsers, type Users } from './users/users.ts'

export interface Hallpass {
  readonly app: Koa<State>
  readonly store: Store
  readonly keys: SigningKeys
  readonly users: Users
  readonly accounts: AccountChanges
  readonly clients: Clients
  readonly counters: Counters
  readonly sessions: Sessions
  readonly startForSubject: StartForSubject
  readonly apiKeys: ApiKeys
  readonly runImport: RunImport
  readonly exportBackup: ExportBackup
  /** Null where requests are served meanwhile, from what is replaced. */
  readonly importBackup: ImportBackup | null
  readonly sending: Sending
  readonly readiness: Readiness
  close(): Promise<void>
}

export interface ServerOptions {
  readonly log: Logger
  /** False with --no-migrate. */
  readonly migrate?: boolean
  /** True with --accept-new-secret. */
  readonly acceptNewSecret?: boolean
  /** False for a command, which must not leave keys behind that its own settings ask for, and sends no mail. */
  readonly serves?: boolean
  /** In place of SMTP. */
  readonly deliver?: Deliver
  /** What a password hash costs, where tests make thousands of them. */
  readonly passwordParameters?: PasswordParameters
  /** What `memory://` begins with: tests start it a hundred times. */
  readonly memoryFrom?: Blob
}

/** What an older secret sealed is sealed anew, but not before the deploy that brought a new one is surely over. Milliseconds. */
const REENCRYPT_EVERY = 60 * 60 * 1000

/**
 * @throws {DirectoryInUse} the embedded store belongs to another process
 * @throws {RingMismatch} HALLPASS_SECRET is not the one this database knows
 * @throws {Unavailable} the database cannot be reached
 * @throws {ConfigError} HALLPASS_THEME or HALLPASS_LOGO names a file that cannot be used
 */
export async function createServer(config: Config, options: ServerOptions): Promise<Hallpass> {
  const { log, migrate = true, serves = true, memoryFrom } = options
  // Before a database is made: what is wrong with a setting is said at once.
  const theme = readTheme(serves ? config : { theme: null, logo: null })
  const store = await openStore(config, log, { migrate, memoryFrom })
  try {
    return await wire(config, store, theme, options)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function wire(config: Config, store: Store, theme: Theme, options: ServerOptions): Promise<Hallpass> {
  const { log, acceptNewSecret = false, serves = true } = options
  const { database } = store
  const { issuer, audience, accessTtl, signingAlg } = config
  const isSecure = issuer.startsWith('https:')

  const ring = createRing(store.secret, config.previousSecrets)
  await checkRing(database, ring, acceptNewSecret)
  const rateLimits = createRateLimits({ database, ring, isOn: config.rateLimits, log })
  const keys = createSigningKeys({ database, ring, alg: signingAlg, accessTtl })
  await keys.start({ mayCreate: serves })
  const reencryption = setInterval(() => void reencrypt(keys, log), REENCRYPT_EVERY).unref()

  const accessTokens = createAccessTokens({ issuer, audience, ttl: accessTtl, keys })
  const clients = createClients({ database })
  await clients.start()
  const counters = createCounters({ database, log })
  const settings = {
    accessTtl,
    idleTtl: config.idleTtl,
    absoluteTtl: config.absoluteTtl,
    maxSessions: config.maxSessions,
    grace: config.refreshGrace,
  }
  const sessions = createSessions({ database, ring, accessTokens, rateLimits, counters, settings, log })
  const apiKeys = createApiKeys({ database, accessTtl })

  const { breachedPasswordsUrl, unconfirmedSignIn, name } = config
  const passwords = createPasswords(options.passwordParameters && { parameters: options.passwordParameters })
  const passwordRules = createPasswordRules({ serviceName: name, breachedPasswordsUrl, log })
  const accounts = createAccountChanges({ database, sessions, apiKeys })
  const users = createUsers({ database, passwords, passwordRules, accounts, rateLimits, unconfirmedSignIn, log })

  const flows = createFlows({ accounts, sessions })
  const emails = createEmails({ database, flows, passwords, passwordRules, rateLimits })
  const magicLinks = createMagicLinks({ emails, accounts, sessions })
  const delivery = createDelivery(config, { database, deliver: serves ? options.deliver : sendNothing })
  const compose = createCompose({ issuer, flows })
  const sending = createSending({ database, ring, compose, deliver: delivery.deliver, log })

  const exchangeImportedToken = createExchangeImportedToken({
    database,
    ring,
    accessTokens,
    rateLimits,
    counters,
    settings,
    salt: config.importedTokenSalt,
    log,
  })
  const startForSubject = createStartForSubject({ database, clients, sessions })
  const readiness = createReadiness({ database })
  const bus = createNotifyBus(database)
  const feed = createFeed({ database, bus, accessTtl, log })
  const memory = createRevocationMemory({ database, bus, feed, accessTtl, log })
  const streams = createRevocationStreams({ feed, keys })
  const sessionStreams = createSessionEventStreams({ feed, lookout: createLookout({ sessions }) })
  readiness.onStop(() => {
    streams.close()
    sessionStreams.close()
  })
  await memory.start()
  await feed.start()
  await createSessionChanges(database).subscribe(sessionStreams)

  const cookie = createSessionCookie({ isSecure })
  const demandOwnOrigin = createDemandOwnOrigin(config.allowedOrigins)
  const app = createApp({
    issuer,
    isSecure,
    name,
    theme,
    unconfirmedSignIn,
    allowedOrigins: config.allowedOrigins,
    mailbox: delivery.mailbox,
    cookie,
    allowsCookies: isSecure || config.isIssuerLocal,
    demandOwnOrigin,
    refuseForeignReaders: createRefuseForeignReaders(config.allowedOrigins),
    readPresentedToken: createReadPresentedToken({ cookie, demandOwnOrigin }),
    readCookieSession: createReadCookieSession({ cookie, sessions }),
    clientAddressOf: createClientAddressOf(config.trustedProxies),
    grants: createGrants({ sessions, apiKeys, accessTokens, exchangeImportedToken }),
    accessTokens,
    keys,
    clients,
    users,
    accounts,
    emails,
    magicLinks,
    sessions,
    startForSubject,
    apiKeys,
    formTokens: createFormTokens({ ring }),
    rateLimits,
    readiness,
    feed,
    streams,
    sessionStreams,
    log,
  })

  if (serves) await sending.start()
  if (serves) counters.start()
  return {
    app,
    store,
    keys,
    users,
    accounts,
    clients,
    counters,
    sessions,
    startForSubject,
    apiKeys,
    runImport: createRunImport({ database, clients, passwords, settings }),
    exportBackup: createExportBackup({ database, ring }),
    importBackup: serves ? null : createImportBackup({ database, ring }),
    sending,
    readiness,
    async close() {
      clearInterval(reencryption)
      keys.stop()
      memory.stop()
      feed.stop()
      clients.stop()
      rateLimits.close()
      await counters.stop()
      await sending.stop()
      delivery.close()
      await store.close()
    },
  }
}

/** A command leaves mail to those who serve. */
const sendNothing: Deliver = () => Promise.reject(new Error('a command sends no mail'))

async function reencrypt(keys: SigningKeys, log: Logger): Promise<void> {
  try {
    const count = await keys.reencrypt()
    if (count > 0) log.info({ count }, 'sealed signing keys anew with the current secret')
  } catch (error) {
    log.error({ failure: nameOf(error) }, 'signing keys could not be sealed anew')
  }
}
