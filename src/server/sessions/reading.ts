/** Looking at sessions: nothing here is rotated, extended or counted as reuse. */
import { validate as isUuid } from 'uuid'
import { Unavailable } from '../errors.ts'
import { statement, type Database } from '../database/database.ts'
import { decodeRefreshToken, type RefreshToken } from '../tokens/refresh-token.ts'
import type { Ring } from '../tokens/ring.ts'
import { hashSecret } from '../tokens/secrets.ts'
import { ANNOUNCED_TO_OWNER } from './changes.ts'
import {
  IS_LIVE,
  SESSION_COLUMNS,
  SESSION_STATUS,
  toSession,
  type Session,
  type SessionRow,
  type Transport,
} from './session.ts'
import { readEnd, type SessionEnd } from './session-end.ts'

export type StatusFilter = 'active' | 'expired' | 'revoked' | 'all'

export interface LiveSession {
  readonly session: Session
  /** The database's clock. */
  readonly now: Date
}

export interface PresentedSession extends LiveSession {
  /** It was presented by its newest refresh token, not by the one before. */
  readonly isNewest: boolean
}

export interface Reading {
  /** Newest use first; a thousand at most, which only who signs in by script ever reaches. */
  list(userId: string, status: StatusFilter): Promise<Session[]>
  find(userId: string, sessionId: string): Promise<Session | null>
  /**
   * The session if it has neither ended nor expired.
   * @param iat of an access token of it: null then also where that is outdated, as the feed told. Whole seconds since 1970
   */
  findLive(userId: string, sessionId: string, iat?: number): Promise<LiveSession | null>
  /**
   * The live session whose current or previous refresh token this is. Proof enough to look and to sign
   * out; nothing is minted.
   */
  findByRefreshToken(refreshToken: string, transport: Transport): Promise<PresentedSession | null>
  /**
   * The session that any genuine refresh token of it names, however old either is: enough to end it.
   * @throws {Unavailable} for a token whose key this process does not know yet
   */
  findNamedBy(refreshToken: string): Promise<Session | null>
  /**
   * How the session ended whose refresh token this is, however old. Null while it lives, where nobody knows it,
   * and where it was ended on this very device: who did that need not be told.
   */
  findEnd(refreshToken: string, transport: Transport): Promise<SessionEnd | null>
  rename(userId: string, sessionId: string, deviceName: string | null): Promise<Session | null>
  /** Whether a genuine refresh token names this session; asks nobody. */
  isTokenOf(refreshToken: string, sessionId: string): boolean
}

export function createReading({ database, ring }: { database: Database; ring: Ring }): Reading {
  const open = (refreshToken: string): RefreshToken | null => {
    const decoded = decodeRefreshToken(refreshToken, ring)
    return decoded.kind === 'genuine' ? decoded.token : null
  }
  const presented = (token: RefreshToken) => [token.userId, token.sessionId, hashSecret(token.secret)] as const

  return {
    isTokenOf: (refreshToken, sessionId) => open(refreshToken)?.sessionId === sessionId,
    async list(userId, status) {
      const rows = await database.query(listSessions, [userId, status])
      return rows.map(toSession)
    },
    async find(userId, sessionId) {
      const [row] = await database.query(findSession, [userId, sessionId])
      return row ? toSession(row) : null
    },
    async findLive(userId, sessionId, iat) {
      if (!isUuid(userId) || !isUuid(sessionId)) return null // a token of our key says so, and no session does
      const [row] = await database.query(findLiveSession, [userId, sessionId, iat ?? null])
      return row ? { session: toSession(row), now: row.now } : null
    },
    async findByRefreshToken(refreshToken, transport) {
      const token = open(refreshToken)
      if (token === null) return null
      const [row] = await database.query(findPresented, [...presented(token), token.generation, transport])
      return row ? { session: toSession(row), now: row.now, isNewest: row.is_newest } : null
    },
    async findNamedBy(refreshToken) {
      const decoded = decodeRefreshToken(refreshToken, ring)
      // To answer "it is ended" would be a lie: the session lives on (RFC 7009 section 2.2.1).
      if (decoded.kind === 'unknown_key') throw new Unavailable('the key of this token is not known here yet')
      const [row] = decoded.kind === 'genuine' ? await database.query(findNamed, presented(decoded.token)) : []
      return row ? toSession(row) : null
    },
    async findEnd(refreshToken, transport) {
      const token = open(refreshToken)
      const [row] = token === null ? [] : await database.query(findNamed, presented(token))
      if (row === undefined || row.status === 'active' || row.transport !== transport) return null
      const end = await readEnd(database, {
        userId: row.user_id,
        id: row.id,
        reason: row.revoked_reason ?? expiryOf(row),
        revokedAt: row.revoked_at,
      })
      return end.reason === 'signed_out' || end.by?.isSame === true ? null : end
    },
    async rename(userId, sessionId, deviceName) {
      const [row] = await database.query(renameSession, [userId, sessionId, deviceName])
      return row ? toSession(row) : null
    },
  }
}

const expiryOf = ({ idle_expires_at: idle, absolute_expires_at: absolute }: SessionRow) =>
  idle <= absolute ? 'expired_idle' : 'expired_absolute'

const listSessions = statement<SessionRow>(
  'sessions.list',
  `select ${SESSION_COLUMNS} from sessions
   where user_id = $1::uuid and ($2::text = 'all' or ${SESSION_STATUS} = $2::text)
   order by last_used_at desc, id desc limit 1000`,
)

const findSession = statement<SessionRow>(
  'sessions.find',
  `select ${SESSION_COLUMNS} from sessions where user_id = $1::uuid and id = $2::uuid`,
)

const findLiveSession = statement<SessionRow & { now: Date }>(
  'sessions.find_live',
  `select ${SESSION_COLUMNS}, clock_timestamp() as now
   from sessions where user_id = $1::uuid and id = $2::uuid and ${IS_LIVE}
     and ($3::float8 is null or tokens_from is null or tokens_from <= to_timestamp($3::float8))`,
)

const findNamed = statement<SessionRow>(
  'sessions.find_named',
  `select ${SESSION_COLUMNS}
   from sessions where user_id = $1::uuid and id = $2::uuid and secret_hash = $3::bytea`,
)

const findPresented = statement<SessionRow & { now: Date; is_newest: boolean }>(
  'sessions.find_presented',
  `select ${SESSION_COLUMNS}, clock_timestamp() as now, generation <= $4::bigint as is_newest
   from sessions
   where user_id = $1::uuid and id = $2::uuid and secret_hash = $3::bytea
     and generation <= $4::bigint + 1 and transport = $5::text and ${IS_LIVE}`,
)

const renameSession = statement<SessionRow>(
  'sessions.rename',
  `update sessions set device_name = $3::text
   where user_id = $1::uuid and id = $2::uuid and ${IS_LIVE}
   returning ${SESSION_COLUMNS}`,
  ANNOUNCED_TO_OWNER,
)
