/** The table of ecto_sessions, whose users are another table's affair: an account is made for each id in it. */
import { openForeignPostgres, quoteName, quoteText } from '../database/foreign-postgres.ts'
import type { KeptToken } from '../tokens/imported-token.ts'
import type { Source } from './source.ts'

export interface EctoSessionsOptions {
  readonly from: string
  readonly table: string
  readonly userColumn: string
}

export const ectoSessionsSource = ({ from, table, userColumn }: EctoSessionsOptions): Source =>
  async function* () {
    const database = await openForeignPostgres(from)
    const [source, user] = [quoteName(table), quoteName(userColumn)]
    const users = `select distinct ${user}::text as id from ${source} where ${user} is not null order by 1`
    try {
      for await (const { id } of database.rows<{ id: string }>(users)) {
        yield { kind: 'user', where: `user ${id}`, members: { subject: id } }
      }
      for await (const row of database.rows<SessionRow>(sessionsIn(source, user, userColumn))) {
        yield {
          kind: 'session',
          where: `session ${row.id}`,
          members: {
            user: row.user_id ?? '',
            created_at: row.inserted_at,
            expires_at: row.expires_at,
            data: { ...row.extra_fields, ...row.data },
          },
          keptToken: keptOf(row.auth_token_digest),
        }
      }
    } finally {
      await database.close()
    }
  }

/** Digests of 160 to 512 bits in hex. A token as it is has 64 kinds of characters: it never looks like one. */
const DIGEST = /^([\da-f]{40}|[\da-f]{56}|[\da-f]{64}|[\da-f]{96}|[\da-f]{128})$/

const keptOf = (digest: string): KeptToken => ({
  form: DIGEST.test(digest) ? 'digest' : 'token',
  bytes: Buffer.from(digest),
})

interface SessionRow {
  id: string
  user_id: string | null
  auth_token_digest: string
  data: Record<string, unknown>
  extra_fields: Record<string, unknown>
  expires_at: Date | null
  inserted_at: Date
}

/** Whatever else the table has is what the application added (`extra_fields`). */
const sessionsIn = (source: string, user: string, userColumn: string): string =>
  `select id::text, ${user}::text as user_id, auth_token_digest, data, expires_at::timestamptz, inserted_at::timestamptz,
     to_jsonb(sessions) - array[
       'id', 'auth_token_digest', 'data', 'expires_at', 'inserted_at', 'updated_at', ${quoteText(userColumn)}
     ] as extra_fields
   from ${source} as sessions order by id`
