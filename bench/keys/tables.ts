/** The same sessions with numbers for keys: all other columns, the key's order and the room on a page are alike. */
import type pg from 'pg'
import { FIRST_MADE } from '../fleet/fleet.ts'

/** The number that an id of the fleet was made of: the time that a UUIDv7 begins with. */
const numberIn = (id: string): string =>
  `('x' || left(replace(${id}::text, '-', ''), 12))::bit(48)::bigint - ${FIRST_MADE}`

export async function fillNumbered(pool: pg.Pool): Promise<void> {
  const others = await otherColumns(pool)
  await pool.query(`create table numbered (like sessions including all) with (fillfactor = 80)`)
  await pool.query('alter table numbered alter user_id type bigint using 0, alter id type bigint using 0')
  await pool.query(
    `insert into numbered (user_id, id, ${others})
     select ${numberIn('user_id')}, ${numberIn('id')}, ${others} from sessions where generation = 0 order by id`,
  )
  await pool.query('vacuum (analyze) numbered')
  await pool.query('checkpoint')
}

/** All columns but the key, as a list for SQL. */
export async function otherColumns(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ names: string }>(
    `select string_agg(quote_ident(attname), ', ' order by attnum) as names from pg_attribute
     where attrelid = 'sessions'::regclass and attnum > 0 and not attisdropped and attname not in ('user_id', 'id')`,
  )
  return rows[0]?.names ?? ''
}

/** Bytes for each row. */
export async function bytesOf(pool: pg.Pool, table: string): Promise<{ all: number; key: number }> {
  const { rows } = await pool.query<{ all: number; key: number }>(
    `select pg_total_relation_size(oid) / rows as all, pg_relation_size(oid::regclass || '_pkey') / rows as key
     from (select '${table}'::regclass::oid as oid, (select count(*) from ${table})::float8 as rows) as counted`,
  )
  return rows[0] ?? { all: NaN, key: NaN }
}
