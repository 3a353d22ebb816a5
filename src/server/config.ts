/**
 * The configuration: read once at the start, checked as a whole, and frozen. Every setting with its
 * default and meaning is in settings.ts, what settings have to do with each other in settings/rules.ts.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { settingKeys, settings } from './settings.ts'
import { readGiven } from './settings/environment.ts'
import { applyRules, faultRules, warningRules } from './settings/rules.ts'
import type { Setting, SettingKey, SettingValues } from './settings.ts'
import type { Environment, Given } from './settings/environment.ts'

/** Settings that have no value unless they are given. */
type Optional =
  | 'theme'
  | 'logo'
  | 'preset'
  | 'databaseUrl'
  | 'databaseDirectUrl'
  | 'secret'
  | 'importedTokenSalt'
  | 'breachedPasswordsUrl'
  | 'geoipDb'
  | 'smtpUrl'
  | 'mailFrom'
  | 'mailTemplates'

/** Every setting by its key, durations in seconds; frozen, and with secrets in it, so never to be logged. */
export interface Config extends Readonly<
  Omit<SettingValues, Optional | 'workers'> & { [Key in Optional]: SettingValues[Key] | null }
> {
  /** How many processes serve: `auto` is a number here. */
  readonly workers: number
  /** Plain http on localhost, 127.0.0.1 or [::1]: development, where a cookie does without Secure. */
  readonly isIssuerLocal: boolean
  /** Whoever embeds the service delivers its mails in another way. */
  readonly bringsDelivery: boolean
  /** Where each value came from: `environment`, `file <path>`, `preset strict` or `default`. */
  readonly sources: Readonly<Record<SettingKey, string>>
  /** What the operator should know, but does not stop the start. */
  readonly warnings: readonly string[]
}

/** The configuration cannot be used. `faults` has one sentence for each mistake, and no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.faults = faults
  }
}

/**
 * Reads and checks every setting. It touches nothing but the files that `<NAME>_FILE` names.
 *
 * @param environment names and texts as `loadEnvironment` returns them; an empty text is no text
 * @param options.bringsDelivery whoever embeds the service delivers its mails, so that SMTP_URL may be missing
 * @throws {ConfigError} all that is wrong, at once
 */
export function readConfig(environment: Environment, options: { bringsDelivery?: boolean } = {}): Config {
  const given = readGiven(environment)
  const config = { ...withDefaults(given), bringsDelivery: options.bringsDelivery ?? false }
  const faults = [...given.faults, ...applyRules(faultRules, config, given.faulty)]
  if (faults.length > 0) throw new ConfigError(faults)
  return freezeDeeply({ ...config, warnings: applyRules(warningRules, config, given.faulty) })
}

function withDefaults(given: Given): Omit<Config, 'warnings' | 'bringsDelivery'> {
  const { values, sources } = withTableDefaults(given)
  shorten(given, values, sources, 'idleTtl', 'absoluteTtl')
  shorten(given, values, sources, 'accessTtl', 'idleTtl')

  const isEmbedded = values.databaseUrl === null
  const issuer = values.issuer ?? new URL(`http://localhost:${values.port}`).origin
  const isIssuerLocal = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(issuer)
  const usualOrigins = isEmbedded && isIssuerLocal ? ['http://localhost:*'] : []
  return {
    ...values,
    previousSecrets: values.previousSecrets ?? [],
    issuer,
    isIssuerLocal,
    name: values.name ?? new URL(issuer).host,
    audience: values.audience ?? [issuer],
    workers: values.workers === 'auto' ? workersHere(isEmbedded) : values.workers,
    unconfirmedSignIn: values.unconfirmedSignIn ?? (isEmbedded ? 'allow' : 'refuse'),
    allowedOrigins: [...new Set([new URL(issuer).origin, ...(values.allowedOrigins ?? usualOrigins)])],
    trustedProxies: values.trustedProxies ?? [],
    sources,
  }
}

/** One process holds the embedded store. Where a container has fewer cores than its machine, Node knows. */
const workersHere = (isEmbedded: boolean): number => (isEmbedded ? 1 : availableParallelism())

/** Settings that the table gives no text for: what they are without one depends on others. */
type Computed =
  | 'issuer'
  | 'name'
  | 'audience'
  | 'previousSecrets'
  | 'unconfirmedSignIn'
  | 'allowedOrigins'
  | 'trustedProxies'
type Nullable = Optional | Computed
type Values = Omit<SettingValues, Nullable> & { [Key in Nullable]: SettingValues[Key] | null }
type Sources = Record<SettingKey, string>

function withTableDefaults(given: Given): { values: Values; sources: Sources } {
  const values: Partial<Record<SettingKey, unknown>> = {}
  const sources: Partial<Sources> = {}
  for (const key of settingKeys) {
    const setting: Setting<unknown> = settings[key]
    const preset = given.values.preset === 'strict' ? setting.strict : undefined
    const text = preset ?? setting.default
    values[key] = given.values[key] ?? (text === undefined ? null : setting.kind.parse(text))
    sources[key] = given.sources[key] ?? (preset === undefined ? 'default' : 'preset strict')
  }
  return { values: values as Values, sources: sources as Sources }
}

/** A lifetime that nobody set gives way to a shorter one around it; one that was set never changes silently. */
function shorten(
  given: Given,
  values: Values,
  sources: Sources,
  key: 'accessTtl' | 'idleTtl',
  limit: 'idleTtl' | 'absoluteTtl',
): void {
  if (given.values[key] !== undefined || values[key] <= values[limit]) return
  values[key] = values[limit]
  sources[key] += `, shortened to ${settings[limit].name}`
}

function freezeDeeply<Value extends object>(value: Value): Value {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) freezeDeeply(member)
  return Object.freeze(value)
}

/**
 * The process's environment over the `.env` of a directory, which need not exist.
 *
 * @throws {ConfigError} there is a `.env` that cannot be read
 */
export function loadEnvironment(directory: string): Record<string, string | undefined> {
  const environment: Record<string, string | undefined> = readDotenv(join(directory, '.env'))
  for (const name of Object.keys(process.env)) {
    // A setting has two names, itself and its file's: whichever is really set replaces both of .env.
    delete environment[name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : `${name}_FILE`]
  }
  return { ...environment, ...process.env }
}

function readDotenv(file: string): Record<string, string | undefined> {
  try {
    return { ...parseEnv(readFileSync(file, 'utf8')) }
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    if (reason === 'ENOENT') return {}
    throw new ConfigError([`${file} must be a readable file, or not be there at all (${reason})`])
  }
}

/** One line for each setting: its name, the value in effect, and where it came from; secrets are hidden. */
export function describeConfig(config: Config): string[] {
  const width = Math.max(...settingKeys.map((key) => settings[key].name.length))
  return settingKeys.map((key) => {
    const setting: Setting<unknown> = settings[key]
    const value = config[key]
    const isSet = value !== null && !(Array.isArray(value) && value.length === 0)
    const shown = !isSet ? 'not set' : setting.isSecret ? 'set, hidden' : setting.kind.show(value)
    return `${setting.name.padEnd(width)}  ${shown}  (${config.sources[key]})`
  })
}
