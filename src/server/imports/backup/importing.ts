/**
 * A backup into a fresh store, in one transaction: all of it or nothing. Never into one that has accounts, whose
 * sessions may have ended since: a revoked device would come back.
 */
import { statement, type Database, type Queryable } from '../../database/database.ts'
import { createReadBackup, type BackupHeader } from './reading.ts'
import type { Ring } from '../../tokens/ring.ts'
import { listMigrations, listTables, quoted, type Table } from './tables.ts'

export type BackupReport =
  | { readonly kind: 'imported' | 'counted'; readonly tables: ReadonlyMap<string, number> }
  /** This very backup was imported before. */
  | { readonly kind: 'present'; readonly importedAt: Date }

/** @throws with words for people where this backup does not go into this store; nothing was written then */
export type ImportBackup = (lines: AsyncIterable<string>, options: { isDry: boolean }) => Promise<BackupReport>

/** The reasons for which there is no way. */
const FOREIGN_SECRET =
  'this backup was made with another HALLPASS_SECRET: its devices and keys would be lost. Set the one it was made ' +
  'with, which an embedded store keeps in the file "secret" of its data directory.'
const NOT_FRESH = 'this store has accounts or sessions already. A backup goes into a fresh one only.'
const OTHER_SCHEMA =
  'this backup is of another schema than the store. Run "hallpass migrate" here, and export with the same version.'

export const createImportBackup =
  ({ database, ring }: { database: Database; ring: Ring }): ImportBackup =>
  (lines, { isDry }) =>
    database.transaction(async (tx) => {
      const { header, batches } = await createReadBackup(lines)
      const present = await findPresent(tx, header)
      if (present !== null) return { kind: 'present', importedAt: present }
      const tables = await check(tx, header, ring)
      const counts = new Map<string, number>()
      for await (const { table, rows } of batches) {
        const into = tables.get(table)
        if (into === undefined) throw new Error(OTHER_SCHEMA)
        counts.set(table, (counts.get(table) ?? 0) + rows.length)
        if (!isDry) await insert(tx, into, rows)
      }
      if (isDry) return { kind: 'counted', tables: counts }
      for (const table of tables.values()) await continueNumbering(tx, table)
      await tx.query(remember, [header.id, header.made_at])
      return { kind: 'imported', tables: counts }
    })

async function findPresent(tx: Queryable, { id }: BackupHeader): Promise<Date | null> {
  const [present] = await tx.query(readPresent, [id])
  return present?.imported_at ?? null
}

/** Before anything is written. @returns the tables, with the columns that the backup has of them */
async function check(tx: Queryable, header: BackupHeader, ring: Ring): Promise<ReadonlyMap<string, Table>> {
  if (ring.withFingerprint(Buffer.from(header.secret, 'hex')) === undefined) throw new Error(FOREIGN_SECRET)
  const tables = await listTables(tx)
  const own = { tables: tables.map(({ name, columns }) => ({ name, columns })), migrations: await listMigrations(tx) }
  const { tables: theirs, migrations } = header
  if (JSON.stringify(own) !== JSON.stringify({ tables: theirs, migrations })) throw new Error(OTHER_SCHEMA)
  const [state] = await tx.query(readState, [])
  if (state?.is_used !== false) throw new Error(NOT_FRESH)
  return new Map(tables.map((table) => [table.name, table]))
}

/** What a fresh store has of itself, its clients above all, gives way. */
async function insert(tx: Queryable, { name, columns }: Table, rows: readonly unknown[]): Promise<void> {
  const chosen = columns.map(quoted).join(', ')
  const update = columns.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join(', ')
  const onConflict = name === 'clients' ? `on conflict (id) do update set ${update}` : 'on conflict do nothing'
  const into = statement(
    `backup.insert_${name}`,
    `insert into ${quoted(name)} (${chosen}) overriding system value
     select ${chosen} from jsonb_populate_recordset(null::${quoted(name)}, $1::jsonb) ${onConflict}`,
  )
  await tx.query(into, [JSON.stringify(rows)])
}

async function continueNumbering(tx: Queryable, { name, identity }: Table): Promise<void> {
  if (identity === null) return
  const last = `select coalesce(max(${quoted(identity)}), 0) + 1 from ${quoted(name)}`
  const continued = statement(
    `backup.number_${name}`,
    `select setval(pg_get_serial_sequence($1::text, $2::text), (${last}), false)`,
  )
  await tx.query(continued, [quoted(name), identity])
}

const readPresent = statement<{ imported_at: Date }>(
  'backup.read_present',
  'select imported_at from backups where id = $1::uuid',
)

const readState = statement<{ is_used: boolean }>(
  'backup.read_state',
  `select exists (select from users) or exists (select from sessions) or exists (select from api_keys) as is_used`,
)

const remember = statement('backup.remember', 'insert into backups (id, made_at) values ($1::uuid, $2::timestamptz)')
