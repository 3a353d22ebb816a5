/** Applications that people sign in to. There are few of them: every process knows them all, and follows their changes. */
import { statement, type Database } from '../database/database.ts'
import { createFollower } from '../database/follower.ts'
import { checkClient, type ServiceLifetimes } from './checking.ts'
import type { ClientField } from './client-fields.ts'
import { Client } from './client.entity.ts'

export interface Clients {
  /** Reads them, and from then on again whenever any process changes one. */
  start(): Promise<void>
  /** The registered client, or null: from memory, and `known` from then on. */
  find(clientId: string): Promise<Client | null>
  /** As far as this process has heard, which takes a moment: for what every refresh asks. */
  known(): ReadonlyMap<string, Client>
  list(): Promise<Client[]>
  /**
   * Registers it, or changes what is given.
   * @throws {InvalidClient} all that is wrong with it; nothing was changed
   */
  save(clientId: string, changes: ClientChanges): Promise<void>
  /** Nobody signs in to it any more; its sessions stay. @returns false when there is none */
  remove(clientId: string): Promise<boolean>
  stop(): void
}

export type ClientChanges = Partial<Pick<Client, ClientField>>

/** Who names no client is this one. */
export const DEFAULT_CLIENT_ID = 'default'

const CHANNEL = 'hallpass_clients'

/** @param deps.service the lives that clients are held to, where they have none of their own */
export function createClients({ database, service }: { database: Database; service: ServiceLifetimes }): Clients {
  let known: ReadonlyMap<string, Client> = new Map()

  const list = (): Promise<Client[]> => database.unitOfWork((em) => em.findAll(Client, { orderBy: { id: 'asc' } }))

  async function read(): Promise<void> {
    known = new Map((await list()).map((client) => [client.id, client]))
  }
  const follower = createFollower(read)

  /** Another process may have registered it a moment ago. */
  async function lookUp(clientId: string): Promise<Client | null> {
    const found = await database.unitOfWork((em) => em.findOne(Client, { id: clientId }))
    if (found !== null) known = new Map(known).set(clientId, found)
    return found
  }

  async function tellAll(clientId: string): Promise<void> {
    await database.query(announce, [clientId])
    await read()
  }

  return {
    async start() {
      await database.listen(CHANNEL, follower.changed, follower.changed)
      await read()
    },
    find: async (clientId) => known.get(clientId) ?? lookUp(clientId),
    known: () => known,
    list,
    async save(clientId, changes) {
      await database.unitOfWork(async (em) => {
        const client =
          (await em.findOne(Client, { id: clientId })) ??
          em.create(Client, { id: clientId, name: clientId, scope: '', createdAt: new Date() })
        checkClient(Object.assign(client, changes), Object.keys(changes) as ClientField[], service)
        await em.persist(client).flush()
      })
      await tellAll(clientId)
    },
    async remove(clientId) {
      const count = await database.unitOfWork((em) => em.nativeDelete(Client, { id: clientId }))
      await tellAll(clientId)
      return count > 0
    },
    stop: () => follower.stop(),
  }
}

const announce = statement<{ id: string }>('clients.announce', 'select $1::text as id', {
  announces: CHANNEL,
})
