/**
 * Buckets: how often something was done by somebody within a window. In PostgreSQL all processes share
 * them; the embedded store has one process, which counts in memory.
 */
import { createHmac } from 'node:crypto'
import type { Logger } from 'pino'
import { RateLimiterPostgres, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible'
import { statement, type Database, type Value } from '../database/database.ts'
import { nameOf, Unavailable } from '../errors.ts'
import type { Ring } from '../tokens/ring.ts'
import { BoundedMemory } from './bounded-memory.ts'
import type { Limit } from './limits.ts'

export interface Bucket {
  readonly limit: Limit
  /** Whose: an address, a network, or several of these together. In plain; the store sees a MAC of it. */
  readonly of: readonly string[]
}

export interface Empty {
  readonly limit: Limit
  /** Milliseconds until it is full again. */
  readonly wait: number
}

export interface Buckets {
  /** Takes nothing. @returns of those that are empty the one with the longest wait */
  findEmpty(buckets: readonly Bucket[]): Promise<Empty | null>
  /** Takes one from each in this order, up to the first that has none. @returns that one */
  take(buckets: readonly Bucket[]): Promise<Empty | null>
  /** Undoes one `take`. */
  giveBack(bucket: Bucket): Promise<void>
  refill(buckets: readonly Bucket[]): Promise<void>
  close(): void
}

/**
 * After a failure of the store, memory is asked alone for so long: a request does not wait for each of its
 * buckets. Milliseconds.
 */
const REST = 1000

export function createBuckets(deps: { database: Database; ring: Ring; log: Logger }): Buckets {
  const { database, ring, log } = deps
  const memories: BoundedMemory[] = []
  const limiters = new Map<Limit, RateLimiterAbstract>()
  const client = createClient(database, log)

  // A key of its own, as every use of the secret has one. A plain hash would not do: whoever has the
  // table could try every address and every network of the internet.
  const macKey = ring.current.mac(Buffer.from('hallpass rate limit keys'))
  const keyOf = ({ of }: Bucket): string =>
    createHmac('sha256', macKey).update(JSON.stringify(of)).digest().subarray(0, 16).toString('base64url')

  function limiterOf({ limit }: Bucket): RateLimiterAbstract {
    let limiter = limiters.get(limit)
    if (limiter === undefined) {
      limiter = createLimiter(limit)
      limiters.set(limit, limiter)
    }
    return limiter
  }

  function createLimiter({ policy, quota, window }: Limit): RateLimiterAbstract {
    const options = { keyPrefix: policy, points: quota, duration: window }
    const memory = new BoundedMemory(options)
    memories.push(memory)
    if (database.kind === 'embedded') return memory
    return new RateLimiterPostgres({
      ...options,
      storeClient: client,
      storeType: 'client',
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: false, // a timer for each limit, which nobody could stop
      insuranceLimiter: memory,
    })
  }

  async function look(bucket: Bucket): Promise<Empty | null> {
    const found = await limiterOf(bucket).get(keyOf(bucket))
    const isEmpty = found !== null && found.consumedPoints >= bucket.limit.quota && found.msBeforeNext > 0
    return isEmpty ? { limit: bucket.limit, wait: found.msBeforeNext } : null
  }

  return {
    async findEmpty(buckets) {
      const found = await Promise.all(buckets.map(look))
      return found.reduce((longest, empty) => ((empty?.wait ?? 0) > (longest?.wait ?? 0) ? empty : longest), null)
    },
    async take(buckets) {
      for (const bucket of buckets) {
        try {
          await limiterOf(bucket).consume(keyOf(bucket))
        } catch (refusal) {
          if (!(refusal instanceof RateLimiterRes)) throw refusal
          return { limit: bucket.limit, wait: refusal.msBeforeNext }
        }
      }
      return null
    },
    async giveBack(bucket) {
      await limiterOf(bucket).reward(keyOf(bucket))
    },
    async refill(buckets) {
      await Promise.all(buckets.map((bucket) => limiterOf(bucket).delete(keyOf(bucket))))
    },
    close() {
      for (const memory of memories) memory.clear()
    },
  }
}

/** Our database port as the library wants to see a client. */
function createClient(database: Database, log: Logger) {
  let restsUntil = 0
  return {
    async query({ name, text, values }: { name: string; text: string; values: readonly Value[] }) {
      if (performance.now() < restsUntil) throw new Unavailable('the store of rate limits failed a moment ago')
      try {
        const rows = await database.query(statement<object>(name, text), values)
        return { rows, rowCount: rows.length }
      } catch (error) {
        restsUntil = performance.now() + REST
        log.warn({ event: 'rate_limits_in_memory', failure: nameOf(error) }, 'rate limits cannot be read or written')
        throw error
      }
    },
  }
}
