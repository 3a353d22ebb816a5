/** What the feed has told so far, for as long as it concerns a token that could still be in force. */
import type { AccessTokenClaims } from '../protocol/claims.ts'

export interface RevocationEntry {
  readonly sid: string
  readonly kind: 'revoked' | 'stale'
  /** Whole seconds since 1970. */
  readonly issuedUntil: number
  /** Seconds since 1970. */
  readonly until: number
}

/** Why a session's end is told to who holds something open: it was revoked, or nobody can know that it was not. */
export type EndReason = 'revoked' | 'unknown'

export interface Revocations {
  add(entry: RevocationEntry): void
  /** Forgets what concerns no token any more. @param horizon seconds since 1970, the issuer's clock */
  forget(horizon: number): void
  /** What an entry says of this token; the worse, where there are two. */
  findFor(token: Pick<AccessTokenClaims, 'sid' | 'iat'>): 'revoked' | 'stale' | null
  /**
   * Calls back once when the session of this token is over, soon if it is already.
   * @returns to stop that
   */
  onEnd(token: Pick<AccessTokenClaims, 'sid' | 'iat'>, run: (reason: EndReason) => void): () => void
  /** Entries have come and gone unseen: whatever is open may be of a session that is over. */
  missedSome(): void
  list(): RevocationEntry[]
  readonly size: number
}

interface Known {
  issuedUntil: number
  until: number
}

interface Watch {
  readonly iat: number
  readonly run: (reason: EndReason) => void
}

/** Entries come nearly in the order of `until`: so many that are in force are passed over before it is given up. */
const MOST_PASSED = 100

/** @param now seconds since 1970 */
export function createRevocations({ now }: { now: () => number }): Revocations {
  /** By `sid`, in the order of arrival, which is nearly that of `until`. */
  const known = { revoked: new Map<string, Known>(), stale: new Map<string, Known>() }
  const watches = new Map<string, Set<Watch>>()

  function forgetUntil(past: number, entries: Map<string, Known>): void {
    let passed = 0
    for (const [sid, { until }] of entries) {
      if (until <= past) entries.delete(sid)
      else if (++passed > MOST_PASSED) return
    }
  }

  /** Each in a turn of its own: one that throws keeps no other from hearing of it. */
  function end(watched: Iterable<Watch>, reason: EndReason): void {
    for (const { run } of watched) queueMicrotask(() => run(reason))
  }

  const isConcerned = (entry: Known | undefined, iat: number): boolean =>
    entry !== undefined && iat <= entry.issuedUntil

  return {
    add({ sid, kind, issuedUntil, until }) {
      const entries = known[kind]
      const before = entries.get(sid)
      // Entries come at least once, and in any order.
      if (before !== undefined && before.issuedUntil >= issuedUntil) return
      entries.delete(sid)
      entries.set(sid, { issuedUntil, until })
      const watched = kind === 'revoked' ? watches.get(sid) : undefined
      if (watched !== undefined)
        end(
          [...watched].filter(({ iat }) => iat <= issuedUntil),
          'revoked',
        )
    },
    forget(horizon) {
      // Past by their clock and by ours: ours may be wrong and be set right, and then a token is young again.
      const past = Math.min(horizon, now())
      forgetUntil(past, known.revoked)
      forgetUntil(past, known.stale)
    },
    findFor({ sid, iat }) {
      if (isConcerned(known.revoked.get(sid), iat)) return 'revoked'
      return isConcerned(known.stale.get(sid), iat) ? 'stale' : null
    },
    onEnd({ sid, iat }, run) {
      const watch: Watch = {
        iat,
        run(reason) {
          if (stop()) run(reason)
        },
      }
      const watched = watches.get(sid) ?? new Set()
      watches.set(sid, watched.add(watch))
      const stop = (): boolean => {
        const wasOn = watched.delete(watch)
        if (watched.size === 0 && watches.get(sid) === watched) watches.delete(sid)
        return wasOn
      }
      if (isConcerned(known.revoked.get(sid), iat)) end([watch], 'revoked')
      return () => void stop()
    },
    missedSome() {
      for (const watched of watches.values()) end([...watched], 'unknown')
    },
    list: () =>
      (['revoked', 'stale'] as const).flatMap((kind) =>
        [...known[kind]].map(([sid, { issuedUntil, until }]) => ({ sid, kind, issuedUntil, until })),
      ),
    get size() {
      return known.revoked.size + known.stale.size
    },
  }
}
