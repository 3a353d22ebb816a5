/** `users` and `users_tokens` as phx.gen.auth of Phoenix 1.7 and 1.8 makes them. */
import { openForeignPostgres, quoteName, quoteText } from '../database/foreign-postgres.ts'
import type { Item, Source } from './source.ts'

export interface PhxOptions {
  readonly from: string
  readonly usersTable: string
  readonly tokensTable: string
  /** Of the tokens' table, for the user. */
  readonly userColumn: string
  /** Which tokens; those of `session` are sessions of browsers. */
  readonly context: string
  /** How long one is good for, from when it was made. */
  readonly validDays: number
  /** The claim that tells APIs the id of before. */
  readonly idClaim: string | null
}

/** Whatever else Phoenix sends out, it keeps the SHA-256 of. */
const KEPT_AS_IT_IS = 'session'
const DAY = 86_400_000

export const phxSource = (options: PhxOptions): Source =>
  async function* () {
    const database = await openForeignPostgres(options.from)
    try {
      for await (const row of database.rows<UserRow>(usersIn(options))) yield userOf(row, options)
      for await (const row of database.rows<TokenRow>(tokensIn(options))) yield sessionOf(row, options)
    } finally {
      await database.close()
    }
  }

function userOf(row: UserRow, { idClaim }: PhxOptions): Item {
  const members = {
    subject: row.id,
    email: row.email,
    password_hash: row.hashed_password,
    email_verified: row.confirmed_at,
    created_at: row.inserted_at,
    ...(idClaim === null ? {} : { claims: { [idClaim]: row.id } }),
  }
  return { kind: 'user', where: `user ${row.id}`, members }
}

function sessionOf(row: TokenRow, { validDays, context }: PhxOptions): Item {
  const members = {
    user: row.user_id,
    created_at: row.inserted_at,
    authenticated_at: row.authenticated_at,
    expires_at: new Date(row.inserted_at.getTime() + validDays * DAY),
  }
  const form = context === KEPT_AS_IT_IS ? 'token' : 'digest'
  return { kind: 'session', where: `token ${row.id}`, members, keptToken: { form, bytes: row.token } }
}

interface UserRow {
  id: string
  email: string
  hashed_password: string | null
  confirmed_at: Date | null
  inserted_at: Date
}

interface TokenRow {
  id: string
  user_id: string
  token: Buffer
  authenticated_at: Date | null
  inserted_at: Date
}

/** Times of Ecto have no zone and are UTC, or have one. Phoenix 1.7 has no `authenticated_at`. */
const usersIn = ({ usersTable }: PhxOptions): string =>
  `select id::text, email::text, hashed_password, confirmed_at::timestamptz, inserted_at::timestamptz
   from ${quoteName(usersTable)} order by id`

const tokensIn = ({ tokensTable, userColumn, context }: PhxOptions): string =>
  `select id::text, ${quoteName(userColumn)}::text as user_id, token,
     (to_jsonb(tokens) ->> 'authenticated_at')::timestamptz as authenticated_at, inserted_at::timestamptz
   from ${quoteName(tokensTable)} as tokens where context = ${quoteText(context)} order by id`
