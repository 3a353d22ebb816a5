/**
 * An old question: what UUIDs cost as keys beside bigint, and what it would cost a refresh to ask for the account too.
 *
 *   npm ci --prefix bench       once, for what loads the fleet
 *   npm run bench:keys
 *   npm run bench:keys -- --sessions 100000 --rounds 1 --seconds 1
 *
 * The very statement that a refresh is when it is alone, and variations of it, from this process through pg, on random
 * sessions, by 1 and by 16 connections; in turns, medians. PostgreSQL is one of our own with durable commits, or the
 * one that BENCH_DATABASE_URL names.
 */
import { parseArgs } from 'node:util'
import pg from 'pg'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { fillFleet } from './fleet/fill.ts'
import { captureRotation } from './limits/rotation-in-sql.ts'
import { insertions } from './keys/insertions.ts'
import { rotations } from './keys/rotations.ts'
import { takeTurns } from './keys/turns.ts'
import { bytesOf, fillNumbered } from './keys/tables.ts'
import { findDatabaseProcess } from './machine/database-process.ts'
import { startMeasuredPostgres } from './machine/postgres.ts'
import { describeMachine } from './report/machine.ts'
import { startHallpass } from './services/hallpass.ts'

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
  },
})
const sessions = Number(values.sessions)
const CONNECTIONS = [1, 16]

const postgres = await startMeasuredPostgres()
try {
  const databaseUrl = await postgres.createDatabase()
  const service = await startHallpass({ databaseUrl })
  await fillFleet({ sessions, url: service.url, databaseUrl })
  // Its upkeep is not to be measured.
  await service.stop()
  const pool = new pg.Pool({ connectionString: databaseUrl, max: Math.max(...CONNECTIONS) })
  await fillNumbered(pool)

  console.log(`${await describeMachine(databaseUrl)}; ${sessions.toLocaleString('en')} sessions\n`)
  console.log('| keys | bytes a session | of which the primary key |\n|---|---:|---:|')
  for (const [name, table] of Object.entries({ uuid: 'sessions', bigint: 'numbered' })) {
    const { all, key } = await bytesOf(pool, table)
    console.log(`| ${name} | ${all.toFixed(1)} | ${key.toFixed(1)} |`)
  }

  const conditions = {
    pool,
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    database: await findDatabaseProcess(databaseUrl),
  }
  for (const connections of CONNECTIONS) {
    await takeTurns('a refresh', rotations({ pool, sessions, rotation: await captureRotation() }), {
      ...conditions,
      connections,
    })
    await takeTurns('one more session', await insertions({ pool, sessions }), { ...conditions, connections })
  }
  await pool.end()
} finally {
  await postgres.stop()
  await stopSharedMailServer()
}
