/**
 * Forgetting somebody: everything ends as when an account is deleted, so that APIs refuse its tokens, and then
 * every row about the person goes, in the same transaction.
 */
import type { ApiKeys } from '../api-keys/api-keys.ts'
import { statement, type Database, type Statement } from '../database/database.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { Actor } from '../sessions/actor.ts'
import type { Ending } from '../sessions/ending.ts'
import { lockAccount, recordEvent } from '../users/account.ts'
import { isAbout } from './own-data.ts'

/** How many rows of each kind were removed. */
export interface Erased {
  readonly accounts: number
  readonly sessions: number
  readonly apiKeys: number
  readonly emailTokens: number
  readonly mails: number
  readonly events: number
}

export interface ErasureDependencies {
  database: Pick<Database, 'transaction'>
  sessions: Pick<Ending, 'revokeAllIn'>
  apiKeys: Pick<ApiKeys, 'revokeAllIn'>
  rateLimits: Pick<RateLimits, 'forget'>
}

/** Also where the account was deleted before. Nobody is told by mail. */
export async function eraseUser(deps: ErasureDependencies, userId: string, actor: Actor): Promise<Erased> {
  const { database, sessions, apiKeys, rateLimits } = deps
  const { address, erased } = await database.transaction(async (tx) => {
    const account = await lockAccount(tx, userId)
    // What webhooks have not told yet; then the ends of sessions and the deletion, which they still have to.
    await tx.query(removeMessages, [userId])
    if (account !== null) await recordEvent(tx, userId, 'user.deleted', actor)
    await sessions.revokeAllIn(tx, userId, null, 'account_deleted', actor)
    await apiKeys.revokeAllIn(tx, userId, 'account_deleted', actor)
    const remove = async (what: Statement<{ count: number }>): Promise<number> =>
      (await tx.query(what, [userId]))[0]?.count ?? 0
    // Users, sessions, outbox: the order in which everybody locks them. The account itself goes last, as mails
    // are found by its address; its lock is held.
    const erased = {
      sessions: await remove(removeSessions),
      mails: (await remove(removeMails)) + (await remove(removeShownMails)),
      apiKeys: await remove(removeApiKeys),
      emailTokens: await remove(removeEmailTokens),
      events: await remove(removeEvents),
      accounts: await remove(removeAccounts),
    }
    return { address: account?.email ?? null, erased }
  })
  await rateLimits.forget(userId, address)
  return erased
}

const removing = (name: string, from: string) =>
  statement<{ count: number }>(
    name,
    `with removed as (delete from ${from} returning 1) select count(*) as count from removed`,
  )

const removeMessages = removing(
  'erasure.messages',
  `outbox where kind = 'webhook' and payload->>'user_id' = ($1::uuid)::text`,
)
const removeSessions = removing('erasure.sessions', 'sessions where user_id = $1::uuid')
const removeMails = removing('erasure.mails', `outbox where kind = 'mail' and (${isAbout('$1::uuid')})`)
const removeShownMails = removing(
  'erasure.shown_mails',
  'dev_mailbox where lower(recipient) = (select lower(email) from users where id = $1::uuid)',
)
const removeApiKeys = removing('erasure.api_keys', 'api_keys where user_id = $1::uuid')
const removeEmailTokens = removing('erasure.email_tokens', 'email_tokens where user_id = $1::uuid')
const removeEvents = removing('erasure.events', 'events where user_id = $1::uuid')
const removeAccounts = removing('erasure.accounts', 'users where id = $1::uuid')
