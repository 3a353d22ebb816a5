/** Which failures of a store mean "not now": nothing was decided, the same request may be repeated. */
import { Unavailable } from '../errors.ts'

/**
 * SQLSTATE classes and codes: connection (08), no resources (53), operator intervention and time-outs
 * (57), serialization and deadlock (40), lock not available (55P03), a standby that is read-only (25006),
 * idle in transaction (25P03),
 * a password or a name that is being changed (28, 3D000).
 */
const UNAVAILABLE_STATES = /^(08...|28...|3D000|53...|57...|40...|55P03|25006|25P03|58030)$/
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ECONNABORTED',
])
/** node-postgres gives these no code. */
const UNAVAILABLE_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|connection error and is not queryable/

/** The same error, or `Unavailable` around it where trying again is the right answer. */
export function asUnavailable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Unavailable) return error
  const code = codeOf(error)
  const isUnavailable =
    (code !== undefined && (UNAVAILABLE_STATES.test(code) || NETWORK_CODES.has(code))) ||
    UNAVAILABLE_MESSAGES.test(error.message)
  return isUnavailable ? new Unavailable('the database cannot answer now', { cause: error }) : error
}

/**
 * The database says of a statement that nothing was done, which others may try again by other means: a value that it
 * cannot take (22, 23), serialization, deadlock, lock not available. Not 40003: by that it says that it does not know.
 */
export const wasRolledBack = (error: unknown): boolean =>
  error instanceof Error && /^(22...|23...|40001|40P01|55P03)$/.test(codeOf(error) ?? '')

function codeOf(error: Error): string | undefined {
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause instanceof Error ? codeOf(error.cause) : undefined
}
