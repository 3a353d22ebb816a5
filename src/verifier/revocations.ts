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

/** How many entries a new one looks at, to forget those that are past. */
const SWEEP = 4

/** @param now seconds since 1970 */
export function createRevocations({ now }: { now: () => number }): Revocations {
  /** By `sid`, in the order of arrival, which is nearly that of `until`. */
  const known = { revoked: new Map<string, Known>(), stale: new Map<string, Known>() }
  const watches = new Map<string, Set<Watch>>()

  function forget(entries: Map<string, Known>): void {
    let looked = 0
    for (const [sid, { until }] of entries) {
      if (until > now() || ++looked > SWEEP) return
      entries.delete(sid)
    }
  }

  function end(watched: Iterable<Watch>, reason: EndReason): void {
    for (const { run } of watched) run(reason)
  }

  const isConcerned = (entry: Known | undefined, iat: number): boolean =>
    entry !== undefined && iat <= entry.issuedUntil

  return {
    add({ sid, kind, issuedUntil, until }) {
      const entries = known[kind]
      forget(entries)
      const before = entries.get(sid)
      // Entries come at least once, and in any order.
      if (before !== undefined && before.issuedUntil >= issuedUntil) return
      if (until <= now()) return
      entries.delete(sid)
      entries.set(sid, { issuedUntil, until })
      const watched = kind === 'revoked' ? watches.get(sid) : undefined
      if (watched !== undefined)
        end(
          [...watched].filter(({ iat }) => iat <= issuedUntil),
          'revoked',
        )
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
      if (isConcerned(known.revoked.get(sid), iat)) queueMicrotask(() => watch.run('revoked'))
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
