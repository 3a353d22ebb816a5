/**
 * How long ago the feed was known to be complete. Measured from when we heard of it, by our monotonic clock:
 * how far our clock and the issuer's are apart does not matter.
 */
import type { Clock } from './clock.ts'

export interface Staleness {
  /**
   * The answer to a request of ours begins: it is as fresh as the moment of asking.
   * @param askedAt by the monotonic clock, milliseconds
   * @param horizon milliseconds since 1970, the issuer's clock
   */
  answered(askedAt: number, horizon: number): void
  /** Later on the same stream. The horizon moves as time does; what lags behind it was held up on the way. */
  moved(horizon: number): void
  /** What was saved: only there the two clocks meet. @param horizon milliseconds since 1970 */
  restored(horizon: number): void
  /** By the monotonic clock, milliseconds; -Infinity before anything was heard. */
  readonly freshAt: number
  /** Seconds; Infinity before anything was heard. */
  readonly seconds: number
}

export function createStaleness(clock: Clock): Staleness {
  /** Two names of one instant: ours, and the issuer's. */
  let anchor: { readonly at: number; readonly horizon: number } | null = null
  let freshAt = -Infinity

  return {
    answered(askedAt, horizon) {
      // The very same instant once more: some cache on the way has answered, and not the issuer.
      if (anchor !== null && anchor.horizon === horizon && askedAt > anchor.at) return
      anchor = { at: askedAt, horizon }
      freshAt = Math.max(freshAt, askedAt)
    },
    moved(horizon) {
      if (anchor === null) return
      const at = anchor.at + (horizon - anchor.horizon)
      // Ahead of us: the first answer had been longer on its way than this one.
      if (at > clock.monotonic()) anchor = { at: clock.monotonic(), horizon }
      freshAt = Math.max(freshAt, Math.min(at, clock.monotonic()))
    },
    restored(horizon) {
      freshAt = Math.max(freshAt, clock.monotonic() - Math.max(0, clock.now() - horizon))
    },
    get freshAt() {
      return freshAt
    },
    get seconds() {
      return (clock.monotonic() - freshAt) / 1000
    },
  }
}
