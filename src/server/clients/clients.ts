import type { Database } from '../database/database.ts'
import { Client } from './client.entity.ts'

export interface Clients {
  /** The registered client, or null. */
  find(clientId: string): Promise<Client | null>
}

/** Who names no client is this one. */
export const DEFAULT_CLIENT_ID = 'default'

export const createClients = ({ database }: { database: Database }): Clients => ({
  find: (clientId) => database.unitOfWork((em) => em.findOne(Client, { id: clientId })),
})
