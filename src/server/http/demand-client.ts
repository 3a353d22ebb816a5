import type { Client } from '../clients/client.entity.ts'
import { Problem } from '../errors.ts'
import type { Transport } from '../sessions/session.ts'

/**
 * The client that somebody wants to sign in to.
 * @param transport null where it is not known yet
 * @throws {Problem} 400 `invalid_client` where nobody can, or not in this way
 */
export function demandClient(client: Client | null, transport: Transport | null): Client {
  if (client === null) throw new Problem(400, 'invalid_client', 'This client_id is not registered.')
  if (client.type === 'service') {
    throw new Problem(
      400,
      'invalid_client',
      'This client signs people in by itself, and nobody can sign in to it here.',
    )
  }
  if (client.type === 'native' && transport === 'cookie') {
    throw new Problem(
      400,
      'invalid_client',
      'This client is a native app, which takes no cookies: use transport "body".',
    )
  }
  return client
}
