/** PGlite behind the port: PostgreSQL inside the process, for one process at a time. */
import type { PGlite, Transaction } from '@electric-sql/pglite'
import { MikroORM } from '@mikro-orm/pglite'
import { embeddedOptions } from '../../../mikro-orm.config.ts'
import { createAnnouncements, EVERYTHING, type Announce } from './announcements.ts'
import type { Database, Queryable } from './database.ts'
import { guarded } from './guarded.ts'
import { asUnavailable } from './unavailable.ts'

/**
 * @param pglite opened by this process, which holds its directory's lock; closed with the port
 * @param onError told what a listener throws
 */
export async function overPglite(
  pglite: PGlite,
  onError: (error: Error) => void,
): Promise<Database & { orm: MikroORM }> {
  const orm = await MikroORM.init(await embeddedOptions(() => Promise.resolve(pglite)))
  /** Every process is this one. */
  const listeners = new Map<string, ((payload: string) => void)[]>()
  const announce: Announce = (channel, payload) => {
    // In a turn of its own: what a listener throws is no failure of what is committed.
    for (const onNotification of listeners.get(channel) ?? []) queueMicrotask(() => onNotification(payload))
  }

  return {
    kind: 'embedded',
    orm,
    async query(statement, values) {
      try {
        return await boundTo(pglite, announce).query(statement, values)
      } catch (error) {
        throw asUnavailable(error)
      }
    },
    async transaction(work) {
      const announced = createAnnouncements()
      try {
        const result = await pglite.transaction((tx) => work(boundTo(tx, announced.add)))
        announced.sendTo(announce)
        return result
      } catch (error) {
        throw asUnavailable(error)
      }
    },
    async snapshot(work) {
      try {
        return await pglite.transaction((tx) => work(boundTo(tx, announce)))
      } catch (error) {
        throw asUnavailable(error)
      }
    },
    unitOfWork: (work) => work(orm.em.fork() as never),
    async listen(channel, onNotification) {
      const listener = (payload: string): void => guarded(() => onNotification(payload), onError)
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
      await pglite.listen(channel, listener)
    },
    async close() {
      await orm.close()
      await pglite.close()
    },
  }
}

const boundTo = (client: Pick<PGlite, 'query'> | Transaction, announce: Announce): Queryable => ({
  async query({ text, announces, about }, values) {
    const { rows } = await client.query(text, [...values])
    if (announces !== undefined && rows.length > 0) announce(announces, about?.(values) ?? EVERYTHING)
    return rows.map(withBuffers) as never[]
  },
})

/** PGlite gives bytea as Uint8Array, node-postgres as Buffer: callers see one. */
function withBuffers(row: unknown): unknown {
  const columns = row as Record<string, unknown>
  for (const [name, value] of Object.entries(columns)) {
    if (value instanceof Uint8Array) columns[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
  return columns
}
