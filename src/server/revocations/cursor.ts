/**
 * How far a follower has read: which transactions it has seen, as PostgreSQL tells it, and when that was.
 *
 * A number that grows could not say it. Numbers are taken before commits, so a transaction that took its
 * number early and commits late would be skipped by whoever has read a later one.
 */

/** `pg_current_snapshot()`: everything below `xmin` is visible, nothing from `xmax` on, nor `running` between. */
export interface Snapshot {
  readonly xmin: number
  readonly xmax: number
  readonly running: ReadonlySet<number>
}

export interface Cursor {
  readonly snapshot: Snapshot
  /** Every entry that was committed before has been seen. Milliseconds since 1970, the database's clock. */
  readonly at: number
}

/** Sees nothing. */
export const NOTHING_SEEN = '1:1:'

const LONGEST = 8192
/** A cursor has to fit into a header. */
const MOST_RUNNING = 100

export const hasSeen = ({ xmin, xmax, running }: Snapshot, transactionId: number): boolean =>
  transactionId < xmin || (transactionId < xmax && !running.has(transactionId))

/** @param text as PostgreSQL writes a `pg_snapshot`: `xmin:xmax:id,id,...`, in ascending order */
export function parseSnapshot(text: string): Snapshot {
  const [xmin = '', xmax = '', running = ''] = text.split(':')
  return {
    xmin: Number(xmin),
    xmax: Number(xmax),
    running: new Set(running === '' ? [] : running.split(',').map(Number)),
  }
}

/** Opaque to followers. @param at milliseconds since 1970 */
export const encodeCursor = (snapshot: string, at: number): string =>
  Buffer.from(`${at}:${shortened(snapshot)}`).toString('base64url')

/** Of very many transactions under way the first ones: what begins with the next counts as unseen, and is told again. */
function shortened(snapshot: string): string {
  const [xmin = '', , running = ''] = snapshot.split(':')
  const ids = running.split(',')
  const next = ids[MOST_RUNNING]
  return next === undefined ? snapshot : `${xmin}:${next}:${ids.slice(0, MOST_RUNNING).join()}`
}

/** @returns null for what no process of this service has given out */
export function decodeCursor(cursor: string): Cursor | null {
  if (cursor.length > LONGEST) return null
  const [whole, at = '', snapshot = ''] =
    /^(\d{1,15}):(\d{1,15}:\d{1,15}:(?:\d{1,15}(?:,\d{1,15})*)?)$/.exec(
      Buffer.from(cursor, 'base64url').toString('latin1'),
    ) ?? []
  return whole === undefined ? null : { at: Number(at), snapshot: parseSnapshot(snapshot) }
}
