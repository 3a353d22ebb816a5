/** What sessions can have in common. */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { validate as isUuid } from 'uuid'
import type { Value } from '../database/database.ts'
import { InvalidMember } from './invalid-member.ts'

/** All that is given has to hold. */
export interface SessionPredicate {
  readonly userId?: string | undefined
  readonly clientId?: string | undefined
  /** The system's name, whatever its case: `android`, `ios`, `windows`. */
  readonly platform?: string | undefined
  /** The app's name, whatever its case. */
  readonly app?: string | undefined
  /** An app of an older version, compared number by number: 2.9 is below 2.10. Whoever said no version is not. */
  readonly appVersionBelow?: string | undefined
  /** Where it was last seen: `DE` (ISO 3166-1) or `Germany`, whatever its case. */
  readonly country?: string | undefined
  /** An address or a block (`192.0.2.0/24`) that it was used from first or last. */
  readonly ip?: string | undefined
  readonly createdBefore?: Date | undefined
  /** How the person signed in (`amr`): `pwd`, `otp`, ... */
  readonly method?: string | undefined
}

/** Whether it would be everybody's sessions. */
export const hasNone = (predicate: SessionPredicate): boolean =>
  Object.values(predicate).every((value) => value === undefined)

/** Numbers of a version that are compared, each of at most 9 digits. */
const VERSION_PARTS = 6
const VERSION = new RegExp(`^[0-9]{1,9}(\\.[0-9]{1,9}){0,${VERSION_PARTS - 1}}$`)

/** The condition, with its values from `$first` on. All of a version is compared that is numbers: 2.3.1-beta as 2.3.1. */
export const matches = (first: number): string => `
  ($${first}::text is null or client_id = $${first}::text)
  and ($${first + 1}::text is null or lower(os_name) = $${first + 1}::text)
  and ($${first + 2}::text is null or lower(app_name) = $${first + 2}::text)
  and ($${first + 3}::text[] is null or ${versionIn('app_version')} < $${first + 3}::int[])
  and ($${first + 4}::text is null
    or $${first + 4}::text in (upper(location->>'code'), upper(location->>'country')))
  and ($${first + 5}::inet is null or ip_last <<= $${first + 5}::inet or ip_first <<= $${first + 5}::inet)
  and ($${first + 6}::timestamptz is null or created_at < $${first + 6}::timestamptz)
  and ($${first + 7}::text is null or $${first + 7}::text = any (amr))`

/** As many numbers for every version, so that 2.1 and 2.1.0 are the same. */
function versionIn(column: string): string {
  const numbers = `substring(${column}, '^[0-9]{1,9}(?:\\.[0-9]{1,9}){0,${VERSION_PARTS - 1}}(?![0-9])')`
  return `(string_to_array(${numbers} || '${'.0'.repeat(VERSION_PARTS - 1)}', '.'))[1:${VERSION_PARTS}]::int[]`
}

/** @throws {InvalidMember} pointer and code, by the names of the HTTP contract */
export function predicateValues(predicate: SessionPredicate): Value[] {
  checkPredicate(predicate)
  const { clientId, platform, app, appVersionBelow, country, ip, createdBefore, method } = predicate
  const values: (Value | undefined)[] = [
    clientId,
    platform?.toLowerCase(),
    app?.toLowerCase(),
    appVersionBelow && versionParts(appVersionBelow),
    country?.toUpperCase(),
    ip && blockIn(ip),
    createdBefore,
    method,
  ]
  return values.map((value) => value ?? null)
}

function checkPredicate({ userId, createdBefore, ...texts }: SessionPredicate): void {
  if (userId !== undefined && !isUuid(userId)) throw new InvalidMember('/user_id', 'invalid_id')
  if (Number.isNaN(createdBefore?.getTime())) throw new InvalidMember('/created_before', 'invalid_time')
  for (const [name, text] of Object.entries(texts)) {
    if (text !== undefined && !isName(text)) throw new InvalidMember(`/${snakeCase(name)}`, 'invalid_text')
  }
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** PostgreSQL's text takes no NUL. */
const isName = (text: string): boolean =>
  text !== '' && text.length <= 255 && !text.includes('\0') && text.isWellFormed()

function versionParts(text: string): string[] {
  if (!VERSION.test(text)) throw new InvalidMember('/app_version_below', 'invalid_version')
  const parts = text.split('.')
  return [...parts, ...Array.from({ length: VERSION_PARTS - parts.length }, () => '0')]
}

/** As `inet` takes it; an address is a block of one. */
function blockIn(text: string): string {
  const [address = ''] = text.split('/')
  const isBlock = text !== address
  if (isIP(address) === 0 || address.includes('%') || (isBlock && !ipaddr.isValidCIDR(text))) {
    throw new InvalidMember('/ip', 'invalid_ip')
  }
  return isBlock ? text : ipaddr.process(address).toString()
}
