/**
 * The rules of docs/refresh.md without a database, in as few words as it takes: what the service has to
 * answer, and what is left behind. Pure; the service is compared with it, never the other way round.
 */

export type Transport = 'body' | 'cookie'

/** A session's row, as far as the rules look at it. */
export interface Row {
  readonly transport: Transport
  readonly clientId: string
  readonly generation: number
  /** Of the last four rotations, the latest first; null where none was sent. */
  readonly keys: readonly (string | null)[]
  /** Whether the last rotation is younger than the grace. */
  readonly isWithinGrace: boolean
  readonly isIdle: boolean
  readonly isOld: boolean
  readonly revoked: string | null
  /** Orders sessions by their last use. */
  readonly usedAt: number
}

/** What a refresh brings; its MAC is good. */
export interface Presented {
  readonly generation: number
  readonly hasRightSecret: boolean
  readonly transport: Transport
  readonly clientId: string | null
  readonly key: string | null
  /** Those of the refreshes before, the latest first. */
  readonly former: readonly string[]
}

export type Outcome =
  | { readonly kind: 'rotated' | 'replayed'; readonly generation: number }
  | { readonly kind: 'refused'; readonly reason: string }

export const newRow = (transport: Transport, clientId: string, usedAt: number): Row => ({
  transport,
  clientId,
  generation: 0,
  keys: [],
  isWithinGrace: false,
  isIdle: false,
  isOld: false,
  revoked: null,
  usedAt,
})

export function present(row: Row | undefined, presented: Presented, now: number): { row?: Row; outcome: Outcome } {
  const refused = (reason: string): { row?: Row; outcome: Outcome } => ({
    ...(row && { row }),
    outcome: { kind: 'refused', reason },
  })
  if (row === undefined) return refused('unknown_session')
  if (!presented.hasRightSecret) return refused('malformed')
  if (row.transport !== presented.transport) return refused('wrong_transport')
  if (presented.clientId !== null && presented.clientId !== row.clientId) return refused('wrong_client')
  if (row.revoked !== null) return refused(row.revoked)
  if (row.isIdle) return refused('expired_idle')
  if (row.isOld) return refused('expired_absolute')

  const { generation: g, key, former } = presented
  const n = row.generation
  if (g >= n) {
    const keys = g > n ? [key] : [key, ...row.keys].slice(0, 4)
    const outcome = { kind: 'rotated', generation: g + 1 } as const
    return { row: { ...row, generation: g + 1, keys, isWithinGrace: true, usedAt: now }, outcome }
  }
  if ((g === n - 1 && row.isWithinGrace) || wasRotatedWith(row, g, [key, ...former])) {
    return { row, outcome: { kind: 'replayed', generation: n } }
  }
  return { row: { ...row, revoked: 'token_reuse' }, outcome: { kind: 'refused', reason: 'token_reuse' } }
}

/** Whether generation g was rotated with one of these keys. Each that is remembered once counts, if all are in their order. */
function wasRotatedWith(row: Row, g: number, keys: readonly (string | null)[]): boolean {
  const places = keys.flatMap((key) => {
    const found = row.keys.flatMap((each, place) => (each === key && key !== null ? [place] : []))
    return found.length === 1 ? found : []
  })
  const isInOrder = places.toString() === places.toSorted((one, other) => one - other).toString()
  return isInOrder && places.includes(row.generation - 1 - g)
}

export const isLive = (row: Row): boolean => row.revoked === null && !row.isIdle && !row.isOld

/** A user's sessions after one more sign-in: of the live ones, only the last used stay within the limit. */
export function signIn(rows: readonly Row[], added: Row, limit: number): Row[] {
  const kept = rows.filter(isLive).toSorted((one, other) => other.usedAt - one.usedAt)
  const beyond = new Set(kept.slice(limit - 1))
  return [...rows.map((row) => (beyond.has(row) ? { ...row, revoked: 'session_limit' } : row)), added]
}

export const revokeAll = (rows: readonly Row[], except: number | null, reason: string): Row[] =>
  rows.map((row, index) => (index === except ? row : revoke(row, reason)))

/** What has ended or expired already stays as it is. */
export const revoke = (row: Row, reason: string): Row => (isLive(row) ? { ...row, revoked: reason } : row)
