/** The statement that a refresh is when it is alone, as the server sends it, for whoever sends it without the server. */
import pg from 'pg'
import type { Database, Value } from '../../src/server/database/database.ts'
import { createRotation } from '../../src/server/sessions/rotation.ts'
import { seenOf } from '../../src/server/sessions/seen.ts'
import { firstTokenOf } from '../fleet/fleet.ts'
import { secretHashInSql, sessionIdInSql, userIdInSql } from '../fleet/fleet-in-sql.ts'
import { DEVICE_HEADERS } from '../load/device.ts'

/**
 * @param session the session's number, an expression of type bigint; `user`, its owner's
 * @returns the statement with every value written into it. Only the generation is the row's own: nobody keeps count
 */
export async function rotationInSql(session: string, user: string): Promise<string> {
  const { text, values } = await captureRotation()
  const own: Record<number, string> = {
    1: userIdInSql(user),
    2: sessionIdInSql(session),
    3: secretHashInSql(session),
    4: 'generation',
  }
  return text.replaceAll(/\$(\d+)/g, (_, index: string) => own[Number(index)] ?? literal(values[Number(index) - 1]))
}

/** @returns the statement and its values for the first session of a fleet of one, before its first refresh */
export async function captureRotation(): Promise<{ text: string; values: readonly Value[] }> {
  let sent: { text: string; values: readonly Value[] } | undefined
  const database: Pick<Database, 'query'> = {
    query({ text }, values) {
      sent = { text, values }
      return Promise.resolve([])
    },
  }
  const rotation = createRotation({
    database: database as Database,
    policies: { idleAfter: null },
    terms: { ownIdleTtls: () => '{}' },
    settings: { idleTtl: 30 * 24 * 60 * 60, refreshGroups: false },
  })
  await rotation.rotate(
    firstTokenOf(0, 1),
    { refreshToken: '', transport: 'body', clientId: null, idempotencyKey: 'one', ip: '127.0.0.1' },
    { headers: DEVICE_HEADERS, ip: '127.0.0.1', seen: seenOf(DEVICE_HEADERS, '127.0.0.1') },
  )
  if (sent === undefined) throw new Error('a refresh sent no statement')
  return sent
}

function literal(value: Value | undefined): string {
  if (value === undefined || value === null) return 'null'
  if (value instanceof Uint8Array) return `'\\x${Buffer.from(value).toString('hex')}'`
  return typeof value === 'string' ? pg.escapeLiteral(value) : String(value)
}
