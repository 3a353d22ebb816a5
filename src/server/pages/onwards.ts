/** What goes along from page to page on the way in: where the person wants to go, and to which application. */
import { DEFAULT_CLIENT_ID, type Clients } from '../clients/clients.ts'
import { Problem } from '../errors.ts'
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

/** @throws {Problem} 400 `invalid_client` for an application that is not registered */
export type ReadOnwards = (wanted: Wanted) => Promise<Onwards>

export const createReadOnwards =
  (deps: { allowedOrigins: readonly string[]; clients: Pick<Clients, 'find'> }): ReadOnwards =>
  async (wanted) => {
    const clientId = wanted('client_id') ?? null
    // The sessions of another application would be of no use to the one that sent the person here.
    if (clientId !== null && (await deps.clients.find(clientId)) === null) {
      throw new Problem(400, 'invalid_client', 'This client_id is not registered.')
    }
    return { returnTo: readReturnTo(wanted('return_to'), deps.allowedOrigins), clientId }
  }

export const inLink = ({ returnTo, clientId }: Onwards): Record<string, string | null> => ({
  return_to: returnTo,
  client_id: clientId,
})

export const inForm = ({ returnTo, clientId }: Onwards): Html =>
  html`${hiddenField('return_to', returnTo)}${hiddenField('client_id', clientId)}`

/** What has to be asked for to get sessions of the same application. */
export const namedClient = (clientId: string): string | null => (clientId === DEFAULT_CLIENT_ID ? null : clientId)
