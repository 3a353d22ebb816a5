/**
 * What settings have to do with each other. A rule says null when all is well; a fault stops the
 * start, a warning is told to the operator.
 */
import { hostOf, isLoopback, isOnPrivateNetwork } from './addresses.ts'
import { secretAdvice } from './secrets.ts'
import { showDuration } from './values.ts'
import type { Config } from '../config.ts'
import type { SettingKey } from '../settings.ts'

interface Rule {
  /** Where one of these could not be read, the rule is left out: one mistake is reported once. */
  readonly about: readonly SettingKey[]
  check(config: Omit<Config, 'warnings'>): string | null
}

/** What the rules that apply have to say. */
export const applyRules = (
  rules: readonly Rule[],
  config: Omit<Config, 'warnings'>,
  faulty: ReadonlySet<SettingKey>,
): string[] =>
  rules
    .filter((rule) => !rule.about.some((key) => faulty.has(key)))
    .map((rule) => rule.check(config))
    .filter((finding) => finding !== null)

export const faultRules: readonly Rule[] = [
  {
    about: ['databaseUrl', 'secret'],
    check: ({ databaseUrl, secret }) =>
      databaseUrl !== null && secret === null
        ? `HALLPASS_SECRET is required with DATABASE_URL, the same in every process; ${secretAdvice}`
        : null,
  },
  {
    about: ['databaseUrl', 'databaseDirectUrl', 'databasePooling'],
    check: ({ databaseUrl, databaseDirectUrl, databasePooling }) =>
      databaseUrl !== null && databasePooling === 'transaction' && databaseDirectUrl === null
        ? 'HALLPASS_DATABASE_DIRECT_URL is required with HALLPASS_DATABASE_POOLING=transaction: what listens needs a connection of its own, which no pooler in transaction mode gives'
        : null,
  },
  {
    about: ['secret', 'previousSecrets'],
    check: ({ secret, previousSecrets }) =>
      secret !== null && previousSecrets.includes(secret)
        ? 'HALLPASS_SECRET_PREVIOUS must not contain HALLPASS_SECRET: leave only the secrets before it, or the one to come'
        : null,
  },
  {
    about: ['issuer', 'databaseUrl'],
    check(config) {
      if (isSecure(config) || isPlainOnPrivateNetwork(config)) return null
      const exception = config.databaseUrl === null ? 'localhost and addresses of a private network' : 'localhost'
      return `HALLPASS_ISSUER must be https: plain http is accepted for ${exception} only`
    },
  },
  {
    about: ['accessTtl', 'idleTtl', 'preset'],
    check: (config) => notLonger(config, ['HALLPASS_ACCESS_TTL', 'accessTtl'], ['HALLPASS_IDLE_TTL', 'idleTtl']),
  },
  {
    about: ['idleTtl', 'absoluteTtl', 'preset'],
    check: (config) => notLonger(config, ['HALLPASS_IDLE_TTL', 'idleTtl'], ['HALLPASS_ABSOLUTE_TTL', 'absoluteTtl']),
  },
  {
    about: ['smtpUrl', 'mailFrom'],
    check: ({ smtpUrl, mailFrom }) =>
      (smtpUrl === null) === (mailFrom === null)
        ? null
        : 'SMTP_URL and HALLPASS_MAIL_FROM belong together: mail cannot be sent with one of them alone',
  },
  {
    about: ['smtpUrl', 'mailFrom', 'databaseUrl', 'issuer'],
    check: ({ smtpUrl, mailFrom, databaseUrl, isIssuerLocal, bringsDelivery }) =>
      smtpUrl !== null || mailFrom !== null || bringsDelivery || (databaseUrl === null && isIssuerLocal)
        ? null
        : 'SMTP_URL is required: people confirm their address and get back in by mail, which is kept here for reading only on the embedded store with an issuer on localhost',
  },
  {
    about: ['workers', 'databaseUrl'],
    check: ({ workers, databaseUrl }) =>
      databaseUrl === null && workers > 1
        ? 'HALLPASS_WORKERS must be 1 with the embedded store, which one process has for itself: set DATABASE_URL for more'
        : null,
  },
]

type Lifetime = 'accessTtl' | 'idleTtl' | 'absoluteTtl'
type Named = readonly [name: string, key: Lifetime]

