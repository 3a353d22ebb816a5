import { validate as isUuid } from 'uuid'
import type { Hallpass } from '../server.ts'

/**
 * Whom an operator means, by address or id; an id also of an account that is gone, of which sessions and history are kept.
 * @throws where nobody has the address
 */
export const identify = (hallpass: Hallpass, who: string): Promise<string> =>
  isUuid(who) ? Promise.resolve(who.toLowerCase()) : identifyAccount(hallpass, who)

/** The same of an account that is there. */
export async function identifyAccount({ users }: Hallpass, who: string): Promise<string> {
  const userId = await users.identify(who)
  if (userId === null) throw new Error('there is no account with this address or id')
  return userId
}
