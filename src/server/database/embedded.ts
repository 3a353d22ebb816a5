/** PGlite behind the port: PostgreSQL inside the process, for one process at a time. */
import type { PGlite } from '@electric-sql/pglite'
import { MikroORM } from '@mikro-orm/pglite'
import { embeddedOptions } from '../../../mikro-orm.config.ts'
import type { Database } from './database.ts'
import { asUnavailable } from './unavailable.ts'

/** @param pglite opened by this process, which holds its directory's lock; closed with the port */
export async function overPglite(pglite: PGlite): Promise<Database & { orm: MikroORM }> {
  const orm = await MikroORM.init(embeddedOptions(() => Promise.resolve(pglite)))

  return {
    kind: 'embedded',
    orm,
    async query({ text }, values) {
      try {
        const { rows } = await pglite.query(text, [...values])
        return rows.map(withBuffers) as never[]
      } catch (error) {
        throw asUnavailable(error)
      }
    },
    async transaction(work) {
      try {
        return await pglite.transaction((tx) =>
          work({
            async query({ text }, values) {
              const { rows } = await tx.query(text, [...values])
              return rows.map(withBuffers) as never[]
            },
          }),
        )
      } catch (error) {
        throw asUnavailable(error)
      }
    },
    unitOfWork: (work) => work(orm.em.fork() as never),
    async listen(channel, onNotification) {
      await pglite.listen(channel, onNotification)
    },
    async close() {
      await orm.close()
      await pglite.close()
    },
  }
}

/** PGlite gives bytea as Uint8Array, node-postgres as Buffer: callers see one. */
function withBuffers(row: unknown): unknown {
  const columns = row as Record<string, unknown>
  for (const [name, value] of Object.entries(columns)) {
    if (value instanceof Uint8Array) columns[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
  return columns
}
