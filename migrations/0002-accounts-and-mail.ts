import { Migration } from '@mikro-orm/migrations'

/** Tokens in mails, the mails themselves, API keys, rate limits, and users whom another application signs in. */
export class AccountsAndMail extends Migration {
  override up(): void {
    // users before outbox, as a sign-in takes them: the other way round this waits for sign-ins that wait for
    // it (measured: not through in a minute at 550 sign-ins a second; so in 0.2 s).
    this.addSql(`alter table users add column subject text`)
    this.addSql(`create unique index users_subject on users (subject) where subject is not null`)
    this.addSql(`alter table clients add column link_uri text`)

    // One row for a purpose: to ask again is to replace the token that was asked for before. `about`
    // tells apart what may stand side by side: ways back to different addresses, reports on different devices.
    this.addSql(`
      create table email_tokens (
        user_id uuid not null references users (id) on delete cascade,
        purpose text not null,
        about text not null default '',
        token_hash bytea not null unique,
        sent_to text not null,
        account_address text not null,
        client_id text,
        session_id uuid,
        created_at timestamptz not null default clock_timestamp(),
        expires_at timestamptz not null,
        primary key (user_id, purpose, about)
      )`)
    this.addSql(`create index email_tokens_expires_at on email_tokens (expires_at)`)

    // Whoever writes to the outbox wakes whoever empties it, once it is committed.
    this.addSql(`
      create function hallpass_notify_outbox() returns trigger language plpgsql as
      $$ begin perform pg_notify('hallpass_outbox', ''); return null; end $$`)
    this.addSql(`
      create trigger outbox_notify after insert on outbox
      for each row execute function hallpass_notify_outbox()`)

    this.addSql(`
      create table dev_mailbox (
        position bigint generated always as identity primary key,
        id uuid not null unique,
        recipient text not null,
        subject text not null,
        text text not null,
        html text not null,
        created_at timestamptz not null default clock_timestamp()
      )`)

    this.addSql(`
      create table api_keys (
        id uuid primary key,
        user_id uuid references users (id) on delete cascade,
        name text not null,
        scope text not null default '',
        key_hash bytea not null unique,
        hint text not null,
        created_at timestamptz not null default clock_timestamp(),
        expires_at timestamptz,
        last_used_at timestamptz,
        tokens_ended_at timestamptz,
        revoked_at timestamptz
      )`)
    this.addSql(`create index api_keys_user on api_keys (user_id)`)

    // Unlogged: a crash forgets who knocked how often, and no attempt waits for the disk. The columns
    // are those of rate-limiter-flexible.
    this.addSql(`
      create unlogged table rate_limits (
        key varchar(255) primary key,
        points integer not null default 0,
        expire bigint
      )`)
    this.addSql(`create index rate_limits_expire on rate_limits (expire)`)
  }

  override down(): void {
    this.addSql(`alter table clients drop column link_uri`)
    this.addSql(`alter table users drop column subject`)
    for (const table of ['rate_limits', 'api_keys', 'dev_mailbox']) this.addSql(`drop table ${table}`)
    this.addSql(`drop trigger outbox_notify on outbox`)
    this.addSql(`drop function hallpass_notify_outbox()`)
    this.addSql(`drop table email_tokens`)
  }
}
