/**
 * The issuer's keys: fetched at the start, fetched anew in the background at 80 % of their age, kept through an
 * outage. Nobody waits for a fetch who holds a token of a known key.
 */
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { paths } from '../protocol/paths.ts'
import { ALGORITHMS, type VerificationKey } from './check-token.ts'
import { backOff, type Clock } from './clock.ts'
import { isObject } from './json.ts'
import { Refused } from './refused.ts'
import { failureOf, readJson, retryAfterOf, ServiceFailure, type Service } from './service.ts'

export interface JsonWebKeySet {
  readonly keys: readonly JWK[]
}

export interface Keys {
  /** @throws {Refused} `issuer_unreachable`, where nobody can say whether there is such a key */
  find(kid: string): Promise<VerificationKey | undefined> | VerificationKey
  /** @throws {Refused} `issuer_unreachable` */
  ready(): Promise<void>
  /** The issuer says what ETag its keys have now. Resolves when they are known, or cannot be. */
  announced(etag: string): Promise<void>
  /** What is known, to be saved; null before the first fetch. */
  saved(): SavedKeys | null
  /** What was saved, unless something newer is known. */
  restore(saved: SavedKeys): Promise<void>
  /** Called when a key that was known is known no more. */
  onWithdrawn(run: () => void): void
  /** Since they were last confirmed by the issuer, seconds; Infinity before. */
  readonly age: number
  /** Until then what they signed is good, however long ago it was checked. By the monotonic clock, milliseconds. */
  readonly goodUntil: number
  readonly kids: string[]
  close(): void
}

export interface SavedKeys {
  readonly jwks: JsonWebKeySet
  /** Milliseconds since 1970. */
  readonly fetchedAt: number
}

/** Bytes; a set of four RSA keys has 3,000. */
const LARGEST_SET = 64 * 1024
/** Where the answer does not say how long it is good. Seconds. */
const DEFAULT_AGE = 300
const SHORTEST_AGE = 10
/** A strange `kid` has the keys fetched, but no more often than this. Milliseconds. */
const COOLDOWN = 30_000
/** Whoever asked longer ago was cut off. Milliseconds. */
const LONGEST_ASKING = 10_000
/** Between attempts while the issuer is away. Milliseconds. */
const FIRST_WAIT = 1_000
const LONGEST_WAIT = 60_000

interface KnownKey extends VerificationKey {
  readonly kid: string
  readonly thumb: string
}

