/**
 * Which buckets a sign-in takes from. An account has one for everybody, so that a guesser gains nothing
 * from having many networks. Alone it would let anybody lock anybody out by guessing; so, where it is
 * empty, networks from which the account was used before have one each, for that account only.
 */
import { statement, type Database } from '../database/database.ts'
import { parseEmailAddress } from '../users/email-address.ts'
import type { Bucket, Buckets } from './buckets.ts'
import { LIMITS } from './limits.ts'
import { UNKNOWN_NETWORK } from './network.ts'

/** The account that an address stands for, whether it exists or not; what is no address stands for itself. */
export const accountOf = (address: string): string => parseEmailAddress(address)?.canonical ?? address

/** Both windows of what is counted for an account, or for an account and a network. */
export const signInBuckets = (...of: readonly string[]): readonly Bucket[] => [
  { limit: LIMITS.signInAccount, of },
  { limit: LIMITS.signInAccountDaily, of },
]

/**
 * A sign-in from a known network gives back only what it took there: the owner at home does not let the
 * guesser elsewhere go on.
 */
export const createFindSignInBuckets =
  ({ database, buckets }: { database: Database; buckets: Buckets }) =>
  async (account: string, network: string): Promise<readonly Bucket[]> => {
    const everybodys = signInBuckets(account)
    if (network === UNKNOWN_NETWORK || (await buckets.findEmpty(everybodys)) === null) return everybodys
    const [found] = await database.query(findKnownNetwork, [account, network])
    return found?.is_known === true ? signInBuckets(account, network) : everybodys
  }

/** `<<=` is "within or equal". What ended counts as well, for as long as it is kept and its address is whole. */
const findKnownNetwork = statement<{ is_known: boolean }>(
  'rate_limits.find_known_network',
  `select exists (
     select from users join sessions on sessions.user_id = users.id
     where users.email_canonical = $1::text
       and (sessions.ip_first <<= $2::inet or sessions.ip_last <<= $2::inet)
   ) as is_known`,
)
