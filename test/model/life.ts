/** A person's sessions in the service, and beside them what the model knows of them. */
import { expect } from 'chai'
import type fc from 'fast-check'
import { statement } from '../../src/server/database/database.ts'
import type { Sessions } from '../../src/server/sessions/sessions.ts'
import { decodeRefreshToken, type RefreshToken } from '../../src/server/tokens/refresh-token.ts'
import { createRing, type Ring } from '../../src/server/tokens/ring.ts'
import { answerOf } from '../support/device.ts'
import { HOUR, moveTimes } from '../support/rows.ts'
import { TEST_SECRET, type TestServer } from '../support/server.ts'
import { createSession, createUser, restoreRow, saveRow, sessionsBeside, type SavedRow } from '../support/sessions.ts'
import { isLive, newRow, type Row } from './model.ts'

export interface Model {
  rows: Row[]
  /** The rows as a standby has them, for the day when later commits are lost. */
  saved: Row[]
  /** Counts what happens, as the database's clock does. */
  now: number
}

export interface Real {
  readonly server: TestServer
  readonly userId: string
  /** Before, in the middle of, and after a change of the ring; all at work at the same time. */
  readonly processes: readonly Process[]
  /** In the order of the model's rows. */
  readonly sessions: KeptSession[]
}

export interface Process {
  readonly sessions: Sessions
  readonly ring: Ring
}

/** What its clients, and whoever copies from them, have kept of a session. */
export interface KeptSession {
  readonly userId: string
  readonly sessionId: string
  /** Every token ever handed out, the last one last. */
  readonly tokens: string[]
  /** Its row as a standby has it. */
  saved: SavedRow
}

export type Step = fc.AsyncCommand<Model, Real>

const NEXT_SECRET = 'pW7u3Xq9Zt1Vb5Ny8Mk2Lj6Hg4Fd0SaQeRc'

/** Somebody who is signed in on one device. */
export async function start(server: TestServer): Promise<{ model: Model; real: Real }> {
  const rings = [
    createRing(TEST_SECRET),
    createRing(TEST_SECRET, [NEXT_SECRET]),
    createRing(NEXT_SECRET, [TEST_SECRET]),
  ]
  const processes = rings.map((ring) => ({ ring, sessions: sessionsBeside(server, { ring }) }))
  const userId = await createUser(server)
  const row = newRow('body', 'default', 0)
  const sessions = [await keep(server, await createSession(server, userId))]
  return { model: { rows: [row], saved: [row], now: 0 }, real: { server, userId, processes, sessions } }
}

export async function keep(
  server: TestServer,
  { userId, sessionId, refreshToken }: Awaited<ReturnType<typeof createSession>>,
): Promise<KeptSession> {
  return { userId, sessionId, tokens: [refreshToken], saved: await saveRow(server, sessionId) }
}

export function processOf({ processes }: Real, number: number): Process {
  const found = processes[number]
  if (found === undefined) throw new Error('there are three processes')
  return found
}

/** @param latest 0 for the last session that was made, 1 for the one before */
export function sessionAt(model: Model, real: Real, latest: number): { index: number; session: KeptSession; row: Row } {
  const index = real.sessions.length - 1 - (latest % real.sessions.length)
  const session = real.sessions[index]
  const row = model.rows[index]
  if (session === undefined || row === undefined) throw new Error('every life begins with a sign-in')
  return { index, session, row }
}

/** What a token says, whichever secret made it. */
export function open(token: string, { processes }: Real): RefreshToken {
  const decoded = decodeRefreshToken(token, processes.at(-1)?.ring ?? createRing(NEXT_SECRET))
  if (decoded.kind !== 'genuine') throw new Error('a token that was handed out is genuine')
  return decoded.token
}

interface ComparedRow {
  id: string
  generation: number
  revoked: string | null
}

const readRows = statement<ComparedRow>(
  'test.compared_rows',
  'select id, generation, revoked_reason as revoked from sessions where user_id = $1::uuid order by id',
)

/** The rows are what the model says, and so is the list of living sessions. */
export async function compare({ rows }: Model, { server, userId, sessions }: Real): Promise<void> {
  const expected = sessions.map(({ sessionId: id }, index) => ({ id, row: rows[index] }))
  expect(await server.hallpass.store.database.query(readRows, [userId])).to.deep.equal(
    expected.map(({ id, row }) => ({ id, generation: row?.generation, revoked: row?.revoked })),
  )
  const live = await server.hallpass.sessions.list(userId, 'active')
  expect(live.map(({ id }) => id)).to.have.members(
    expected.filter(({ row }) => row !== undefined && isLive(row)).map(({ id }) => id),
  )
}

/** Of all tokens that a living session ever had, only the newest goes on: each older one ends it. */
export async function expectOneLineage(model: Model, real: Real): Promise<void> {
  const { sessions } = processOf(real, 2)
  for (const [index, session] of real.sessions.entries()) {
    const row = model.rows[index]
    if (row === undefined || !isLive(row)) continue
    await moveTimes(real.server, session, { rotated_at: -HOUR })
    const saved = await saveRow(real.server, session.sessionId)
    for (const refreshToken of session.tokens) {
      const { transport } = row
      const presented = { refreshToken, transport, clientId: null, idempotencyKey: null, ip: null }
      const answer = await answerOf(sessions.refresh(presented))
      if (open(refreshToken, real).generation >= row.generation) expect(answer).to.include({ kind: 'granted' })
      else expect(answer).to.include({ kind: 'refused', reason: 'token_reuse' })
      await restoreRow(real.server, saved)
    }
  }
}
