/** How long requests took, and what was wrong with them. */
import { quantile } from '../report/quantiles.ts'

export interface Summary {
  /** Those that were answered as they should be. */
  readonly requests: number
  readonly errors: number
  /** The first few errors, in words. */
  readonly faults: readonly string[]
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const FAULTS_KEPT = 3

export function createSamples() {
  let isCounting = false
  let times = new Float64Array(1 << 16)
  let count = 0
  let errors = 0
  const faults: string[] = []

  return {
    /** What came before was to warm up, except that an error is never forgotten. */
    begin(): void {
      isCounting = true
      count = 0
    },
    /** @param took milliseconds */
    add(took: number, fault: string | null): void {
      if (fault !== null) {
        errors += 1
        if (faults.length < FAULTS_KEPT) faults.push(fault)
      } else if (isCounting) {
        if (count === times.length) {
          const larger = new Float64Array(times.length * 2)
          larger.set(times)
          times = larger
        }
        times[count] = took
        count += 1
      }
    },
    end(): Summary {
      isCounting = false
      const sorted = times.subarray(0, count).toSorted()
      const at = (share: number): number => quantile(sorted, share)
      return { requests: count, errors, faults, p50: at(0.5), p99: at(0.99), max: at(1) }
    },
  }
}