export function createKeys(deps: {
  service: Service
  clock: Clock
  /** How long keys are good after the issuer last confirmed them; seconds. */
  keepFor: number
  /** Whether to fetch without being asked. */
  isInBackground: boolean
  onFailure: (error: unknown) => void
}): Keys {
  const { service, clock, keepFor, isInBackground, onFailure } = deps
  let known = new Map<string, KnownKey>()
  let jwks: JsonWebKeySet | null = null
  let etag: string | null = null
  /** What was announced when they were last fetched for it: proxies change ETags, or drop them. */
  let fetchedFor: string | null = null
  /** By the monotonic clock, milliseconds. */
  let confirmedAt = -Infinity
  let maxAge = DEFAULT_AGE * 1000
  let strangerAskedAt = -Infinity
  let isStrangerAsking = false
  let failures = 0
  let mayAskAt = -Infinity
  let flight: Promise<void> | undefined
  let cancelNext = (): void => undefined
  let isClosed = false
  const withdrawn: (() => void)[] = []

  const age = (): number => clock.monotonic() - confirmedAt
  const isKept = (): boolean => age() <= keepFor * 1000

  function find(kid: string): Promise<VerificationKey | undefined> | VerificationKey {
    const key = known.get(kid)
    // Past its whole age only where no timer ran: a process that slept looks before it goes on.
    return key !== undefined && age() < maxAge ? key : findSlowly(kid)
  }

  async function findSlowly(kid: string): Promise<VerificationKey | undefined> {
    if (age() >= maxAge) {
      // In an outage nobody waits for one attempt after another.
      const isWaitedFor = failures === 0 || !isKept()
      const fetched = fetchUnlessInVain()
      if (isWaitedFor) await fetched
    }
    if (!isKept()) throw unreachable()
    if (!known.has(kid)) await fetchForStranger(kid)
    const found = known.get(kid)
    // A new key may be among those that cannot be fetched.
    if (found === undefined && failures > 0) throw unreachable()
    return found
  }

  async function fetchForStranger(kid: string): Promise<void> {
    await flight?.catch(() => undefined)
    if (known.has(kid)) return
    // The set that was under way may be older than the key: that was not the stranger's turn.
    if (flight === undefined) {
      const since = clock.monotonic() - strangerAskedAt
      // On demand another request asks at this moment, and cannot be waited for: nobody can tell yet.
      if (isStrangerAsking && since < LONGEST_ASKING) throw unreachable()
      // Whoever asks still was cut off: that was nobody's turn.
      if ((since < COOLDOWN && !isStrangerAsking) || clock.monotonic() < mayAskAt) return
      strangerAskedAt = clock.monotonic()
    }
    isStrangerAsking = true
    await fetchKeys().catch(() => undefined)
    isStrangerAsking = false
  }

  /** Whoever comes while the issuer is away waits for the attempt under way, and begins none of their own. */
  async function fetchUnlessInVain(): Promise<void> {
    if (flight === undefined && clock.monotonic() < mayAskAt) return
    await fetchKeys().catch(() => undefined)
  }

  /** Where nothing runs between requests, what one request began never ends for another, should it be cut off. */
  const fetchKeys = (): Promise<void> =>
    isInBackground ? (flight ??= fetchOnce().finally(() => (flight = undefined))) : fetchOnce()

  async function fetchOnce(): Promise<void> {
    cancelNext()
    try {
      await ask()
      failures = 0
      mayAskAt = -Infinity
      fetchAfter(maxAge * 0.8)
    } catch (error) {
      const wait = Math.max(backOff(failures, FIRST_WAIT, LONGEST_WAIT), retryAfterOf(error))
      // Attempts side by side fail for one reason, and count as one.
      if (clock.monotonic() >= mayAskAt) failures += 1
      mayAskAt = clock.monotonic() + wait
      fetchAfter(wait)
      onFailure(error)
      throw error
    }
  }

  function fetchAfter(milliseconds: number): void {
    if (isClosed || !isInBackground) return
    cancelNext = clock.after(milliseconds, () => void fetchKeys().catch(() => undefined))
  }

  async function ask(): Promise<void> {
    const askedAt = clock.monotonic()
    const headers = { 'cache-control': 'no-cache', ...(etag === null ? {} : { 'if-none-match': `"${etag}"` }) }
    await service.ask(paths.jwks, { headers }, async (response) => {
      if (response.status !== 304 || jwks === null) {
        if (response.status !== 200) throw failureOf(paths.jwks, response)
        const body = await readJson(paths.jwks, response, LARGEST_SET)
        const read = await readKeys(body)
        if (askedAt < confirmedAt) return // the answer to somebody who asked later came before
        adopt(body, read)
        etag = tagIn(response.headers.get('etag'))
      }
      confirmedAt = Math.max(confirmedAt, askedAt)
      maxAge = Math.min(maxAgeIn(response.headers.get('cache-control')), keepFor) * 1000
    })
  }

  /** @throws {ServiceFailure} for what has no key that could be used */
  function adopt(body: object, read: Map<string, KnownKey>): void {
    if (read.size === 0) throw new ServiceFailure(`${paths.jwks} has no key to check tokens with`)
    const isGone = [...known.values()].some(({ kid, thumb }) => read.get(kid)?.thumb !== thumb)
    known = read
    jwks = body as JsonWebKeySet
    if (isGone) for (const run of withdrawn) run()
  }

  const unreachable = (): Refused =>
    new Refused('issuer_unreachable', 'the keys of the issuer cannot be fetched', {
      retryAfter: Math.max(0, mayAskAt - clock.monotonic()) / 1000,
    })

  return {
    find,
    async ready() {
      if (age() >= maxAge) await fetchUnlessInVain()
      if (!isKept()) throw unreachable()
    },
    async announced(announcedTag) {
      if (announcedTag === etag || announcedTag === fetchedFor) return
      // Whoever announces can be reached: that ends a back-off, where nothing can be checked meanwhile.
      if (isKept() && clock.monotonic() < mayAskAt) return
      await fetchKeys().then(
        () => void (fetchedFor = announcedTag),
        () => undefined,
      )
    },
    saved: () => (jwks === null ? null : { jwks, fetchedAt: clock.now() - age() }),
    async restore(saved) {
      const read = await readKeys(saved.jwks)
      const since = clock.monotonic() - Math.max(0, clock.now() - saved.fetchedAt)
      if (since <= confirmedAt) return
      adopt(saved.jwks, read)
      etag = null // which was that of others
      confirmedAt = since
    },
    onWithdrawn: (run) => void withdrawn.push(run),
    get age() {
      return age() / 1000
    },
    get goodUntil() {
      // On demand nobody fetches between requests: who holds a known token looks, too.
      return confirmedAt + (isInBackground ? keepFor * 1000 : maxAge)
    },
    get kids() {
      return [...known.keys()]
    },
    close() {
      isClosed = true
      cancelNext()
    },
  }
}

