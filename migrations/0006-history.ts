import { Migration } from '@mikro-orm/migrations'

/** The history by months, so that what is old is dropped and not deleted; and who looks after what grows, and when. */
export class History extends Migration {
  override up(): void {
    // Sessions are pruned from now on, and with them what told a person's first device from one after years.
    this.addSql(`alter table users add column has_signed_in boolean not null default false`)

    // Nobody writes to `events` from the first statement to the commit: a second for some hundred thousand rows.
    // Months are those of UTC. From now on upkeep makes those to come (src/server/events/months.ts).
    this.addSql(`alter table events detach partition events_default`)
    this.addSql(`alter table events_default rename to events_before`)
    this.addSql(`
      do $$
      declare
        this_month timestamp := date_trunc('month', now() at time zone 'UTC');
        month timestamp;
      begin
        for month in
          select date_trunc('month', created_at at time zone 'UTC') from events_before
          union
          select generate_series(this_month, this_month + interval '2 months', interval '1 month')
          order by 1
        loop
          execute format(
            'create table %I partition of events for values from (%L) to (%L)',
            'events_' || to_char(month, 'YYYY_MM'),
            month at time zone 'UTC',
            (month + interval '1 month') at time zone 'UTC');
        end loop;
      end $$`)
    this.addSql(`create table events_default partition of events default`)
    this.addSql(`insert into events select * from events_before`)
    this.addSql(`drop table events_before`)

    // One row a task. Whoever finds it due takes it, and has it until next_at; after that it is anybody's again.
    this.addSql(`
      create table upkeep (
        task text primary key,
        next_at timestamptz not null,
        holder uuid,
        place text
      )`)
  }

  override down(): void {
    this.addSql(`alter table users drop column has_signed_in`)
    this.addSql(`drop table upkeep`)
    this.addSql(`create table events_together (like events including all)`)
    this.addSql(`insert into events_together select * from events`)
    this.addSql(`
      do $$
      declare month regclass;
      begin
        for month in select inhrelid::regclass from pg_inherits where inhparent = 'events'::regclass loop
          execute format('drop table %s', month);
        end loop;
      end $$`)
    this.addSql(`alter table events_together rename to events_default`)
    this.addSql(`alter table events attach partition events_default default`)
  }
}
