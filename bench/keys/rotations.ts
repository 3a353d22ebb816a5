/** The statement of a refresh, and what others would make of it. */
import type pg from 'pg'
import type { Value } from '../../src/server/database/database.ts'
import { hashSecret } from '../../src/server/tokens/secrets.ts'
import { ownerOf, secretOf, sessionIdOf, userIdOf } from '../fleet/fleet.ts'
import type { Contestant } from './turns.ts'

/** What an account has to say of a refresh. */
const ACCOUNT = `select id as account_id, claims as account_claims from users where disabled_at is null`

export function rotations({
  pool,
  sessions,
  rotation,
}: {
  pool: pg.Pool
  sessions: number
  rotation: { text: string; values: readonly Value[] }
}): Contestant[] {
  const { text } = rotation
  const numbered = text
    .replace('update sessions', 'update numbered')
    .replaceAll('$1::uuid', '$1::bigint')
    .replaceAll('$2::uuid', '$2::bigint')
  const joined = text
    .replace(/\bwhere\b/, `from (${ACCOUNT}) as account where account_id = $1::uuid and`)
    .replace(/\breturning\b/, 'returning account_claims,')
  const byUuid = (session: number): Value[] => [userIdOf(ownerOf(session, sessions)), sessionIdOf(session)]
  const byNumber = (session: number): Value[] => [String(ownerOf(session, sessions)), String(session)]
  /** By table: how often each session was rotated so far. */
  const rotated = { sessions: new Uint32Array(sessions), numbered: new Uint32Array(sessions) }

  async function rotate(
    on: pg.ClientBase | pg.Pool,
    name: string,
    statement: string,
    session: number,
    { table = 'sessions', keyOf = byUuid }: { table?: keyof typeof rotated; keyOf?: typeof byUuid } = {},
  ): Promise<void> {
    const generation = rotated[table][session] ?? 0
    const own = [...keyOf(session), hashSecret(secretOf(session)), String(generation)]
    const { rowCount } = await on.query({
      name,
      text: statement,
      values: [...own, ...rotation.values.slice(own.length)],
    })
    if (rowCount !== 1) throw new Error(`${name} touched ${rowCount} rows`)
    rotated[table][session] = generation + 1
  }

  const readAccount = (on: pg.ClientBase | pg.Pool, session: number, lock = ''): Promise<unknown> =>
    on.query({
      name: `account${lock}`,
      text: `${ACCOUNT} and id = $1::uuid ${lock}`,
      values: [userIdOf(ownerOf(session, sessions))],
    })

  const all: { name: string; run: (session: number) => Promise<void> }[] = [
    { name: 'as it is', run: (session) => rotate(pool, 'as_it_is', text, session) },
    {
      name: 'bigint keys',
      run: (session) => rotate(pool, 'numbered', numbered, session, { table: 'numbered', keyOf: byNumber }),
    },
    { name: 'joined with the account', run: (session) => rotate(pool, 'joined', joined, session) },
    {
      name: 'the account read before it',
      async run(session) {
        await readAccount(pool, session)
        await rotate(pool, 'as_it_is', text, session)
      },
    },
    {
      name: 'both in a transaction, the account locked',
      async run(session) {
        const client = await pool.connect()
        try {
          await client.query('begin')
          await readAccount(client, session, 'for share')
          await rotate(client, 'as_it_is', text, session)
          await client.query('commit')
        } finally {
          client.release()
        }
      },
    },
  ]
  return all.map(({ name, run }) => ({ name, run: () => run(chooseFree(sessions)) }))
}

/** One after the other by a stride that is prime: any that was taken is far behind when it comes again. */
const STRIDE = 2_147_483_647
let taken = 0

function chooseFree(sessions: number): number {
  taken += 1
  return (taken * STRIDE) % sessions
}