async function readKeys(body: object): Promise<Map<string, KnownKey>> {
  const keys = 'keys' in body && Array.isArray(body.keys) ? (body.keys as unknown[]) : []
  const read = await Promise.all(keys.filter(isObject).map(readKey))
  return new Map(read.flatMap((key) => (key === null ? [] : [[key.kid, key]])))
}

/** Null for a key of another kind, use or form: it is somebody else's. */
async function readKey(jwk: Record<string, unknown>): Promise<KnownKey | null> {
  const { kid, kty, crv, alg = algorithmOf(kty, crv), use = 'sig' } = jwk
  if (typeof kid !== 'string' || use !== 'sig' || !ALGORITHMS.some((each) => each === alg)) return null
  // The algorithm is the key's own, whatever the set says of it (RFC 8725 section 3.1).
  if (alg !== algorithmOf(kty, crv)) return null
  try {
    const { x, y, n, e, d } = jwk
    // Whose private half is published, everybody signs with it.
    if (d !== undefined) return null
    const key = await importJWK(JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JWK, alg as string)
    if (key instanceof Uint8Array || isWeak(key)) return null
    return { kid, alg: alg as string, key, thumb: JSON.stringify([alg, x, y, n, e]) }
  } catch {
    return null
  }
}

/** RFC 7518 section 3.3; and with an exponent of 1 the signature is the message itself. */
function isWeak({ algorithm }: CryptoKey): boolean {
  if (!('modulusLength' in algorithm)) return false
  const { modulusLength, publicExponent } = algorithm as typeof algorithm & { publicExponent: Uint8Array }
  return Number(modulusLength) < 2048 || publicExponent.reduce((number, byte) => number * 256 + byte, 0) < 3
}

function algorithmOf(kty: unknown, crv: unknown): string | undefined {
  if (kty === 'RSA') return 'RS256'
  if (kty === 'EC' && crv === 'P-256') return 'ES256'
  return kty === 'OKP' && crv === 'Ed25519' ? 'EdDSA' : undefined
}

/** Also as a proxy that compresses writes it: weak. */
const tagIn = (etag: string | null): string | null => /^(?:W\/)?"([^"]*)"$/.exec(etag ?? '')?.[1] ?? null

/** Seconds. */
function maxAgeIn(cacheControl: string | null): number {
  const [, seconds] = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(cacheControl ?? '') ?? []
  return seconds === undefined ? DEFAULT_AGE : Math.max(SHORTEST_AGE, Number(seconds))
}
