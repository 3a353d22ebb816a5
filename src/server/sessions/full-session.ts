/** A session as operators see it: with all that they can set. Still no token, and no hash. */
import { SESSION_COLUMNS, toSession, type Session, type SessionRow } from './session.ts'

export interface FullSession extends Session {
  /** It does not expire by idleness, and does not give way at the session limit. */
  readonly pinned: boolean
  /** Its own idle life in seconds; null: its client's, or the service's. */
  readonly idleTtl: number | null
  /** Its own, beside those of its user and those from `data`. */
  readonly claims: Readonly<Record<string, unknown>>
}

export interface FullSessionRow extends SessionRow {
  pinned: boolean
  idle_ttl: number | null
  own_claims: Record<string, unknown>
}

/** The select list of a `FullSessionRow`. */
export const FULL_SESSION_COLUMNS = `${SESSION_COLUMNS}, pinned, idle_ttl, own_claims`

export const toFullSession = (row: FullSessionRow): FullSession => ({
  ...toSession(row),
  pinned: row.pinned,
  idleTtl: row.idle_ttl,
  claims: row.own_claims,
})
