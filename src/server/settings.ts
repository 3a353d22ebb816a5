/**
 * Every setting: its name, its default and what it means. The configuration is read from this table
 * and docs/configuration.md is written from it, so a new setting is one entry here.
 */
import {
  addressRange,
  audience,
  host,
  issuer,
  mailbox,
  origin,
  serviceUrl,
  urlWithPassword,
} from './settings/addresses.ts'
import { foreignSecret, secret, secrets } from './settings/secrets.ts'
import { choice, displayName, duration, integer, listOf, onOff, workerCount } from './settings/values.ts'
import { dataDirectory, path } from './settings/paths.ts'
import { policyList } from './settings/policies.ts'
import type { Kind } from './settings/values.ts'

export interface Setting<Value> {
  readonly name: string
  readonly group: Group
  /** What is used when it is not set, as an operator would write it. */
  readonly default?: string
  /** The same in words, where it depends on other settings or nothing is used. */
  readonly otherwise?: string
  /** What `HALLPASS_PRESET=strict` makes of the default. */
  readonly strict?: string
  readonly meaning: string
  /** A secret is hidden wherever settings are shown, and its text is in no fault. */
  readonly isSecret: boolean
  readonly kind: Kind<Value>
}

/** The groups in the order in which a reader wants them. */
export const groups = [
  'Server',
  'Store',
  'Secrets',
  'Tokens',
  'Sessions',
  'Passwords',
  'Browsers and proxies',
  'Mail',
] as const
type Group = (typeof groups)[number]

const setting = <Value>(entry: Omit<Setting<Value>, 'isSecret'> & { isSecret?: true }): Setting<Value> => ({
  ...entry,
  isSecret: entry.isSecret ?? false,
})

