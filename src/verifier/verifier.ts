/** One issuer, one API: checks its access tokens here, and knows which sessions are over. */
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { paths } from '../protocol/paths.ts'
import { answerTo, type Answer } from './answer.ts'
import { checkToken } from './check-token.ts'
import { createFollowing, type Following } from './following.ts'
import type { Guard } from './guards.ts'
import { createKeys } from './keys.ts'
import { readOptions, type OnStale, type VerifierOptions } from './options.ts'
import { Refused } from './refused.ts'
import { createRevocations, type EndReason } from './revocations.ts'
import { createService, failureOf, readJson } from './service.ts'
import { openSnapshot, sealSnapshot } from './snapshot.ts'
import { createTokenCache } from './token-cache.ts'

export interface VerifyOptions {
  /** What the route asks for; see `requireScope`, `requireClaim`, `requireRecentAuth`. */
  readonly guards?: readonly Guard[]
  /** In place of the verifier's own. */
  readonly onStale?: OnStale
}

export interface Verifier {
  /**
   * @param credential an access token, or an `Authorization` header as it came; nothing for no token
   * @returns its claims, which nobody can change
   * @throws {Refused} with a stable code
   */
  verify(credential: string | null | undefined, options?: VerifyOptions): Promise<AccessTokenClaims>
  /**
   * Calls back once when the session of a token is over, for what is kept open longer than a request.
   * `unknown`: the feed was lost for so long that nobody can know.
   * @returns to stop that
   */
  onEnd(token: AccessTokenClaims, run: (reason: EndReason) => void): () => void
  /** Resolves when keys and revocations are known. @throws {Refused} the issuer cannot be reached; it goes on trying */
  ready(): Promise<void>
  /** A refusal as an HTTP answer. @throws what is none */
  answer(error: unknown): Answer
  /** For metrics and health checks. */
  status(): VerifierStatus
  /** Keys and revocations, signed: for `restore`. @throws {Refused} nothing is known yet */
  snapshot(): Promise<string>
  /** Goes on from there, unless something newer is known. @throws {Error} it was not sealed with this secret */
  restore(snapshot: string): Promise<void>
  /** Ends what runs in the background. */
  close(): void
}

/** Durations are seconds. */
export interface VerifierStatus {
  readonly keys: { readonly kids: readonly string[]; readonly age: number }
  /** Null without an `apiKey`. */
  readonly revocations: {
    readonly by: Following['by']
    readonly remembered: number
    readonly staleness: number
    readonly isStale: boolean
  } | null
  readonly rememberedTokens: number
}

