/**
 * The port behind which both stores stand. Hot statements go through `query` and `transaction` as
 * bound, named statements; everything else goes through `unitOfWork`, which is MikroORM's.
 *
 * MikroORM 7 writes parameters into the SQL text (mikro-orm#8001), so whatever holds a token, a hash
 * or an address is sent through `query`, never through an entity manager's find, flush or execute.
 */
import type { EntityManager } from '@mikro-orm/postgresql'

/** A statement with a name of its own, so that the driver prepares it once per connection. */
export interface Statement<Row> {
  readonly name: string
  readonly text: string
  /** Type only: what a row of the answer looks like. */
  readonly row?: Row
  /**
   * The channel on which every process hears that it gave a row, once that is committed. It is sent after the
   * commit: PostgreSQL commits transactions that notify one by one, each waiting for the disk
   * (docs/decisions/0021).
   */
  readonly announces?: string
  /** Whom or what that is about, by the values bound to it: a short text. Without it, about everything. */
  readonly about?: (values: readonly Value[]) => string
}

export const statement = <Row = never>(
  name: string,
  text: string,
  options: Pick<Statement<Row>, 'announces' | 'about'> = {},
): Statement<Row> => ({ name, text, ...options })

export type Value =
  | string
  | number
  | boolean
  | Date
  | Uint8Array
  | null
  | readonly (string | null)[]
  | readonly Uint8Array[]

/**
 * Runs bound statements. Rows come back alike from both stores: timestamptz as Date, bytea as
 * Buffer, bigint as number (no column of ours passes 2^53), jsonb parsed.
 */
export interface Queryable {
  /** @throws {Unavailable} the store cannot answer now, nothing was decided */
  query<Row>(statement: Statement<Row>, values: readonly Value[]): Promise<Row[]>
}

export interface Database extends Queryable {
  readonly kind: 'postgresql' | 'embedded'
  /**
   * READ COMMITTED; commits when `work` resolves, rolls back when it rejects. Everything inside goes
   * through `tx`: on the embedded store any other way waits for the transaction's own end.
   */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>
  /**
   * Looks at one instant of the store, for as long as it takes, and changes nothing. On the embedded store, which
   * has one connection, everybody else waits.
   */
  snapshot<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>
  /**
   * One piece of work with an identity map of its own.
   * @throws {Unavailable} as `query` does
   */
  unitOfWork<Result>(work: (em: EntityManager) => Promise<Result>): Promise<Result>
  /**
   * Hears every notification on `channel` from any process. `onGap` is called after a connection was
   * lost and taken up again: whatever was sent between has to be read from tables.
   */
  listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<void>
  close(): Promise<void>
}
