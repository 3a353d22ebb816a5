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
  /** How to follow; `stream` by default. */
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

/** @throws {TypeError} that names the option */
export function readOptions(options: VerifierOptions): Settings {
  const { issuer, apiKey = null, realm, resourceMetadata, serviceUrl = issuer, allowHttp = false } = options
  const audience = typeof options.audience === 'string' ? [options.audience] : [...(options.audience ?? [])]
  const clockTolerance = options.clockTolerance ?? 10
  const snapshotSecret = options.snapshotSecret ?? apiKey?.key ?? null

  demand(typeof issuer === 'string' && URL.canParse(issuer), 'issuer has to be a URL')
  demand(audience.length > 0 && audience.every(Boolean), 'audience has to name this API: every token is for somebody')
  demand(URL.canParse(serviceUrl), 'serviceUrl has to be a URL')
  demand(allowHttp || isSafe(new URL(serviceUrl)), 'the issuer is asked over https only, unless allowHttp is true')
  demand(clockTolerance >= 0 && clockTolerance <= 60, 'clockTolerance lies between 0 and 60 seconds')
  demand(
    [realm, resourceMetadata].every(isQuotable),
    'realm and resourceMetadata take printable ASCII without " and \\',
  )
  demand(snapshotSecret === null || snapshotSecret.length >= 32, 'snapshotSecret has 32 characters at least')
  demand(apiKey !== null || (options.onStale ?? 'accept') === 'accept', 'onStale needs an apiKey')
  demand(apiKey !== null || options.follow === undefined, 'follow needs an apiKey')

  return Object.freeze({
    issuer,
    audience,
    apiKey,
    realm,
    resourceMetadata,
    snapshotSecret,
    serviceUrl: serviceUrl.replace(/\/+$/, ''),
    clockTolerance,
    follow: options.follow ?? 'stream',
    pollInterval: positive(options.pollInterval ?? 5, 'pollInterval'),
    maxStaleness: positive(options.maxStaleness ?? 30, 'maxStaleness'),
    onStale: options.onStale ?? 'accept',
    keepKeysFor: positive(options.keepKeysFor ?? 86_400, 'keepKeysFor'),
    cacheSize: options.cacheSize ?? 10_000,
    onFailure: options.onFailure ?? (() => undefined),
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    clock: options.clock ?? systemClock,
  })
}

const isSafe = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' ||
  (protocol === 'http:' && (/^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname) || hostname.endsWith('.localhost')))

const isQuotable = (value: string | undefined): boolean =>
  value === undefined || /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(value)

function positive(value: number, name: string): number {
  demand(Number.isFinite(value) && value > 0, `${name} is a number of seconds above 0`)
  return value
}

function demand(isGood: boolean, message: string): void {
  if (!isGood) throw new TypeError(message)
}