export const settings = {
  port: setting({
    name: 'PORT',
    group: 'Server',
    default: '3000',
    meaning: 'The port to listen on; `0` takes any free one.',
    kind: integer({ min: 0, max: 65_535 }),
  }),
  host: setting({
    name: 'HOST',
    group: 'Server',
    default: '127.0.0.1',
    meaning: 'The address to listen on; `0.0.0.0` or `::` for all, as containers need it.',
    kind: host,
  }),
  issuer: setting({
    name: 'HALLPASS_ISSUER',
    group: 'Server',
    otherwise: '`http://localhost:$PORT`',
    meaning:
      'The public URL of this service: `iss` in every access token, and the start of every link in a mail. It has to be https, except on localhost and for an embedded server on a private network.',
    kind: issuer,
  }),
  name: setting({
    name: 'HALLPASS_NAME',
    group: 'Server',
    otherwise: 'the host of the issuer',
    meaning: 'What people know the service by: the name in mails and on pages.',
    kind: displayName,
  }),
  theme: setting({
    name: 'HALLPASS_THEME',
    group: 'Server',
    otherwise: 'none',
    meaning: 'A CSS file of your own, at most 16 kB, that follows the style of the pages: see [pages](pages.md).',
    kind: path,
  }),
  logo: setting({
    name: 'HALLPASS_LOGO',
    group: 'Server',
    otherwise: 'none',
    meaning: 'An SVG or PNG file, at most 64 kB, that the pages show in place of our badge and the name.',
    kind: path,
  }),
  preset: setting({
    name: 'HALLPASS_PRESET',
    group: 'Server',
    otherwise: 'none',
    meaning: '`strict` shortens every lifetime and switches the grace off; see below.',
    kind: choice('strict'),
  }),
  workers: setting({
    name: 'HALLPASS_WORKERS',
    group: 'Server',
    default: '1',
    meaning:
      'How many processes `hallpass serve` has serve behind its one port; `auto` is one per core. The embedded store allows only one. See [scaling](scaling.md).',
    kind: workerCount(256),
  }),
  logLevel: setting({
    name: 'LOG_LEVEL',
    group: 'Server',
    default: 'info',
    meaning: 'The least that is logged: `fatal`, `error`, `warn`, `info`, `debug`, `trace`, or `silent`.',
    kind: choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  }),
  rateLimits: setting({
    name: 'HALLPASS_RATE_LIMITS',
    group: 'Server',
    default: 'on',
    meaning: '`off` lets anybody guess passwords as fast as the machine allows: for load tests only.',
    kind: onOff,
  }),
  databaseUrl: setting({
    name: 'DATABASE_URL',
    group: 'Store',
    otherwise: 'the embedded store',
    meaning: 'PostgreSQL 14 or later, `postgres://user:password@host:5432/name`. Any number of processes may share it.',
    isSecret: true,
    kind: urlWithPassword('postgres', 'postgresql'),
  }),
  databaseDirectUrl: setting({
    name: 'HALLPASS_DATABASE_DIRECT_URL',
    group: 'Store',
    otherwise: '`DATABASE_URL`',
    meaning:
      'Where `DATABASE_URL` is a pooler: the same database without it, for migrations and for what listens. See [PgBouncer](scaling.md#pgbouncer).',
    isSecret: true,
    kind: urlWithPassword('postgres', 'postgresql'),
  }),
  databasePooling: setting({
    name: 'HALLPASS_DATABASE_POOLING',
    group: 'Store',
    default: 'session',
    meaning:
      '`transaction` where `DATABASE_URL` is a pooler in transaction mode: statements are not prepared then, and the role has to bring its settings. `session` is right for everything else.',
    kind: choice('session', 'transaction'),
  }),
  databaseConnections: setting({
    name: 'HALLPASS_DATABASE_CONNECTIONS',
    group: 'Store',
    default: '16',
    meaning: 'How many connections each process has for statements, at most; one more listens.',
    kind: integer({ min: 2, max: 1_000 }),
  }),
  refreshGroups: setting({
    name: 'HALLPASS_REFRESH_GROUPS',
    group: 'Store',
    default: 'on',
    meaning:
      '`off`: no two refreshes share a statement. For engines that keep users on different machines (see [scaling](scaling.md)).',
    kind: onOff,
  }),
  dataDir: setting({
    name: 'HALLPASS_DATA_DIR',
    group: 'Store',
    default: '.hallpass',
    meaning: 'Where the embedded store keeps its data; `memory://` keeps nothing.',
    kind: dataDirectory,
  }),
  secret: setting({
    name: 'HALLPASS_SECRET',
    group: 'Secrets',
    otherwise: 'required with `DATABASE_URL`; embedded: made once and kept in the data directory',
    meaning:
      'The one secret to keep: every key of the service is derived from it. At least 32 random characters, the same in every process; `openssl rand -base64 32` makes one.',
    isSecret: true,
    kind: secret,
  }),
  previousSecrets: setting({
    name: 'HALLPASS_SECRET_PREVIOUS',
    group: 'Secrets',
    otherwise: 'none',
    meaning: 'Other secrets that are accepted but not used, comma-separated: those that were, or the one to come.',
    isSecret: true,
    kind: secrets,
  }),
  importedTokenSalt: setting({
    name: 'HALLPASS_IMPORTED_TOKEN_SALT',
    group: 'Secrets',
    otherwise: 'none',
    meaning:
      'The `secret_salt` of ecto_sessions, as long as devices come with its tokens: see [moving in](moving-in.md).',
    isSecret: true,
    kind: foreignSecret,
  }),
  audience: setting({
    name: 'HALLPASS_AUDIENCE',
    group: 'Tokens',
    otherwise: 'the issuer',
    meaning: 'Who access tokens are for (`aud`), comma-separated: what your APIs ask their verifier to expect.',
    kind: listOf(audience),
  }),
  signingAlg: setting({
    name: 'HALLPASS_SIGNING_ALG',
    group: 'Tokens',
    default: 'ES256',
    meaning: 'How access tokens are signed: `ES256`, `EdDSA` or `RS256`.',
    kind: choice('ES256', 'EdDSA', 'RS256'),
  }),
  accessTtl: setting({
    name: 'HALLPASS_ACCESS_TTL',
    group: 'Tokens',
    default: '5m',
    strict: '2m',
    meaning:
      'The life of an access token, `5s` to `1h`: how long an API that does not follow the revocations lets an ended session in.',
    kind: duration({ min: '5s', max: '1h' }),
  }),
  refreshGrace: setting({
    name: 'HALLPASS_REFRESH_GRACE',
    group: 'Tokens',
    default: '30s',
    strict: '0s',
    meaning:
      'How long the previous refresh token is still answered, for clients that lost an answer and send no `Idempotency-Key`; up to `10m`, `0` switches it off.',
    kind: duration({ min: '0s', max: '10m' }),
  }),
  idleTtl: setting({
    name: 'HALLPASS_IDLE_TTL',
    group: 'Sessions',
    default: '30d',
    strict: '1h',
    meaning: 'A session ends when it was not refreshed for so long.',
    kind: duration({ min: '1s', max: '3650d' }),
  }),
  absoluteTtl: setting({
    name: 'HALLPASS_ABSOLUTE_TTL',
    group: 'Sessions',
    default: '365d',
    strict: '12h',
    meaning: 'A session ends so long after its sign-in, however much it is used.',
    kind: duration({ min: '1s', max: '3650d' }),
  }),
  maxSessions: setting({
    name: 'HALLPASS_MAX_SESSIONS',
    group: 'Sessions',
    default: '50',
    meaning: 'How many sessions a user may have; one more ends the one that was used least recently.',
    kind: integer({ min: 1, max: 10_000 }),
  }),
  retention: setting({
    name: 'HALLPASS_RETENTION',
    group: 'Sessions',
    default: '30d',
    meaning:
      'How long an ended session is kept, for the reason of its end, its name in the history and undoing a revocation; as long API keys that ended.',
    kind: duration({ min: '1s', max: '3650d' }),
  }),
  eventRetention: setting({
    name: 'HALLPASS_EVENT_RETENTION',
    group: 'Sessions',
    default: '400d',
    meaning: 'How long the [history](history.md) is kept, to the month: a month goes when all of it is that old.',
    kind: duration({ min: '1d', max: '3650d' }),
  }),
  ipRetention: setting({
    name: 'HALLPASS_IP_RETENTION',
    group: 'Sessions',
    default: '90d',
    meaning:
      'How long whole IP addresses are kept, in the history and of sessions not used since; after that the network alone, an IPv4 /24 or an IPv6 /48.',
    kind: duration({ min: '1d', max: '3650d' }),
  }),
  unconfirmedSignIn: setting({
    name: 'HALLPASS_UNCONFIRMED_SIGN_IN',
    group: 'Sessions',
    otherwise: '`allow` embedded, `refuse` with `DATABASE_URL`',
    meaning:
      'Whether somebody may sign in before confirming the address: `allow`, or `refuse`, which sends the confirmation again.',
    kind: choice('allow', 'refuse'),
  }),
  geoipDb: setting({
    name: 'HALLPASS_GEOIP_DB',
    group: 'Sessions',
    otherwise: 'none',
    meaning:
      'A GeoIP database file (`.mmdb`) with cities or countries, to show where a device was seen and for the policy `country`. Read again when it changes.',
    kind: path,
  }),
  policies: setting({
    name: 'HALLPASS_POLICIES',
    group: 'Sessions',
    default: 'browser=log, browser_downgrade=log, os=log, country=log, network=log, idle=14d:log, app_version=log',
    meaning:
      'What is done when something about a device is different at a refresh: `off`, `log`, `notify`, `step-up` or `revoke`, each also as `shadow:revoke`. A rule that is not named is `log`. See [policies](policies.md).',
    kind: policyList,
  }),
  policiesShadow: setting({
    name: 'HALLPASS_POLICIES_SHADOW',
    group: 'Sessions',
    default: 'off',
    meaning: '`on`: no policy does anything; what each would have done is counted.',
    kind: onOff,
  }),
  breachedPasswordsUrl: setting({
    name: 'HALLPASS_BREACHED_PASSWORDS_URL',
    group: 'Passwords',
    otherwise: 'none: nobody is asked',
    meaning:
      'Where the range API of Have I Been Pwned is, `https://api.pwnedpasswords.com` or a mirror: a new password that was in a data breach is refused. All that is told is five hexadecimal digits of its SHA-1. Without an answer within a second it passes.',
    kind: serviceUrl,
  }),
  allowedOrigins: setting({
    name: 'HALLPASS_ALLOWED_ORIGINS',
    group: 'Browsers and proxies',
    otherwise: 'none but the issuer’s own; embedded on localhost also `http://localhost:*`',
    meaning:
      'The origins of your browser applications, exact and comma-separated. The issuer’s own is always allowed; `http://localhost:*` is any port of localhost.',
    kind: listOf(origin),
  }),
  trustedProxies: setting({
    name: 'HALLPASS_TRUSTED_PROXIES',
    group: 'Browsers and proxies',
    otherwise: 'none',
    meaning:
      'Addresses or CIDR ranges of your reverse proxies, comma-separated: only they are believed when they say who a request came from.',
    kind: listOf(addressRange),
  }),
  smtpUrl: setting({
    name: 'SMTP_URL',
    group: 'Mail',
    otherwise: 'none',
    meaning:
      'Where mail is handed over, `smtps://user:password@host:465` or `smtp://host:587`, which takes STARTTLS where it is offered. Required, except on the embedded store with an issuer on localhost: there mail is kept and shown at `/dev/mailbox`.',
    isSecret: true,
    kind: urlWithPassword('smtp', 'smtps'),
  }),
  mailFrom: setting({
    name: 'HALLPASS_MAIL_FROM',
    group: 'Mail',
    otherwise: 'none',
    meaning: 'The sender of every mail, `Example <post@example.com>`. Required with `SMTP_URL`.',
    kind: mailbox,
  }),
  mailTemplates: setting({
    name: 'HALLPASS_MAIL_TEMPLATES',
    group: 'Mail',
    otherwise: 'none',
    meaning: 'A directory with mail templates of your own, each of which takes the place of ours: see [mail](mail.md).',
    kind: path,
  }),
}

export type SettingKey = keyof typeof settings

type ValueOf<Entry> = Entry extends Setting<infer Value> ? Value : never

/** The value of every setting, by its key. */
export type SettingValues = { [Key in SettingKey]: ValueOf<(typeof settings)[Key]> }

/** The keys in the order of the table. */
export const settingKeys = Object.keys(settings) as SettingKey[]