function notLonger(config: Omit<Config, 'warnings'>, [name, key]: Named, [limitName, limitKey]: Named): string | null {
  if (config[key] <= config[limitKey]) return null
  const limit = `${showDuration(config[limitKey])} (${config.sources[limitKey]})`
  return `${name} must not be longer than ${limitName}: ${showDuration(config[key])} is more than ${limit}; change one of them`
}

const isSecure = (config: Pick<Config, 'issuer' | 'isIssuerLocal'>): boolean =>
  config.isIssuerLocal || config.issuer.startsWith('https:')

const isPlainOnPrivateNetwork = (config: Pick<Config, 'issuer' | 'isIssuerLocal' | 'databaseUrl'>): boolean =>
  !isSecure(config) && config.databaseUrl === null && isOnPrivateNetwork(hostOf(config.issuer))

export const warningRules: readonly Rule[] = [
  {
    about: ['issuer'],
    check: (config) =>
      isPlainOnPrivateNetwork(config)
        ? 'HALLPASS_ISSUER is plain http: passwords cross the network readable, and browsers keep no session cookie, so only the body transport works'
        : null,
  },
  {
    about: ['issuer', 'host'],
    check: ({ issuer, host, sources }) =>
      sources.issuer === 'default' && !isLoopback(host)
        ? `HALLPASS_ISSUER is not set: tokens and links say ${issuer}, which other machines cannot reach, though HOST lets them in`
        : null,
  },
  {
    about: ['issuer', 'port'],
    check: ({ port, sources }) =>
      sources.issuer === 'default' && port === 0
        ? 'HALLPASS_ISSUER is not set and PORT is 0: the issuer does not name the port that will be taken'
        : null,
  },
  {
    about: ['issuer', 'trustedProxies'],
    check: ({ issuer, trustedProxies }) =>
      issuer.startsWith('https:') && trustedProxies.length === 0
        ? 'HALLPASS_TRUSTED_PROXIES is not set: Hallpass does not speak https itself, and without it every request seems to come from the proxy in front, and all people share one set of rate limits'
        : null,
  },
  {
    about: ['trustedProxies'],
    check: ({ trustedProxies }) =>
      trustedProxies.some((range) => range.endsWith('/0'))
        ? 'HALLPASS_TRUSTED_PROXIES contains every address: whoever connects can say they come from anywhere, and limits by address stop nobody'
        : null,
  },
  {
    about: ['issuer', 'allowedOrigins'],
    check({ allowedOrigins, issuer }) {
      const plain = allowedOrigins.filter((origin) => origin.startsWith('http:') && !isLocalOrigin(origin))
      return issuer.startsWith('https:') && plain.length > 0
        ? `HALLPASS_ALLOWED_ORIGINS contains plain http (${plain.join(', ')}): whoever sits on that network can act for its users`
        : null
    },
  },
  {
    about: ['dataDir', 'databaseUrl'],
    check: ({ dataDir, databaseUrl }) =>
      databaseUrl === null && dataDir === 'memory://'
        ? 'HALLPASS_DATA_DIR is memory://: every user and session is gone when the process ends'
        : null,
  },
  {
    about: ['policies', 'idleTtl', 'preset'],
    check: ({ policies, idleTtl, sources }) =>
      sources.policies !== 'default' && policies.rules.idle.action !== 'off' && policies.idleAfter >= idleTtl
        ? `HALLPASS_POLICIES: idle never trips, since sessions end after ${showDuration(idleTtl)} without a refresh (HALLPASS_IDLE_TTL)`
        : null,
  },
  {
    about: ['policies', 'geoipDb'],
    check: ({ policies, geoipDb }) =>
      geoipDb === null && !['off', 'log'].includes(policies.rules.country.action)
        ? 'HALLPASS_POLICIES: country never trips without HALLPASS_GEOIP_DB'
        : null,
  },
  {
    about: ['rateLimits'],
    check: ({ rateLimits }) =>
      rateLimits ? null : 'HALLPASS_RATE_LIMITS is off: nothing slows down whoever guesses passwords',
  },
]

const isLocalOrigin = (origin: string): boolean => isLoopback(hostOf(origin.replace(/:\*$/, '')))
