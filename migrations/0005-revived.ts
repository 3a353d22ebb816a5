import { Migration } from '@mikro-orm/migrations'

/** A session that ended can be brought back. `revived_from` is the end that was taken back: no memory of it counts. */
export class Revived extends Migration {
  override up(): void {
    this.addSql(`alter table sessions add column revived_from timestamptz`)
  }

  override down(): void {
    this.addSql(`alter table sessions drop column revived_from`)
  }
}
