/** Databases of the systems that people move in from, with tables as those tools make them. */
import { createHash, randomBytes } from 'node:crypto'
import { sharedPostgres } from './postgres.ts'
import { connectTo, type SecondConnection } from './held.ts'

export interface FormerSystem {
  readonly url: string
  readonly sql: SecondConnection
  remove(): Promise<void>
}

/** Empty, until its tables are made. */
export async function aFormerSystem(...tables: readonly string[]): Promise<FormerSystem> {
  const postgres = await sharedPostgres()
  const url = await postgres.createDatabase()
  const sql = await connectTo(url)
  for (const table of tables) await sql.query(table)
  return {
    url,
    sql,
    async remove() {
      await sql.end()
      await postgres.dropDatabase(url)
    },
  }
}

/** `mix phx.gen.auth Accounts User users` with Phoenix 1.8. */
export const PHOENIX_1_8 = [
  'create extension if not exists citext',
  `create table users (
     id bigserial primary key,
     email citext not null,
     hashed_password varchar(255),
     confirmed_at timestamp(0) without time zone,
     inserted_at timestamp(0) without time zone not null,
     updated_at timestamp(0) without time zone not null
   )`,
  'create unique index users_email_index on users (email)',
  `create table users_tokens (
     id bigserial primary key,
     user_id bigint not null references users (id) on delete cascade,
     token bytea not null,
     context varchar(255) not null,
     sent_to varchar(255),
     authenticated_at timestamp(0) without time zone,
     inserted_at timestamp(0) without time zone not null
   )`,
  'create unique index users_tokens_context_token_index on users_tokens (context, token)',
]

/** `mix phx.gen.auth Members Member members --binary-id` with Phoenix 1.7. */
export const PHOENIX_1_7 = [
  'create extension if not exists citext',
  `create table members (
     id uuid primary key,
     email citext not null,
     hashed_password varchar(255) not null,
     confirmed_at timestamp(0) without time zone,
     inserted_at timestamp with time zone not null,
     updated_at timestamp with time zone not null
   )`,
  `create table members_tokens (
     id uuid primary key,
     member_id uuid not null references members (id) on delete cascade,
     token bytea not null,
     context varchar(255) not null,
     sent_to varchar(255),
     inserted_at timestamp with time zone not null
   )`,
]

/** `EctoSessions.Migrations` V01, with an extra field beside the user's id. */
export const ECTO_SESSIONS = [
  `create table sessions (
     id uuid primary key,
     auth_token_digest varchar(255) not null,
     data jsonb not null default '{}',
     expires_at timestamp without time zone,
     user_id varchar(255) not null,
     role varchar(255) not null,
     inserted_at timestamp without time zone not null,
     updated_at timestamp without time zone not null
   )`,
  'create unique index sessions_auth_token_digest_index on sessions (auth_token_digest)',
]

/** As `:crypto.strong_rand_bytes(32)`. */
export const aPhoenixToken = (): Buffer => randomBytes(32)

/** As `EctoSessions.AuthToken.generate_token(64)`. */
export const anEctoToken = (): string => randomBytes(64).toString('base64url').slice(0, 64)

/** As `EctoSessions.AuthToken.get_digest`. */
export const digestOf = (token: string, algorithm: string, salt = ''): string =>
  createHash(algorithm)
    .update(salt + token)
    .digest('hex')
