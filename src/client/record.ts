/**
 * What is kept of the session, in one text: the refresh token together with the key for its refresh, so that
 * neither is ever there without the other (docs/refresh.md, "client rule"). Whoever sees no token, since the
 * browser has it in a cookie, keeps the key alone.
 */
import { HallpassError } from './errors.ts'
import { createQueue } from './queue.ts'
import type { End } from './state.ts'
import type { ClientStorage } from './storage.ts'

export interface Kept {
  /** The refresh token; none in cookie mode. */
  readonly token?: string | undefined
  /** The `Idempotency-Key` of its refresh; empty where there is nothing to refresh. */
  readonly key: string
  /**
   * Those of the refreshes before: of a browser that was killed, the disk may have an older cookie than key
   * (docs/decisions/0023).
   */
  readonly former?: string | undefined
  /** The session. */
  readonly sid?: string
  /** The person has signed out, and the service does not know yet. */
  readonly out?: true | undefined
  /** Of the session that was here last, in place of all the others. */
  readonly end?: End
}

export interface Record {
  /** @throws {HallpassError} `storage_failed` */
  read(): Promise<Kept | null>
  /**
   * Reads, decides and writes with nothing of this client between.
   * @param change what to keep instead; undefined leaves it alone
   * @returns what is kept now
   * @throws {HallpassError} `storage_failed`
   */
  change(change: (kept: Kept | null) => Kept | null | undefined): Promise<Kept | null>
}

export function createRecord(storage: ClientStorage): Record {
  const inTurn = createQueue()

  const guarded = <Result>(work: () => Promise<Result>): Promise<Result> =>
    inTurn(work).catch((cause: unknown) => {
      throw new HallpassError('storage_failed', cause)
    })

  const read = async (): Promise<Kept | null> => parse(await storage.read())

  return {
    read: () => guarded(read),
    change: (change) =>
      guarded(async () => {
        const kept = await read()
        const next = change(kept)
        if (next === undefined) return kept
        await storage.write(next && JSON.stringify(next))
        return next
      }),
  }
}

/** What nobody can read is as good as nothing. */
function parse(text: string | null): Kept | null {
  try {
    const kept = JSON.parse(text ?? '') as Kept | null
    return kept?.key || kept?.end ? kept : null
  } catch {
    return null
  }
}

/** 128 random bits: whoever knows a token and its key is the device. @throws where there are no random numbers */
export const newKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-')
