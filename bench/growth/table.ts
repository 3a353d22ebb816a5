/** What PostgreSQL counts of the table of sessions, and of its log. */
import type pg from 'pg'

/** Bytes and pages after a load; the key as it is after a load in the order of time. */
export interface Shape {
  readonly rows: number
  readonly heapBytes: number
  readonly keyBytes: number
  /** What is too long for its row, and the maps of free and visible space. */
  readonly otherBytes: number
  /** Pages of the key: those that point to rows, and those above them. */
  readonly leaves: number
  readonly inner: number
  /** From the root to a leaf, both counted. */
  readonly depth: number
}

export async function readShape(pool: pg.Pool): Promise<Shape> {
  await pool.query('create extension if not exists pgstattuple')
  const { rows } = await pool.query<Record<keyof Shape, string>>(
    `select (select count(*) from sessions) as rows, pg_relation_size('sessions') as "heapBytes",
       pg_relation_size('sessions_pkey') as "keyBytes",
       pg_total_relation_size('sessions') - pg_relation_size('sessions') - pg_relation_size('sessions_pkey') as "otherBytes",
       leaf_pages as leaves, internal_pages as inner, tree_level + 1 as depth
     from pgstatindex('sessions_pkey')`,
  )
  return Object.fromEntries(
    Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]),
  ) as never as Shape
}

/** Counters since PostgreSQL began to count, but for the last two, which are of now. */
export interface Counts {
  readonly updates: number
  readonly heapOnlyUpdates: number
  readonly vacuums: number
  readonly logBytes: number
  /** Whole pages in the log. */
  readonly logPages: number
  readonly deadRows: number
  readonly tableBytes: number
}

export async function readCounts(pool: pg.Pool): Promise<Counts> {
  const { rows } = await pool.query<Record<keyof Counts, string>>(
    `select n_tup_upd as updates, n_tup_hot_upd as "heapOnlyUpdates", autovacuum_count as vacuums,
       wal_bytes as "logBytes", wal_fpi as "logPages", n_dead_tup as "deadRows",
       pg_total_relation_size('sessions') as "tableBytes"
     from pg_stat_user_tables, pg_stat_wal where relid = 'sessions'::regclass`,
  )
  return Object.fromEntries(
    Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]),
  ) as never as Counts
}
