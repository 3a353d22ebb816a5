/** Users as an application sees them that has the service in its own process. The same over HTTP is `/v1/admin/users`. */
import { validate as isUuid } from 'uuid'
import type { Database } from '../database/database.ts'
import { OPERATOR } from '../sessions/actor.ts'
import { findSubjectUser } from '../sessions/subject-user.ts'
import type { AccountChanges } from './account-changes.ts'
import type { Directory, UserDetails, UserPage, UserSearch } from './directory.ts'
import type { UserClaims } from './user-claims.ts'
import type { UserRole } from './user.entity.ts'

/** By what the application calls somebody, or by our own id: the `sub` of their access tokens. */
export type Who = { readonly subject: string } | { readonly userId: string }

/** All of these throw `Unavailable` while the database cannot be reached, and then nothing was changed. */
export interface ApplicationUsers {
  /** @returns null for somebody who never signed in */
  find(who: Who): Promise<UserDetails | null>
  /** A page, newest first. @throws {RangeError} for a cursor of no page, or a limit that is not 1 to 100 */
  list(search?: UserSearch): Promise<UserPage>
  /**
   * What is to be in the access tokens of all their sessions, in place of what was: at most 1 kB of JSON, none of
   * the protocol's names. Where a session was given claims of its own, those win. APIs that follow the feed refuse
   * older tokens within a moment, and clients get new ones by a refresh; nobody is signed out.
   * @returns false for somebody who never signed in, as with those below
   * @throws {InvalidClaims}
   */
  setClaims(who: Who, claims: UserClaims): Promise<boolean>
  /** `admin` opens the pages for operators. */
  setRole(who: Who, role: UserRole): Promise<boolean>
  /** Every session ends (`account_disabled`), and none begins until it is enabled. */
  disable(who: Who): Promise<boolean>
  enable(who: Who): Promise<boolean>
  /** Every session ends (`account_deleted`). Who signs in with that subject again is somebody new. */
  delete(who: Who): Promise<boolean>
}

export function createApplicationUsers(deps: {
  database: Database
  directory: Directory
  accounts: Pick<AccountChanges, 'amend' | 'disable' | 'enable' | 'delete'>
}): ApplicationUsers {
  const { database, directory, accounts } = deps

  async function idOf(who: Who): Promise<string | null> {
    if ('subject' in who) return findSubjectUser(database, who.subject)
    return isUuid(who.userId) ? who.userId : null
  }

  async function onUser(who: Who, change: (userId: string) => Promise<boolean>): Promise<boolean> {
    const userId = await idOf(who)
    return userId !== null && change(userId)
  }

  return {
    async find(who) {
      const userId = await idOf(who)
      return userId === null ? null : directory.show(userId)
    },
    async list(search = {}) {
      const { limit = 1 } = search
      if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw new RangeError('limit: 1 to 100')
      const page = await directory.search(search)
      if (page === null) throw new RangeError('cursor: not one of a page before')
      return page
    },
    setClaims: (who, claims) => onUser(who, (userId) => accounts.amend(userId, { claims }, OPERATOR)),
    setRole: (who, role) => onUser(who, (userId) => accounts.amend(userId, { role }, OPERATOR)),
    disable: (who) => onUser(who, (userId) => accounts.disable(userId, OPERATOR)),
    enable: (who) => onUser(who, (userId) => accounts.enable(userId, OPERATOR)),
    delete: (who) => onUser(who, (userId) => accounts.delete(userId, OPERATOR)),
  }
}
