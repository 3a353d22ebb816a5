/**
 * What holds for a client's sessions: its own terms, else the service's. From memory, as every refresh asks; a
 * change holds from the next sign-in and the next refresh on, in every process.
 */
import type { Client } from './client.entity.ts'
import type { Clients } from './clients.ts'

/** Durations are seconds. */
export interface ClientTerms {
  readonly accessTtl: number
  readonly idleTtl: number
  readonly absoluteTtl: number
  readonly grace: number
  /** How many sessions of it a user may have; null: as many as of all clients together. */
  readonly maxSessions: number | null
  readonly atLimit: Client['atLimit']
}

export interface Terms {
  of(clientId: string): ClientTerms
  /**
   * Idle lives that are not the service's, as JSON by client id: for the statement that does not know which client
   * it is about before it runs.
   */
  ownIdleTtls(): string
}

export function createTerms(deps: {
  clients: Pick<Clients, 'known'>
  service: Pick<ClientTerms, 'accessTtl' | 'idleTtl' | 'absoluteTtl' | 'grace'>
}): Terms {
  const { clients, service } = deps
  const ofNobody: ClientTerms = { ...service, maxSessions: null, atLimit: 'drop_oldest' }

  const termsOf = (client: Client): ClientTerms => ({
    accessTtl: Math.min(client.accessTtl ?? service.accessTtl, service.accessTtl),
    idleTtl: client.idleTtl ?? service.idleTtl,
    absoluteTtl: client.absoluteTtl ?? service.absoluteTtl,
    grace: client.grace ?? service.grace,
    maxSessions: client.maxSessions ?? null,
    atLimit: client.atLimit,
  })

  function readTerms(from: ReadonlyMap<string, Client>) {
    const idleTtls = [...from.values()].map(({ id, idleTtl }) => [id, idleTtl] as const)
    return {
      from,
      of: new Map([...from].map(([id, client]) => [id, termsOf(client)])),
      ownIdleTtls: JSON.stringify(Object.fromEntries(idleTtls.filter(([, idleTtl]) => idleTtl != null))),
    }
  }

  let read = readTerms(clients.known())
  /** Read anew once for each change of the clients, which brings another map. */
  const current = () => (read.from === clients.known() ? read : (read = readTerms(clients.known())))

  return {
    of: (clientId) => current().of.get(clientId) ?? ofNobody,
    ownIdleTtls: () => current().ownIdleTtls,
  }
}
