/** Applications that people sign in to. There are few of them: every process knows them all, and follows their changes. */
import { statement, type Database } from '../database/database.ts'
import { createFollower } from '../database/follower.ts'
import { Client } from './client.entity.ts'

export interface Clients {
  /** Reads them, and from then on again whenever any process changes one. */
  start(): Promise<void>
  /** The registered client, or null. */
  find(clientId: string): Promise<Client | null>
  /** As far as this process has heard, which takes a moment: for what every refresh asks. */
  known(): ReadonlyMap<string, Client>
  list(): Promise<Client[]>
  /** Registers it, or changes what is given. */
  save(clientId: string, changes: ClientChanges): Promise<void>
  stop(): void
}

export type ClientChanges = Partial<Omit<Client, 'id' | 'createdAt'>>

/** Who names no client is this one. */
export const DEFAULT_CLIENT_ID = 'default'

const CHANNEL = 'hallpass_clients'

export function createClients({ database }: { database: Database }): Clients {
  let known: ReadonlyMap<string, Client> = new Map()

  const list = (): Promise<Client[]> => database.unitOfWork((em) => em.findAll(Client, { orderBy: { id: 'asc' } }))

  async function read(): Promise<void> {
    known = new Map((await list()).map((client) => [client.id, client]))
  }
  const follower = createFollower(read)

  return {
    async start() {
      await database.listen(CHANNEL, follower.changed, follower.changed)
      await read()
    },
    find: (clientId) => database.unitOfWork((em) => em.findOne(Client, { id: clientId })),
    known: () => known,
    list,
    async save(clientId, changes) {
      await database.unitOfWork(async (em) => {
        const client =
          (await em.findOne(Client, { id: clientId })) ??
          em.create(Client, { id: clientId, name: clientId, scope: '', createdAt: new Date() })
        await em.persist(Object.assign(client, changes)).flush()
      })
      await database.query(announce, [clientId])
      await read()
    },
    stop: () => follower.stop(),
  }
}

const announce = statement<{ id: string }>('clients.announce', 'select id from clients where id = $1::text', {
  announces: CHANNEL,
})
