/**
 * What each rule compares. A rule trips where a device that did nothing but age would not: an update never does,
 * nor does what is not known on either side.
 */
import { networkOf, UNKNOWN_NETWORK } from '../rate-limits/network.ts'
import type { NameAndVersion } from './device-clues.ts'
import type { PolicyRule } from './policy.ts'
import { cluesFromUserAgent } from './user-agent.ts'
import { isBelow, wentDown } from './versions.ts'

/** A device and its place, as they were seen once. Null and empty are "not known". */
export interface Sight {
  readonly userAgent: string
  readonly browser: NameAndVersion
  /** The system's name. */
  readonly os: string | null
  /** ISO 3166-1. */
  readonly country: string | null
  readonly ip: string | null
}

export interface Refreshing {
  readonly before: Sight
  readonly now: Sight
  readonly lastUsedAt: Date
  readonly at: Date
  /** Seconds. */
  readonly idleAfter: number
  /** What the app says of itself, and what its client asks for. */
  readonly appVersion: string | null
  readonly minAppVersion: string | null
}

/** What was there before, or should be, and what is there now. */
export interface Difference {
  readonly from: string
  readonly to: string
}

/** @returns null where the rule does not trip */
export const POLICY_COMPARISONS: Readonly<Record<PolicyRule, (refreshing: Refreshing) => Difference | null>> = {
  browser: ({ before, now }) => difference(browserFamily(before), browserFamily(now)),

  browser_downgrade({ before: { browser: before, ...was }, now: { browser: now, ...is } }) {
    const isSame = before.name === now.name && isBrowser(was.userAgent) && isBrowser(is.userAgent)
    if (!isSame || !wentDown(before.version, now.version)) return null
    return { from: named(before), to: named(now) }
  },

  os: ({ before, now }) => difference(systemFamily(before.os), systemFamily(now.os)),

  country: ({ before, now }) => difference(before.country, now.country),

  network: ({ before, now }) => difference(neighbourhoodOf(before.ip), neighbourhoodOf(now.ip)),

  idle: ({ lastUsedAt, at, idleAfter }) =>
    at.getTime() - lastUsedAt.getTime() >= idleAfter * 1000
      ? { from: lastUsedAt.toISOString(), to: at.toISOString() }
      : null,

  app_version: ({ appVersion, minAppVersion }) =>
    isBelow(appVersion, minAppVersion) ? { from: minAppVersion ?? '', to: appVersion ?? '' } : null,
}

const difference = (from: string | null, to: string | null): Difference | null =>
  from !== null && to !== null && from !== to ? { from, to } : null

const named = ({ name, version }: NameAndVersion): string => `${name} ${version}`

const isBrowser = (userAgent: string): boolean => /^(?:Mozilla|Opera)\//.test(userAgent)

/**
 * By the User-Agent alone, which every request has: client hints tell Brave from Chrome, but not every request
 * brings them. What is no browser is one family, since an app may come back from an update with another HTTP library.
 */
function browserFamily({ userAgent }: Sight): string | null {
  if (userAgent !== '' && !isBrowser(userAgent)) return 'not a browser'
  return cluesFromUserAgent(userAgent).browser.name?.replace(/^Mobile /, '') ?? null
}

/** "Request desktop site" makes a Mac of an iPhone or an iPad, and a Linux machine of an Android device. */
const systemFamily = (os: string | null): string | null => (os === null ? null : (SYSTEM_FAMILIES.get(os) ?? os))

const SYSTEM_FAMILIES = new Map([
  ...['macOS', 'iOS', 'iPadOS', 'visionOS'].map((name): [string, string] => [name, 'Apple']),
  ...['Linux', 'Ubuntu', 'Debian', 'Fedora', 'Android', 'ChromeOS'].map((name): [string, string] => [name, 'Linux']),
])

/** Bits: what a provider hands out of together. */
export const NEIGHBOURHOOD = { ipv4: 24, ipv6: 48 }

function neighbourhoodOf(ip: string | null): string | null {
  const network = networkOf(ip, NEIGHBOURHOOD)
  return network === UNKNOWN_NETWORK ? null : network
}
