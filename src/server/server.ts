/** Composition root: the whole wiring on one page. */
import type { Logger } from 'pino'
import { createApiKeys } from './api-keys/api-keys.ts'
import { createClients } from './clients/clients.ts'
import { createTerms } from './clients/terms.ts'
import type { Config } from './config.ts'
import { createCounters } from './counters/counters.ts'
import { createCompose } from './emails/composing.ts'
import { createDelivery } from './emails/delivery.ts'
import { createEmails } from './emails/emails.ts'
import { createFlows } from './emails/flows/index.ts'
import { createMagicLinks } from './emails/magic-links.ts'
import type { Deliver } from './emails/mail.ts'
import { createSending } from './emails/sending.ts'
import { createHistory } from './events/history.ts'
import { createGrants } from './grants/index.ts'
import { createApp } from './http/app.ts'
import { createRequestReaders } from './http/request-readers.ts'
import { createRevocationStreams } from './http/revocation-streams.ts'
import { createSessionEventStreams } from './http/session-event-streams.ts'
import { createExportBackup } from './imports/backup/exporting.ts'
import { createImportBackup } from './imports/backup/importing.ts'
import { createExchangeImportedToken } from './imports/exchange.ts'
import { createRunImport } from './imports/importing.ts'
import { createLocation, type Location } from './location/location.ts'
import { readTheme, type Theme } from './pages/theme.ts'
import { createPrivacy } from './privacy/privacy.ts'
import { createRateLimits } from './rate-limits/rate-limits.ts'
import { createReadiness } from './readiness.ts'
import { createNotifyBus } from './revocations/bus.ts'
import { createFeed } from './revocations/feed.ts'
import { createRevocationMemory } from './revocations/memory.ts'
import { startResealing } from './resealing.ts'
import { createSessionChanges } from './sessions/changes.ts'
import { createStartForSubject } from './sessions/for-subject.ts'
import { createLookout } from './sessions/lookout.ts'
import { createPolicies } from './sessions/policies.ts'
import { inShadow } from './sessions/policy.ts'
import { createPruning } from './sessions/pruning.ts'
import { createSessions } from './sessions/sessions.ts'
import { createAskHook, type OnSignIn } from './sessions/sign-in-hook.ts'
import { openStore, type Store } from './store.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { createFormTokens } from './tokens/form-token.ts'
import { checkRing } from './tokens/ring-check.ts'
import { createRing } from './tokens/ring.ts'
import { createSigningKeys } from './tokens/signing-keys.ts'
import { createTasks } from './upkeep/tasks.ts'
import { createUpkeep } from './upkeep/upkeep.ts'
import { createAccountChanges } from './users/account-changes.ts'
import { createDirectory } from './users/directory.ts'
import { createMakeUser } from './users/making.ts'
import { createPasswordRules } from './users/password-rules.ts'
import { createPasswords, type PasswordParameters } from './users/passwords.ts'
import { createUsers } from './users/users.ts'
import { createPosting } from './webhooks/posting.ts'
import { createWebhooks } from './webhooks/webhooks.ts'

/** All that the process, its commands and whoever embeds it can do with the service. */
export type Hallpass = Awaited<ReturnType<typeof wire>>

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
  /** Adds to each new session. */
  readonly onSignIn?: OnSignIn
  /** How many of this service share the machine's cores: 1 unless it is told. */
  readonly processes?: number
  /** What a password hash costs, where tests make thousands of them. */
  readonly passwordParameters?: PasswordParameters
  /** What `memory://` begins with: tests start it a hundred times. */
  readonly memoryFrom?: Blob
}

/**
 * @throws {DirectoryInUse} the embedded store belongs to another process
 * @throws {RingMismatch} HALLPASS_SECRET is not the one this database knows
 * @throws {Unavailable} the database cannot be reached
 * @throws {ConfigError} HALLPASS_THEME, HALLPASS_LOGO or HALLPASS_GEOIP_DB names a file that cannot be used
 */
export async function createServer(config: Config, options: ServerOptions): Promise<Hallpass> {
  const { log, migrate = true, serves = true, memoryFrom } = options
  // Before a database is made: what is wrong with a setting is said at once.
  const theme = readTheme(serves ? config : { theme: null, logo: null })
  const location = createLocation({ path: serves ? config.geoipDb : null, log })
  const store = await openStore(config, log, { migrate, memoryFrom })
  try {
    return await wire(config, store, { theme, location }, options)
  } catch (error) {
    location.stop()
    await store.close()
    throw error
  }
}

