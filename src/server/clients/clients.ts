/** Applications that people sign in to. */
import type { Database } from '../database/database.ts'
import { Client } from './client.entity.ts'

export interface Clients {
  /** The registered client, or null. */
  find(clientId: string): Promise<Client | null>
  list(): Promise<Client[]>
  /** Registers it, or changes what is given. @param changes.linkUri empty: our own page */
  save(clientId: string, changes: { name?: string; scope?: string; linkUri?: string }): Promise<void>
}

/** Who names no client is this one. */
export const DEFAULT_CLIENT_ID = 'default'

export const createClients = ({ database }: { database: Database }): Clients => ({
  find: (clientId) => database.unitOfWork((em) => em.findOne(Client, { id: clientId })),
  list: () => database.unitOfWork((em) => em.findAll(Client, { orderBy: { id: 'asc' } })),
  save: (clientId, { name, scope, linkUri }) =>
    database.unitOfWork(async (em) => {
      const known = await em.findOne(Client, { id: clientId })
      const client =
        known ?? em.create(Client, { id: clientId, name: name ?? clientId, scope: '', createdAt: new Date() })
      if (name !== undefined) client.name = name
      if (scope !== undefined) client.scope = scope
      if (linkUri !== undefined) client.linkUri = linkUri === '' ? null : linkUri
      await em.persist(client).flush()
    }),
})