/** @throws {TypeError} for options that cannot work */
export function createVerifier(options: VerifierOptions): Verifier {
  const settings = readOptions(options)
  const { issuer, audience, clock, clockTolerance, maxStaleness } = settings
  const isInBackground = settings.follow !== 'on-demand'
  const now = (): number => clock.now()
  /** In a turn of its own: whatever it throws is the API's mistake, and no reason to stop following. */
  const onFailure = (error: unknown): void => queueMicrotask(() => settings.onFailure(error))

  const service = createService({ ...settings, base: settings.serviceUrl })
  const keys = createKeys({ service, clock, keepFor: settings.keepKeysFor, isInBackground, onFailure })
  const cache = createTokenCache({ size: settings.cacheSize, clockTolerance, now })
  let withdrawals = 0
  keys.onWithdrawn(() => {
    withdrawals += 1
    cache.clear()
  })
  const rules = { issuer, audience, clockTolerance, now, findKey: (kid: string) => keys.find(kid) }

  const revocations = createRevocations({ now: () => now() / 1000 })
  const following =
    settings.apiKey === null
      ? null
      : createFollowing({
          ...settings,
          service,
          revocations,
          onFailure,
          onKeysAnnounced: (etag) => keys.announced(etag),
        })

  async function verify(
    credential: string | null | undefined,
    options: VerifyOptions = {},
  ): Promise<AccessTokenClaims> {
    const accessToken = tokenIn(credential)
    // Once: to ask for the time is a tenth of a check.
    const at = clock.monotonic()
    const token = (at <= keys.goodUntil ? cache.find(accessToken) : undefined) ?? (await checkAnew(accessToken))
    const { onStale = settings.onStale, guards } = options
    // Not awaited where there is nothing to wait for: it would cost more than the rest.
    if (following === null) demandNone(onStale)
    else if (at - following.freshAt > freshFor) await whileStale(following, onStale, accessToken)
    refuseRevoked(token)
    if (guards !== undefined) for (const guard of guards) mustPass(guard, token)
    return token
  }

  /** A guard that answers false, or later, has refused nobody. */
  function mustPass(guard: Guard, token: AccessTokenClaims): void {
    const answer: unknown = guard(token, now() / 1000)
    if (answer !== undefined) throw new TypeError('a guard throws to refuse, at once, and returns nothing')
  }

  async function checkAnew(accessToken: string): Promise<AccessTokenClaims> {
    const before = withdrawals
    const token = deepFreeze(await checkToken(accessToken, rules))
    // Its key may have been withdrawn meanwhile.
    if (withdrawals === before) cache.add(accessToken, token)
    return token
  }

  /** A route that is to refuse what nobody can know must not be told that all is well. */
  function demandNone(onStale: OnStale): void {
    if (onStale !== 'accept') throw new TypeError('onStale needs an apiKey: without it no revocation is ever known')
  }

  /** Milliseconds. */
  const freshFor = 1000 * (isInBackground ? maxStaleness : Math.min(maxStaleness, settings.pollInterval))

  async function whileStale(feed: Following, onStale: OnStale, accessToken: string): Promise<void> {
    // One who asks is enough, as long as what is known will do.
    if (feed.isAsking && feed.staleness <= maxStaleness) return
    // A process that slept, or has only just started, need not stay stale.
    if (!isInBackground || onStale !== 'accept') await feed.catchUp().catch(() => undefined) // told to onFailure
    if (feed.staleness <= maxStaleness || onStale === 'accept') return
    if (onStale === 'introspect') return introspect(accessToken)
    throw new Refused('revocations_unknown', `nothing was heard of revocations for ${Math.round(feed.staleness)} s`)
  }

  /** RFC 7662: the issuer looks at the session itself. */
  async function introspect(accessToken: string): Promise<void> {
    const asked = { method: 'POST', body: new URLSearchParams({ token: accessToken }), isAuthorized: true } as const
    const isActive = await service
      .ask(paths.introspect, asked, async (response) => {
        if (response.status !== 200) throw failureOf(paths.introspect, response)
        return (await readJson(paths.introspect, response, 64 * 1024))['active'] === true
      })
      .catch((error: unknown) => {
        onFailure(error)
        throw new Refused('revocations_unknown', 'the issuer cannot be asked about the token', { cause: error })
      })
    if (!isActive) throw new Refused('token_revoked', 'the issuer says that the token is not in force')
  }

  function refuseRevoked(token: AccessTokenClaims): void {
    const entry = revocations.findFor(token)
    if (entry === 'revoked') throw new Refused('token_revoked', 'the session of this token is over')
    if (entry === 'stale') throw new Refused('token_stale', 'what this token says of its session is outdated')
  }

  if (isInBackground) {
    keys.ready().catch(() => undefined) // told to onFailure
    following?.start()
  }

  return {
    verify,
    onEnd(token, run) {
      if (following === null) throw new TypeError('onEnd needs an apiKey: without it no end is ever heard of')
      return revocations.onEnd(token, run)
    },
    answer: (error) => answerTo(error, settings),
    async ready() {
      await keys.ready()
      if (following === null || following.staleness <= maxStaleness) return
      await following.catchUp().catch((error: unknown) => {
        throw new Refused('revocations_unknown', 'the feed of revocations cannot be read', { cause: error })
      })
    },
    status: () => ({
      keys: { kids: keys.kids, age: keys.age },
      revocations: following && {
        by: following.by,
        remembered: revocations.size,
        staleness: following.staleness,
        isStale: following.staleness > maxStaleness,
      },
      rememberedTokens: cache.size,
    }),
    async snapshot() {
      const saved = keys.saved()
      if (saved === null) throw new Refused('issuer_unreachable', 'there are no keys yet')
      const horizon = following?.horizon ?? null
      return sealSnapshot({ issuer, keys: saved, revocations: revocations.list(), horizon }, secretOf(settings))
    },
    async restore(sealed) {
      const snapshot = await openSnapshot(sealed, secretOf(settings), issuer)
      await keys.restore(snapshot.keys)
      if (snapshot.horizon !== null) following?.restore(snapshot.revocations, snapshot.horizon)
    },
    close() {
      keys.close()
      following?.close()
    },
  }
}

function secretOf({ snapshotSecret }: { snapshotSecret: string | null }): string {
  if (snapshotSecret === null) throw new TypeError('snapshots need a snapshotSecret or an apiKey')
  return snapshotSecret
}

/** RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1). */
function tokenIn(credential: string | null | undefined): string {
  if (credential == null || credential === '') throw missing()
  const space = credential.indexOf(' ')
  if (space === -1) return credential
  if (credential.slice(0, space).toLowerCase() !== 'bearer') throw missing()
  return credential.slice(space).trim()
}

const missing = (): Refused => new Refused('token_missing', 'the request carries no access token')

/** Whoever gets it may not change it: the next request with this token gets the same. */
function deepFreeze<Value extends object>(value: Value): Value {
  for (const each of Object.values(value)) if (typeof each === 'object' && each !== null) deepFreeze(each as object)
  return Object.freeze(value)
}
