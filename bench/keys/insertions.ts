/** A row more, as a sign-in adds it: for somebody at random, its id greater than all before. */
import type pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { userIdOf, usersOf } from '../fleet/fleet.ts'
import { otherColumns } from './tables.ts'
import type { Contestant } from './turns.ts'

export async function insertions({ pool, sessions }: { pool: pg.Pool; sessions: number }): Promise<Contestant[]> {
  const others = await otherColumns(pool)
  await pool.query('create table if not exists model as select * from sessions limit 1')
  const insert = async (table: string, type: string, userId: string, id: string): Promise<void> => {
    await pool.query({
      name: `insert_${table}`,
      text: `insert into ${table} (user_id, id, ${others}) select $1::${type}, $2::${type}, ${others} from model`,
      values: [userId, id],
    })
  }
  const anyUser = (): number => Math.floor(Math.random() * usersOf(sessions))
  const { rows } = await pool.query<{ last: string }>('select max(id) as last from numbered')
  let last = Number(rows[0]?.last)
  return [
    { name: 'uuid, version 7', run: () => insert('sessions', 'uuid', userIdOf(anyUser()), uuidv7()) },
    { name: 'bigint', run: () => insert('numbered', 'bigint', String(anyUser()), String((last += 1))) },
  ]
}
