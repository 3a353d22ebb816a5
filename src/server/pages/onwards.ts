/** What goes along from page to page on the way in: where the person wants to go, and to which application. */
import { DEFAULT_CLIENT_ID, type Clients } from '../clients/clients.ts'
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import { demandClient } from '../http/demand-client.ts'
import { hiddenField } from './elements.ts'
import { html, type Html } from './html.ts'
import { readReturnTo } from './return-to.ts'

export interface Onwards {
  readonly returnTo: string | null
  /** The application that gets the session; null where none was named. */
  readonly clientId: string | null
}

/** As a query or as a form has it; anybody can have written it. */
type Wanted = (name: 'return_to' | 'client_id') => string | undefined

/**
 * @param transport of the session that the person gets here; null where it is got elsewhere
 * @throws {Problem} 400 `invalid_client` for an application that nobody can sign in to like this
 */
export type ReadOnwards = (wanted: Wanted, transport: 'cookie' | null) => Promise<Onwards>

export const createReadOnwards =
  (deps: { allowedOrigins: AllowedOrigins; clients: Pick<Clients, 'find'> }): ReadOnwards =>
  async (wanted, transport) => {
    const clientId = wanted('client_id') ?? null
    // The sessions of another application would be of no use to the one that sent the person here.
    const client = clientId === null ? null : demandClient(await deps.clients.find(clientId), transport)
    return { returnTo: readReturnTo(wanted('return_to'), deps.allowedOrigins, client?.redirectUris), clientId }
  }

export const inLink = ({ returnTo, clientId }: Onwards): Record<string, string | null> => ({
  return_to: returnTo,
  client_id: clientId,
})

export const inForm = ({ returnTo, clientId }: Onwards): Html =>
  html`${hiddenField('return_to', returnTo)}${hiddenField('client_id', clientId)}`

/** What has to be asked for to get sessions of the same application. */
export const namedClient = (clientId: string): string | null => (clientId === DEFAULT_CLIENT_ID ? null : clientId)
