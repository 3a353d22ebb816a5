/** Locks an account for somebody who does something to it, and makes sure that they still may. */
import { statement, type Queryable } from '../database/database.ts'
import { Unavailable } from '../errors.ts'
import type { Actor } from '../sessions/actor.ts'
import { IS_LIVE } from '../sessions/session.ts'
import { lockAccount, type Account } from './account.ts'

/**
 * Of an administrator who is signed in, the own account is locked as well, both in the order of their ids: two who
 * demote each other at once wait for each other, and the second finds that they are none any more.
 * @returns null when there is no such account
 * @throws {Unavailable} the administrator was signed out, disabled or demoted meanwhile: asked again, they are told so
 */
export async function lockAccountFor(tx: Queryable, userId: string, actor: Actor): Promise<Account | null> {
  const { kind, id, sessionId } = actor
  if (kind === 'admin' && id != null && sessionId !== null) {
    await tx.query(lockBoth, [[userId, id]])
    const [administrator] = await tx.query(findAdministrator, [id, sessionId])
    if (administrator === undefined) throw new Unavailable('who administers was signed out or demoted meanwhile')
  }
  return lockAccount(tx, userId)
}

const lockBoth = statement<{ id: string }>(
  'account.lock_both',
  'select id from users where id = any($1::uuid[]) order by id for no key update',
)

/** A statement of its own, so that it sees what was committed by whoever held the locks. */
const findAdministrator = statement<{ id: string }>(
  'account.find_administrator',
  `select id from users
   where id = $1::uuid and role = 'admin' and disabled_at is null
     and exists (select from sessions where user_id = $1::uuid and sessions.id = $2::uuid and ${IS_LIVE})`,
)
