import { Migration } from '@mikro-orm/migrations'

/**
 * The first tables. One statement per `addSql`: PGlite takes no more at once.
 *
 * No foreign key leaves or reaches `sessions`: the hot statements touch one row of one table, a row
 * outlives the account it belonged to (its reason is still asked for), and the table can be
 * distributed by user id.
 */
export class FirstLight extends Migration {
  override up(): void {
    this.addSql(`
      create table users (
        id uuid primary key,
        email text,
        email_canonical text unique,
        email_verified_at timestamptz,
        password_hash text,
        password_version integer not null default 0,
        disabled_at timestamptz,
        role text not null default 'user',
        claims jsonb not null default '{}',
        created_at timestamptz not null default clock_timestamp()
      )`)

    this.addSql(`
      create table clients (
        id text primary key,
        name text not null,
        scope text not null default '',
        created_at timestamptz not null default clock_timestamp()
      )`)
    this.addSql(`insert into clients (id, name) values ('default', 'Default'), ('demo', 'Demo')`)

    // `recovered` says whether the last rotation found the row behind its device: RETURNING shows new
    // values only, so the statement leaves word there.
    // fillfactor leaves room on the page for the next version of a row, and no index covers a column
    // that a refresh changes: so its update stays heap-only (measured: 99.7 %).
    this.addSql(`
      create table sessions (
        user_id uuid not null,
        id uuid not null,
        secret_hash bytea not null,
        generation bigint not null default 0,
        rotated_at timestamptz,
        recovered boolean not null default false,
        idempotency_hashes bytea not null,
        client_id text not null,
        transport text not null check (transport in ('body', 'cookie')),
        persistent boolean not null,
        scope text not null default '',
        amr text[] not null,
        claims jsonb not null default '{}',
        authenticated_at timestamptz not null,
        created_at timestamptz not null,
        last_used_at timestamptz not null,
        idle_expires_at timestamptz not null,
        absolute_expires_at timestamptz not null,
        revoked_at timestamptz,
        revoked_reason text,
        device_name text,
        device_label text not null,
        device_type text not null,
        device_model text,
        browser_name text,
        browser_version text,
        os_name text,
        os_version text,
        app_name text,
        app_version text,
        user_agent text not null,
        ip_first inet,
        ip_last inet,
        location jsonb,
        data jsonb not null default '{}',
        primary key (user_id, id)
      ) with (fillfactor = 80)`)

    this.addSql(`
      create table revocations (
        position bigint generated always as identity primary key,
        session_id uuid not null,
        user_id uuid not null,
        kind text not null check (kind in ('revoked', 'stale')),
        reason text,
        issued_until timestamptz not null,
        until timestamptz not null
      )`)
    this.addSql(`create index revocations_until on revocations (until)`)
    this.addSql(`create index revocations_issued_until on revocations (issued_until)`)

    this.addSql(`
      create table events (
        id uuid not null default gen_random_uuid(),
        created_at timestamptz not null default clock_timestamp(),
        user_id uuid not null,
        session_id uuid,
        type text not null,
        reason text,
        subtype text,
        actor text not null check (actor in ('user', 'admin', 'system')),
        actor_session_id uuid,
        ip inet,
        primary key (created_at, id)
      ) partition by range (created_at)`)
    this.addSql(`create table events_default partition of events default`)
    this.addSql(`create index events_user on events (user_id, created_at)`)

    this.addSql(`
      create table outbox (
        id uuid primary key default gen_random_uuid(),
        kind text not null check (kind in ('mail', 'webhook')),
        payload jsonb not null,
        created_at timestamptz not null default clock_timestamp(),
        attempts integer not null default 0,
        next_attempt_at timestamptz not null default clock_timestamp()
      )`)
    this.addSql(`create index outbox_next_attempt on outbox (next_attempt_at)`)

    this.addSql(`
      create table signing_keys (
        kid text primary key,
        alg text not null,
        public_jwk jsonb not null,
        private_key bytea not null,
        secret_fingerprint bytea not null,
        created_at timestamptz not null default clock_timestamp(),
        activates_at timestamptz not null,
        revoked_at timestamptz
      )`)

    this.addSql(`
      create table ring_secrets (
        fingerprint bytea primary key,
        first_seen_at timestamptz not null default clock_timestamp()
      )`)
  }

  override down(): void {
    for (const table of [
      'ring_secrets',
      'signing_keys',
      'outbox',
      'events',
      'revocations',
      'sessions',
      'clients',
      'users',
    ]) {
      this.addSql(`drop table ${table}`)
    }
  }
}
