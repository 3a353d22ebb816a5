import { Migration } from '@mikro-orm/migrations'

/** Who else is told of what the history records, and how that went. */
export class Webhooks extends Migration {
  override up(): void {
    this.addSql(`
      create table webhooks (
        id uuid primary key,
        url text not null,
        description text not null default '',
        event_types text[] not null default '{}',
        secret bytea not null,
        previous_secret bytea,
        previous_until timestamptz,
        secret_fingerprint bytea not null,
        created_at timestamptz not null default clock_timestamp(),
        failing_since timestamptz,
        disabled_at timestamptz,
        disabled_reason text
      )`)

    this.addSql(`
      create table webhook_deliveries (
        id bigint generated always as identity primary key,
        webhook_id uuid not null,
        event_id uuid not null,
        event_at timestamptz not null,
        type text not null,
        attempt integer not null,
        at timestamptz not null default clock_timestamp(),
        status integer,
        duration integer not null,
        failure text,
        next_attempt_at timestamptz
      )`)
    this.addSql(`create index webhook_deliveries_at on webhook_deliveries (webhook_id, at)`)
    this.addSql(`create index webhook_deliveries_event on webhook_deliveries (webhook_id, event_id)`)

    // Whatever writes an event has it sent, in its own transaction. What is as old as an hour is only moved to
    // another table or brought in from another store, and was told when it happened.
    this.addSql(`
      create function hallpass_wish_webhooks() returns trigger language plpgsql as
      $$ begin
        insert into outbox (kind, webhook_id, payload)
        select 'webhook', id, to_jsonb(new) from webhooks
        where disabled_at is null and (event_types = '{}' or new.type = any (event_types))
          and new.created_at > clock_timestamp() - interval '1 hour';
        return null;
      end $$`)
    this.addSql(`
      create trigger events_webhooks after insert on events
      for each row execute function hallpass_wish_webhooks()`)

    // An index for each kind: what waits for a receiver that is away is in nobody's way.
    this.addSql(`alter table outbox add column webhook_id uuid`)
    this.addSql(`drop index outbox_next_attempt`)
    this.addSql(`create index outbox_mail on outbox (next_attempt_at) where kind = 'mail'`)
    this.addSql(`create index outbox_webhook on outbox (webhook_id, next_attempt_at) where kind = 'webhook'`)

    // Transactions that notify commit one by one (docs/decisions/0021), and every sign-in writes an event.
    this.addSql(`
      create or replace trigger outbox_notify after insert on outbox
      for each row when (new.kind = 'mail') execute function hallpass_notify_outbox()`)
  }

  override down(): void {
    this.addSql(`drop trigger events_webhooks on events`)
    this.addSql(`drop function hallpass_wish_webhooks()`)
    this.addSql(`delete from outbox where kind = 'webhook'`)
    this.addSql(`
      create or replace trigger outbox_notify after insert on outbox
      for each row execute function hallpass_notify_outbox()`)
    this.addSql(`drop index outbox_webhook`)
    this.addSql(`drop index outbox_mail`)
    this.addSql(`create index outbox_next_attempt on outbox (next_attempt_at)`)
    this.addSql(`alter table outbox drop column webhook_id`)
    this.addSql(`drop table webhook_deliveries`)
    this.addSql(`drop table webhooks`)
  }
}
