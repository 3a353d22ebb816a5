/** How operators say which sessions, and when. */
import { InvalidArgumentError, type Command } from 'commander'
import type { SessionPredicate } from '../sessions/predicate.ts'
import { duration, InvalidValue } from '../settings/values.ts'

/** Seconds. */
export function span(text: string): number {
  try {
    return duration({ min: '1s', max: '10000d' }).parse(text)
  } catch (error) {
    throw error instanceof InvalidValue ? new InvalidArgumentError(`It ${error.message}.`) : error
  }
}

/** A span from now on, or a time. */
export function when(text: string): Date {
  if (!/^\d{4}-/.test(text)) return new Date(Date.now() + span(text) * 1000)
  return instant(text)
}

function instant(text: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('It is not a time, such as 2026-11-24T19:00:00Z.')
  return time
}

export interface PredicateOptions {
  readonly client?: string
  readonly platform?: string
  readonly app?: string
  readonly appVersionBelow?: string
  readonly country?: string
  readonly ip?: string
  readonly createdBefore?: Date
  readonly method?: string
}

/** Which sessions a command is about: all that is said has to hold. */
export const withPredicate = (command: Command): Command =>
  command
    .option('--client <client-id>', 'of this application')
    .option('--platform <name>', 'on this system: android, ios, windows, ...')
    .option('--app <name>', 'of the app of this name')
    .option('--app-version-below <version>', 'of an app older than this: 2.9 is below 2.10')
    .option('--country <code>', 'last seen in this country: DE')
    .option('--ip <block>', 'used from this address or block, first or last: 192.0.2.0/24')
    .option('--created-before <time>', 'signed in before: 2026-11-24T19:00:00Z', instant)
    .option('--method <amr>', 'signed in by this method: pwd, otp')

export const predicateOf = (options: PredicateOptions): SessionPredicate => ({
  clientId: options.client,
  platform: options.platform,
  app: options.app,
  appVersionBelow: options.appVersionBelow,
  country: options.country,
  ip: options.ip,
  createdBefore: options.createdBefore,
  method: options.method,
})
