/** How often what may be done, by whom. Asked before anything is decided or spent. */
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { nameOf, RateLimited } from '../errors.ts'
import type { Ring } from '../tokens/ring.ts'
import { createBuckets, type Bucket, type Empty } from './buckets.ts'
import { LIMITS, type Limit } from './limits.ts'
import { networkOf } from './network.ts'
import { createRefreshCounter } from './refresh-counter.ts'
import { accountOf, createFindSignInBuckets, signInBuckets } from './sign-in-buckets.ts'

/** Something that was counted before it was known how it ends. */
export interface Attempt {
  /** It was no guess: gives back what it took. Never throws, as nothing may undo a success. */
  succeeded(): Promise<void>
}

/** An `ip` that is not known is counted with all others like it. Each `before...` throws `RateLimited`. */
export interface RateLimits {
  /** @param address as it was typed */
  beforeSignIn(address: string, ip: string | null): Promise<Attempt>
  /** Whoever is signed in confirms the password, or changes it. */
  beforePasswordCheck(userId: string): Promise<Attempt>
  beforeRegistration(ip: string | null): Promise<void>
  /** @param purpose each has its own count for an address; a network has one count for all */
  beforeMail(purpose: string, address: string, ip: string | null): Promise<void>
  /**
   * For a mail that somebody else's request brings about: whether the address has had too many of its kind.
   * The request is answered the same in either case. @param address canonical, or as it was typed
   */
  mayWriteUnasked(purpose: string, address: string): Promise<boolean>
  /** Counts good tokens and guesses alike. */
  beforeEmailToken(ip: string | null): Promise<void>
  /** Whoever comes with a token of the system before. */
  beforeImportedToken(ip: string | null): Promise<Attempt>
  /** Counts replays too. No promise, as every refresh waits for it. */
  beforeRefresh(sessionId: string): void
  /** Whoever proved the mailbox starts anew. Never throws. */
  forgive(address: string): Promise<void>
  /**
   * What is counted of a person alone for a day. What is counted together with a network cannot be found, as the
   * store has a MAC of both; it and what is counted for an hour end by themselves. Never throws.
   */
  forget(userId: string, address: string | null): Promise<void>
  close(): void
}

export function createRateLimits(deps: {
  database: Database
  ring: Ring
  /** False: everything passes. */
  isOn: boolean
  log: Logger
  /** For refreshes. Milliseconds of a clock that never goes back. */
  now?: () => number
}): RateLimits {
  const { database, isOn, log } = deps
  if (!isOn) return UNLIMITED
  const buckets = createBuckets(deps)
  const findSignInBuckets = createFindSignInBuckets({ database, buckets })
  const refreshes = createRefreshCounter({ ...LIMITS.refresh, ...(deps.now && { now: deps.now }) })

  /** What is refused at first sight counts nowhere: a person who tries too early does not wait longer for it. */
  async function take(wanted: readonly Bucket[]): Promise<void> {
    const empty = await buckets.findEmpty(wanted)
    if (empty !== null) throw refuse(empty)
    const taken = await buckets.take(wanted)
    // Others took the rest in this very moment, and may give it back in the next: it is not known to be used up.
    if (taken !== null) throw refuse({ ...taken, wait: Math.min(taken.wait, CONTENTION) })
  }

  function refuse({ limit, wait }: Empty): RateLimited {
    log.warn({ event: 'rate_limited', policy: limit.policy }, 'refused')
    return new RateLimited({ ...limit, retryAfter: Math.max(1, Math.ceil(wait / 1000)) })
  }

  async function quietly(...work: readonly Promise<void>[]): Promise<void> {
    for (const result of await Promise.allSettled(work)) {
      if (result.status === 'fulfilled') continue
      const failure = nameOf(result.reason)
      log.error({ failure }, 'a rate limit could not be given back')
    }
  }

  return {
    async beforeSignIn(address, ip) {
      const network = bucket(LIMITS.signInNetwork, networkOf(ip))
      const ofAccount = await findSignInBuckets(accountOf(address), networkOf(ip))
      await take([network, ...ofAccount])
      return { succeeded: () => quietly(buckets.giveBack(network), buckets.refill(ofAccount)) }
    },
    async beforePasswordCheck(userId) {
      const ofUser = [bucket(LIMITS.passwordCheck, userId), bucket(LIMITS.passwordCheckDaily, userId)]
      await take(ofUser)
      return { succeeded: () => quietly(buckets.refill(ofUser)) }
    },
    beforeRegistration: (ip) =>
      take([bucket(LIMITS.registration, networkOf(ip)), bucket(LIMITS.registrationHourly, networkOf(ip))]),
    beforeMail: (purpose, address, ip) =>
      take([
        bucket(LIMITS.mailNetwork, networkOf(ip)),
        bucket(LIMITS.mailNetworkHourly, networkOf(ip)),
        bucket(LIMITS.mailAddress, purpose, accountOf(address)),
        bucket(LIMITS.mailAddressHourly, purpose, accountOf(address)),
      ]),
    mayWriteUnasked: async (purpose, address) =>
      (await buckets.take([bucket(LIMITS.mailAddressHourly, purpose, accountOf(address))])) === null,
    beforeEmailToken: (ip) => take([bucket(LIMITS.emailToken, networkOf(ip))]),
    async beforeImportedToken(ip) {
      const network = bucket(LIMITS.importedToken, networkOf(ip))
      await take([network])
      return { succeeded: () => quietly(buckets.giveBack(network)) }
    },
    beforeRefresh(sessionId) {
      const wait = refreshes.count(sessionId)
      if (wait > 0) throw refuse({ limit: LIMITS.refresh, wait })
    },
    forgive: (address) => quietly(buckets.refill(signInBuckets(accountOf(address)))),
    forget: (userId, address) =>
      quietly(
        buckets.refill([
          bucket(LIMITS.passwordCheck, userId),
          bucket(LIMITS.passwordCheckDaily, userId),
          ...(address === null ? [] : signInBuckets(accountOf(address))),
        ]),
      ),
    close: () => buckets.close(),
  }
}

/** How long a try that met others waits. Milliseconds. */
const CONTENTION = 2_000

const bucket = (limit: Limit, ...of: readonly string[]): Bucket => ({ limit, of })

const nothing = (): Promise<void> => Promise.resolve()
const attempt = (): Promise<Attempt> => Promise.resolve({ succeeded: nothing })

const UNLIMITED: RateLimits = {
  beforeSignIn: attempt,
  beforePasswordCheck: attempt,
  beforeRegistration: nothing,
  beforeMail: nothing,
  mayWriteUnasked: () => Promise.resolve(true),
  beforeEmailToken: nothing,
  beforeImportedToken: attempt,
  beforeRefresh: () => undefined,
  forgive: nothing,
  forget: nothing,
  close: () => undefined,
}