async function wire(
  config: Config,
  store: Store,
  { theme, location }: { theme: Theme; location: Location },
  options: ServerOptions,
) {
  const { log, acceptNewSecret = false, serves = true } = options
  const { database } = store
  const { issuer, audience, signingAlg, accessTtl, idleTtl, absoluteTtl, refreshGrace: grace, maxSessions } = config
  const isSecure = issuer.startsWith('https:')

  const ring = createRing(store.secret, config.previousSecrets)
  await checkRing(database, ring, acceptNewSecret)
  const rateLimits = createRateLimits({ database, ring, isOn: config.rateLimits, log })
  const keys = createSigningKeys({ database, ring, alg: signingAlg, accessTtl })
  await keys.start({ mayCreate: serves })
  const webhooks = createWebhooks({ database, ring })
  const resealing = startResealing({ keys, webhooks }, log)

  const clients = createClients({ database, service: { accessTtl, idleTtl, absoluteTtl } })
  await clients.start()
  const terms = createTerms({ clients, service: { accessTtl, idleTtl, absoluteTtl, grace } })
  const ttlOf = (clientId: string): number => terms.of(clientId).accessTtl
  const accessTokens = createAccessTokens({ issuer, audience, ttl: accessTtl, ttlOf, keys })
  const counters = createCounters({ database, log })
  const settings = { accessTtl, idleTtl, refreshGroups: config.refreshGroups, maxSessions }
  const policies = config.policiesShadow ? inShadow(config.policies) : config.policies
  if (serves && config.geoipDb === null && policies.rules.country.action !== 'off') {
    log.info('HALLPASS_GEOIP_DB is not set: places are not known, and the policy country never trips')
  }
  const { locate } = location
  const sessions = createSessions({
    database,
    ring,
    accessTokens,
    rateLimits,
    counters,
    terms,
    policies: createPolicies({ policies, clients, locate }),
    locate,
    settings,
    log,
  })
  const apiKeys = createApiKeys({ database, accessTtl })

  const { breachedPasswordsUrl, unconfirmedSignIn, name } = config
  const passwords = createPasswords({ processes: options.processes, parameters: options.passwordParameters })
  const passwordRules = createPasswordRules({ serviceName: name, breachedPasswordsUrl, log })
  const accounts = createAccountChanges({ database, sessions, apiKeys, accessTtl })
  const users = createUsers({ database, passwords, passwordRules, accounts, rateLimits, unconfirmedSignIn, log })
  const directory = createDirectory({ database })
  const makeUser = createMakeUser({ database, passwords, passwordRules })

  const flows = createFlows({ accounts, sessions })
  const emails = createEmails({ database, flows, passwords, passwordRules, rateLimits })
  const magicLinks = createMagicLinks({ emails, accounts, sessions })
  const delivery = createDelivery(config, { database, deliver: serves ? options.deliver : sendNothing })
  const compose = createCompose({ issuer, flows })
  const sending = createSending({ database, ring, compose, deliver: delivery.deliver, log })
  const posting = createPosting({ database, ring, log })

  const history = createHistory({ database })
  const privacy = createPrivacy({ database, sessions, apiKeys, rateLimits, history, log })
  const pruning = createPruning({ database, settings: config })
  const upkeep = createUpkeep({ database, tasks: createTasks({ database, pruning, settings: config }), log })

  const askHook = createAskHook({ onSignIn: options.onSignIn, log })
  const startForSubject = createStartForSubject({ database, clients, sessions, askHook })
  const exchangeImportedToken = createExchangeImportedToken({
    database,
    ring,
    accessTokens,
    rateLimits,
    counters,
    terms,
    settings,
    salt: config.importedTokenSalt,
    log,
  })
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

  const app = createApp({
    issuer,
    isSecure,
    name,
    theme,
    unconfirmedSignIn,
    mailbox: delivery.mailbox,
    allowsCookies: isSecure || config.isIssuerLocal,
    ...createRequestReaders({ config, isSecure, clients, sessions }),
    grants: createGrants({ sessions, apiKeys, accessTokens, exchangeImportedToken }),
    accessTokens,
    keys,
    clients,
    users,
    accounts,
    directory,
    makeUser,
    emails,
    magicLinks,
    sessions,
    askHook,
    startForSubject,
    history,
    locate,
    webhooks,
    counters,
    apiKeys,
    formTokens: createFormTokens({ ring }),
    rateLimits,
    readiness,
    feed,
    streams,
    sessionStreams,
    log,
  })

  if (serves) {
    await Promise.all([sending.start(), posting.start()])
    counters.start()
    upkeep.start()
  }
  return {
    app,
    store,
    keys,
    users,
    accounts,
    directory,
    makeUser,
    clients,
    counters,
    location,
    policies,
    sessions,
    startForSubject,
    apiKeys,
    runImport: createRunImport({ database, clients, passwords, settings: config }),
    exportBackup: createExportBackup({ database, ring }),
    importBackup: serves ? null : createImportBackup({ database, ring }),
    sending,
    webhooks,
    posting,
    history,
    privacy,
    pruning,
    upkeep,
    readiness,
    async close() {
      resealing.stop()
      location.stop()
      keys.stop()
      memory.stop()
      feed.stop()
      clients.stop()
      rateLimits.close()
      await upkeep.stop()
      await counters.stop()
      await Promise.all([sending.stop(), posting.stop()])
      delivery.close()
      await store.close()
    },
  }
}

/** A command leaves mail to those who serve. */
const sendNothing: Deliver = () => Promise.reject(new Error('a command sends no mail'))
