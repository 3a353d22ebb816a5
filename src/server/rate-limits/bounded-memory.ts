import { RateLimiterMemory } from 'rate-limiter-flexible'

/**
 * Some 500 bytes each. To make the service forget a bucket, somebody has to use this many others in
 * between, and each of them is a request that was counted for its network.
 */
const MOST = 10_000

/** The library's counters in memory keep every key until its window ends; these keep the most recent ones. */
export class BoundedMemory extends RateLimiterMemory {
  /** Least recently used first. */
  readonly #keys = new Set<string | number>()

  override consume(...call: Parameters<RateLimiterMemory['consume']>): ReturnType<RateLimiterMemory['consume']> {
    this.#touch(call[0])
    return super.consume(...call)
  }

  override reward(...call: Parameters<RateLimiterMemory['reward']>): ReturnType<RateLimiterMemory['reward']> {
    this.#touch(call[0])
    return super.reward(...call)
  }

  override delete(key: string | number): Promise<boolean> {
    this.#keys.delete(key)
    return super.delete(key)
  }

  /** With the timers that would have forgotten each. */
  clear(): void {
    for (const key of this.#keys) void this.delete(key)
  }

  #touch(key: string | number): void {
    this.#keys.delete(key)
    this.#keys.add(key)
    if (this.#keys.size <= MOST) return
    const [oldest] = this.#keys
    if (oldest !== undefined) void this.delete(oldest)
  }
}
