/**
 * A server that says nothing any more, behind a firewall that forgot the connection or on a machine that lost its power:
 * whoever waits for an answer is told so, and the connection is thrown away.
 *
 * In place of the driver's `query_timeout`, which makes a timer for each query. Timers stand in a list, and each one kept
 * the query before it from being collected while young: of every refresh 2.5 kB lived on until the next full collection,
 * and small collections took 11 ms in place of 4 (docs/decisions/0039). Here a connection has one timer for its life.
 */
import type { Socket } from 'node:net'
import type { ClientBase } from 'pg'

/** What the driver keeps to itself. */
interface Driven {
  readonly connection: { readonly stream: Socket }
  /** Whether the server has answered everything that it was asked. */
  readonly readyForQuery: boolean
}

/** @param patience milliseconds */
export function giveUpOnSilence(client: ClientBase, patience: number): void {
  const driven = client as unknown as Driven
  const { stream } = driven.connection
  stream.setTimeout(patience)
  stream.on('timeout', () => {
    if (driven.readyForQuery) return // nobody waits
    stream.destroy(Object.assign(new Error('the database was silent for too long'), { code: 'ETIMEDOUT' }))
  })
}
