/** A database that answers a refresh at once: with the row as its statement would have left it. */
import type { Database, Value } from '../../src/server/database/database.ts'

/** In place of the statements that nearly every refresh is (sessions/rotation.ts); all others go on to the store. */
export function standInForRotation(database: Database): void {
  const query = database.query.bind(database)
  const answers: Record<string, (users: Value | undefined, ids: Value | undefined) => object[]> = {
    'refresh.rotate': (user, id) => [rowOf(user, id)],
    'refresh.rotate_many': (users, ids) => (ids as string[]).map((id, index) => rowOf((users as string[])[index], id)),
  }
  database.query = <Row>(statement: Parameters<typeof query<Row>>[0], values: readonly Value[]): Promise<Row[]> => {
    const rows = answers[statement.name]?.(values[0], values[1])
    return rows === undefined ? query(statement, values) : Promise.resolve(rows as Row[])
  }
}

const DAY = 86_400_000

const rowOf = (userId: unknown, id: unknown): object => ({
  user_id: userId,
  id,
  asked_id: id,
  client_id: 'default',
  scope: '',
  amr: ['pwd'],
  claims: {},
  authenticated_at: new Date(),
  idle_expires_at: new Date(Date.now() + 30 * DAY),
  absolute_expires_at: new Date(Date.now() + 365 * DAY),
  persistent: true,
  tokens_from: null,
  now: new Date(),
  recovered: false,
})
