/**
 * The tables of a backup: all that are there, so that none is forgotten when a migration adds one. Left out is what may
 * be lost (unlogged tables), which migrations were run, who looks after what, and mail of development, which has tokens in it.
 */
import { statement, type Queryable } from '../../database/database.ts'

export interface Table {
  readonly name: string
  /** In their order; those that mean something in one database only are left out. */
  readonly columns: readonly string[]
  /** The column that the database numbers. */
  readonly identity: string | null
}

/** Those that others refer to come first. */
export async function listTables(tx: Queryable): Promise<Table[]> {
  const rows = await tx.query(readTables, [])
  const tables = new Map(rows.map(({ name, columns, identity }) => [name, { name, columns, identity }]))
  const ordered = new Set<string>()
  const place = (name: string): void => {
    if (ordered.has(name)) return
    for (const before of rows.find((row) => row.name === name)?.refers_to ?? []) if (before !== name) place(before)
    ordered.add(name)
  }
  for (const { name } of rows) place(name)
  return [...ordered].flatMap((name) => tables.get(name) ?? [])
}

export async function listMigrations(tx: Queryable): Promise<string[]> {
  return (await tx.query(readMigrations, [])).map(({ name }) => name)
}

/** For names that the database itself has told. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const readTables = statement<{ name: string; columns: string[]; identity: string | null; refers_to: string[] }>(
  'backup.tables',
  `select relation.relname::text as name,
     array(
       select attname::text from pg_attribute
       where attrelid = relation.oid and attnum > 0 and not attisdropped and attgenerated = ''
         and atttypid <> 'xid8'::regtype
       order by attnum
     ) as columns,
     (select attname::text from pg_attribute where attrelid = relation.oid and attidentity <> '') as identity,
     array(
       select other.relname::text from pg_constraint join pg_class as other on other.oid = confrelid
       where conrelid = relation.oid and contype = 'f'
     ) as refers_to
   from pg_class as relation
   where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
     and relpersistence = 'p' and relname not in ('migrations', 'dev_mailbox', 'backups', 'upkeep')
   order by relname`,
)

const readMigrations = statement<{ name: string }>('backup.migrations', 'select name from migrations order by id')
