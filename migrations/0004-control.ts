import { Migration } from '@mikro-orm/migrations'

/** What operators can set for a client and for a session, and what is noted of both. */
export class Control extends Migration {
  override up(): void {
    this.addSql(`
      alter table clients
        add column type text not null default 'spa' check (type in ('spa', 'native', 'service')),
        add column origins text[] not null default '{}',
        add column redirect_uris text[] not null default '{}',
        add column access_ttl integer,
        add column idle_ttl integer,
        add column absolute_ttl integer,
        add column grace integer,
        add column max_sessions integer,
        add column at_limit text not null default 'drop_oldest' check (at_limit in ('refuse', 'drop_oldest', 'ask')),
        add column data_claims text[] not null default '{}',
        add column min_app_version text`)

    // `claims` is what goes into access tokens: the user's, this session's own, and chosen members of `data`.
    // `seen` stands for the device and the network of the last refresh; nothing is decided about one that is alike.
    // `tokens_from`: tokens of before are refused by whoever follows the feed, so no new one may be as old.
    this.addSql(`
      alter table sessions
        add column own_claims jsonb not null default '{}',
        add column idle_ttl integer,
        add column pinned boolean not null default false,
        add column tokens_from timestamptz,
        add column seen bytea,
        add column step_up text`)

    this.addSql(`alter table events add column actor_id uuid, add column details jsonb not null default '{}'`)

    // What happened how often, by the minute. Unlogged: a crash forgets figures, and nobody waits for the disk.
    this.addSql(`
      create unlogged table counters (
        minute timestamptz not null,
        name text not null,
        count bigint not null,
        primary key (minute, name)
      )`)
  }

  override down(): void {
    this.addSql(`drop table counters`)
    this.addSql(`alter table events drop column actor_id, drop column details`)
    this.addSql(`
      alter table sessions drop column own_claims, drop column idle_ttl, drop column pinned, drop column tokens_from,
        drop column seen, drop column step_up`)
    this.addSql(`
      alter table clients drop column type, drop column origins, drop column redirect_uris, drop column access_ttl,
        drop column idle_ttl, drop column absolute_ttl, drop column grace, drop column max_sessions,
        drop column at_limit, drop column data_claims, drop column min_app_version`)
  }
}
