/** Everything in a store, as it was at one instant, row by row. */
import { v7 as uuidv7 } from 'uuid'
import { statement, type Database, type Queryable } from '../../database/database.ts'
import type { Ring } from '../../tokens/ring.ts'
import { FORMAT } from './form.ts'
import { listMigrations, listTables, quoted, type Table } from './tables.ts'

/**
 * @param write takes some lines; nothing is read on before it has taken them
 * @returns how many rows
 * @throws {Unavailable}
 */
export type ExportBackup = (write: (lines: string) => void | Promise<void>) => Promise<number>

export const createExportBackup =
  ({ database, ring }: { database: Database; ring: Ring }): ExportBackup =>
  (write) =>
    database.snapshot(async (tx) => {
      const tables = await listTables(tx)
      const [clock] = await tx.query(readClock, [])
      const header = {
        hallpass_backup: FORMAT,
        id: uuidv7(),
        made_at: (clock?.now ?? new Date()).toISOString(),
        secret: ring.current.fingerprint.toString('hex'),
        migrations: await listMigrations(tx),
        tables: tables.map(({ name, columns }) => ({ name, columns })),
      }
      await write(`${JSON.stringify(header)}\n`)
      let count = 0
      for (const table of tables) count += await exportTable(tx, table, write)
      await write(`${JSON.stringify({ end: count })}\n`)
      return count
    })

const BATCH = 500

/** As text: PostgreSQL writes what PostgreSQL reads, to the last digit. */
async function exportTable(
  tx: Queryable,
  { name, columns }: Table,
  write: (lines: string) => void | Promise<void>,
): Promise<number> {
  const cursor = quoted(`backup_${name}`)
  const row = `jsonb_build_object('table', '${name.replaceAll("'", "''")}', 'row', to_jsonb(chosen))::text as line`
  const chosen = `select ${columns.map(quoted).join(', ')} from ${quoted(name)}`
  await tx.query(
    statement(`backup.open_${name}`, `declare ${cursor} no scroll cursor for select ${row} from (${chosen}) as chosen`),
    [],
  )
  const next = statement<{ line: string }>(`backup.read_${name}`, `fetch ${BATCH} from ${cursor}`)
  let count = 0
  for (;;) {
    const rows = await tx.query(next, [])
    if (rows.length > 0) await write(rows.map(({ line }) => `${line}\n`).join(''))
    count += rows.length
    if (rows.length < BATCH) return count
  }
}

const readClock = statement<{ now: Date }>('backup.clock', 'select clock_timestamp() as now')
