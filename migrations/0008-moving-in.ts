import { Migration } from '@mikro-orm/migrations'

/** Sessions that another system began, whose devices still have its tokens; and which backups this store was made of. */
export class MovingIn extends Migration {
  override up(): void {
    // `token_hash` is the SHA-256 of what the other system kept: the token itself, or a hash of it.
    this.addSql(`
      create table imported_tokens (
        token_hash bytea primary key,
        user_id uuid not null references users (id) on delete cascade,
        session_id uuid not null,
        expires_at timestamptz not null
      )`)
    this.addSql(`create index imported_tokens_user on imported_tokens (user_id)`)
    this.addSql(`create index imported_tokens_expires_at on imported_tokens (expires_at)`)

    this.addSql(`
      create table backups (
        id uuid primary key,
        made_at timestamptz not null,
        imported_at timestamptz not null default clock_timestamp()
      )`)
  }

  override down(): void {
    this.addSql(`drop table backups`)
    this.addSql(`drop table imported_tokens`)
  }
}
