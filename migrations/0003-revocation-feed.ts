import { Migration } from '@mikro-orm/migrations'

/** What followers of the feed have seen is told by transactions, since positions are taken before commits. */
export class RevocationFeed extends Migration {
  override up(): void {
    // Every entry of before gets this migration's own number, and so counts as new once more.
    this.addSql(`alter table revocations add column transaction_id xid8 not null default pg_current_xact_id()`)
    this.addSql(`create index revocations_transaction_id on revocations (transaction_id)`)
  }

  override down(): void {
    this.addSql(`alter table revocations drop column transaction_id`)
  }
}
