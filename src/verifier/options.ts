/** What a verifier is told, checked as a whole when it is made. */
import { systemClock, type Clock } from './clock.ts'
import type { Follow } from './following.ts'
import type { ApiKeyCredential, Fetch } from './service.ts'

/** What to do with a good token while nobody knows what was revoked in the last `maxStaleness` seconds. */
export type OnStale = 'accept' | 'reject' | 'introspect'

export interface VerifierOptions {
  /** `iss` of the tokens: `HALLPASS_ISSUER` of the service, character by character. */
  readonly issuer: string
  /** What this API is called in `aud`; with several, one of them has to be there. */
  readonly audience: string | readonly string[]
  /**
   * With it the verifier follows the feed of revocations; without it a revoked token is good until it expires.
   * `hallpass api-keys create --scope revocations:read`, and `introspect` where `onStale` says so.
   */
  readonly apiKey?: ApiKeyCredential
  /**
   * How to follow; `stream` by default. `on-demand` is for runtimes that run nothing between requests, also
   * without an `apiKey`: nothing, the keys included, is asked for but by a request. Cloudflare's workers do so
   * by default.
   */
  readonly follow?: Follow
  /** Seconds between two polls; 5 by default. */
  readonly pollInterval?: number
  /** Seconds for which the feed may say nothing before `onStale` applies; 30 by default. */
  readonly maxStaleness?: number
  /** `accept` by default; routes may differ. */
  readonly onStale?: OnStale
  /** Seconds for which the keys are good after the issuer last confirmed them; a day by default. */
  readonly keepKeysFor?: number
  /** Seconds by which clocks may differ: 10 by default, 60 at most. */
  readonly clockTolerance?: number
  /** Tokens that are remembered as good: 10,000 by default, 0 for none. */
  readonly cacheSize?: number
  /** A fixed word for challenges. */
  readonly realm?: string
  /** For challenges: the URL where this API describes itself (RFC 9728). */
  readonly resourceMetadata?: string
  /** Seals snapshots; derived from the API key by default. 32 characters at least. */
  readonly snapshotSecret?: string
  /** Where to reach the service, if not at the issuer's own URL. */
  readonly serviceUrl?: string
  /** Lets the service be asked over http; on localhost that is no question. */
  readonly allowHttp?: boolean
  /** Told of every attempt to reach the issuer that failed. Nothing is thrown for it: the verifier goes on trying. */
  readonly onFailure?: (error: unknown) => void
  readonly fetch?: Fetch
  readonly clock?: Clock
}

export type Settings = Readonly<
  Required<Omit<VerifierOptions, 'apiKey' | 'realm' | 'resourceMetadata' | 'snapshotSecret' | 'allowHttp' | 'audience'>>
> & {
  readonly audience: readonly string[]
  readonly apiKey: ApiKeyCredential | null
  readonly realm: string | undefined
  readonly resourceMetadata: string | undefined
  readonly snapshotSecret: string | null
}

/** A worker may begin nothing before its first request, and nothing outlives a request. */
const isWorker = (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === 'Cloudflare-Workers'

const DEFAULTS = {
  follow: isWorker ? 'on-demand' : 'stream',
  pollInterval: 5,
  maxStaleness: 30,
  onStale: 'accept',
  keepKeysFor: 86_400,
  clockTolerance: 10,
  cacheSize: 10_000,
  realm: undefined,
  resourceMetadata: undefined,
  onFailure: () => undefined,
  fetch: (url: string, init: RequestInit) => fetch(url, init),
  clock: systemClock,
} as const

/** @throws {TypeError} that names the option */
export function readOptions(options: VerifierOptions): Settings {
  // Undefined is what an option is that somebody reads from an environment which does not have it.
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as VerifierOptions
  const { apiKey = null, audience, serviceUrl = given.issuer, snapshotSecret = apiKey?.key ?? null } = given
  const settings: Settings = {
    ...DEFAULTS,
    ...given,
    apiKey,
    audience: typeof audience === 'string' ? [audience] : audience,
    serviceUrl: String(serviceUrl).replace(/\/+$/, ''),
    snapshotSecret,
  }
  const fault = RULES.find(([isKept]) => !isKept(settings, given))
  if (fault !== undefined) throw new TypeError(fault[1])
  return Object.freeze(settings)
}

type Rule = [isKept: (settings: Settings, options: VerifierOptions) => boolean, otherwise: string]

const RULES: Rule[] = [
  [
    ({ issuer, serviceUrl }) => [issuer, serviceUrl].every(isAddress),
    'issuer and serviceUrl are URLs, https or http, without a query, a fragment or a password',
  ],
  [
    ({ audience }) => Array.isArray(audience) && audience.length > 0 && audience.every(Boolean),
    'audience has to name this API: a token is for somebody',
  ],
  [
    ({ serviceUrl }, { allowHttp = false }) => allowHttp || isSafe(new URL(serviceUrl)),
    'issuer and serviceUrl are asked over https only, unless allowHttp is true',
  ],
  [
    ({ apiKey }) => apiKey === null || isCredential(apiKey),
    'apiKey is the id and the key, as hallpass api-keys create prints them',
  ],
  [({ follow }) => ['stream', 'poll', 'on-demand'].includes(follow), 'follow is stream, poll or on-demand'],
  [({ onStale }) => ['accept', 'reject', 'introspect'].includes(onStale), 'onStale is accept, reject or introspect'],
  [
    ({ pollInterval, maxStaleness, keepKeysFor }) =>
      [pollInterval, maxStaleness, keepKeysFor].every((each) => each > 0 && each < Infinity),
    'pollInterval, maxStaleness and keepKeysFor are numbers of seconds above 0',
  ],
  [({ clockTolerance: each }) => each >= 0 && each <= 60, 'clockTolerance lies between 0 and 60 seconds'],
  [({ cacheSize }) => cacheSize >= 0, 'cacheSize is a number of tokens'],
  [
    ({ realm, resourceMetadata }) => [realm, resourceMetadata].every(isQuotable),
    'realm and resourceMetadata take printable ASCII without " and \\',
  ],
  [({ snapshotSecret: each }) => each === null || each.length >= 32, 'snapshotSecret has 32 characters at least'],
  [({ apiKey, onStale }) => apiKey !== null || onStale === 'accept', 'onStale needs an apiKey'],
  [
    ({ apiKey }, { follow = 'on-demand' }) => apiKey !== null || follow === 'on-demand',
    'follow needs an apiKey, unless it is on-demand',
  ],
]

const isAddress = (url: string): boolean => {
  if (!URL.canParse(url) || /[?#]/.test(url)) return false
  const { protocol, username, password } = new URL(url)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

/** What HTTP Basic can carry (RFC 7617 section 2), and as long as a secret has to be that snapshots are sealed with. */
const isCredential = ({ id, key }: Partial<ApiKeyCredential>): boolean =>
  /^[\x21-\x39\x3b-\x7e]+$/.test(id ?? '') && /^[\x20-\x7e]{32,}$/.test(key ?? '')

const isSafe = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\]|.*\.localhost)$/.test(hostname))

const isQuotable = (value: string | undefined): boolean =>
  value === undefined || /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
