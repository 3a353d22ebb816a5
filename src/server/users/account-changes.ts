/**
 * What can happen to an account, with all that follows from it: sessions and API keys that end,
 * tokens that are void, mails that tell. All of it commits together, under the lock of the account's row.
 */
import type { RevocationReason } from '../../protocol/errors.ts'
import type { ApiKeys } from '../api-keys/api-keys.ts'
import type { Database, Queryable } from '../database/database.ts'
import { Unavailable } from '../errors.ts'
import { voidEmailTokens, voidLaterWaysBack } from '../emails/email-tokens.ts'
import { wishMail } from '../emails/outbox.ts'
import { FEED_MARGIN } from '../revocations/ending-sessions.ts'
import { byOwner, type Actor } from '../sessions/actor.ts'
import { restateClaims } from '../sessions/claims.ts'
import type { Ending } from '../sessions/ending.ts'
import {
  type Account,
  lockAccount,
  markVerified,
  recordEvent,
  releaseAddress,
  removeAccount,
  setAddress,
  setClaims,
  setDisabled,
  setPassword,
  setRole,
} from './account.ts'
import { parseEmailAddress } from './email-address.ts'
import { lockAccountFor } from './locking.ts'
import { changedMembers, demandUserClaims } from './user-claims.ts'
import type { UserRole } from './user.entity.ts'

/** What an operator changes of an account. What is left out stays as it is. */
export interface Amendment {
  /**
   * In place of those before. They are in the access tokens of all sessions from the next refresh on; older tokens
   * are refused by whoever follows the feed, and nobody is signed out.
   */
  readonly claims?: Readonly<Record<string, unknown>> | undefined
  readonly role?: UserRole | undefined
  /** True ends every session and lets nobody in. */
  readonly isDisabled?: boolean | undefined
}

export interface AccountChanges {
  /** Signs nobody out. */
  confirm(tx: Queryable, userId: string, actor: Actor): Promise<void>
  /**
   * Whoever opens a link that signs in owns the mailbox. If nobody had shown that before, everything that
   * was set up until now may be somebody else's, and ends (docs/decisions/0014).
   */
  claim(tx: Queryable, userId: string, ip: string | null): Promise<void>
  /** @param passwordHash by `Passwords.hash` */
  resetPassword(tx: Queryable, userId: string, passwordHash: string, ip: string | null): Promise<void>
  /** @returns false when the password was changed by somebody else meanwhile */
  changePassword(
    account: { userId: string; passwordVersion: number },
    passwordHash: string,
    actor: Actor,
  ): Promise<boolean>
  /** @returns false when the address belongs to another account by now, or the session that asked was ended */
  changeAddress(
    tx: Queryable,
    userId: string,
    address: string,
    asked: Pick<Actor, 'sessionId' | 'ip'>,
  ): Promise<boolean>
  /** @param since when the way back was made */
  revertAddress(tx: Queryable, userId: string, address: string, since: Date, ip: string | null): Promise<boolean>
  /**
   * All of it or nothing.
   * @returns false when there is no such account
   * @throws {InvalidClaims}
   */
  amend(userId: string, amendment: Amendment, actor: Actor): Promise<boolean>
  /** @returns false when there is no such account */
  disable(userId: string, actor: Actor): Promise<boolean>
  enable(userId: string, actor: Actor): Promise<boolean>
  delete(userId: string, actor: Actor): Promise<boolean>
}

export function createAccountChanges(deps: {
  database: Database
  sessions: Pick<Ending, 'revokeAllIn' | 'endGraceIn' | 'hasEndedIn'>
  apiKeys: Pick<ApiKeys, 'revokeAllIn' | 'endTokensIn'>
  /** Life of an access token, seconds: how long the feed has to remember that older ones are outdated. */
  accessTtl: number
}): AccountChanges {
  const { database, sessions, apiKeys, accessTtl } = deps

  /** Everything that lets somebody in, but for one session. */
  async function endAll(
    tx: Queryable,
    userId: string,
    except: string | null,
    reason: RevocationReason,
    actor: Actor,
  ): Promise<void> {
    await sessions.revokeAllIn(tx, userId, except, reason, actor)
    await voidEmailTokens(tx, userId)
  }

  /** @throws {Unavailable} the actor was signed out, or may not any more, by what held the lock: asked again, it is told so */
  async function onAccount(
    userId: string,
    actor: Actor,
    work: (tx: Queryable, account: Account) => Promise<boolean>,
  ): Promise<boolean> {
    return database.transaction(async (tx) => {
      const account = await lockAccountFor(tx, userId, actor)
      if (
        actor.kind === 'user' &&
        actor.sessionId !== null &&
        (await sessions.hasEndedIn(tx, userId, actor.sessionId))
      ) {
        throw new Unavailable('the session ended while it changed its account')
      }
      return account !== null && work(tx, account)
    })
  }

  async function amend(userId: string, { claims, role, isDisabled }: Amendment, actor: Actor): Promise<boolean> {
    if (claims !== undefined) demandUserClaims(claims)
    return onAccount(userId, actor, async (tx, account) => {
      if (isDisabled !== undefined) await switchAccount(tx, account, isDisabled, actor)
      if (role !== undefined) await giveRole(tx, userId, role, actor)
      if (claims !== undefined) await replaceClaims(tx, userId, claims, actor)
      return true
    })
  }

  async function switchAccount(tx: Queryable, account: Account, isDisabled: boolean, actor: Actor): Promise<void> {
    const { id } = account
    await setDisabled(tx, id, isDisabled)
    if (isDisabled) {
      await endAll(tx, id, null, 'account_disabled', actor)
      // The keys come back with the account; the tokens that were made with them do not.
      await apiKeys.endTokensIn(tx, id, 'account_disabled')
    }
    if (isDisabled !== account.isDisabled) {
      await recordEvent(tx, id, isDisabled ? 'user.disabled' : 'user.enabled', actor)
    }
  }

  async function giveRole(tx: Queryable, userId: string, role: UserRole, actor: Actor): Promise<void> {
    const former = await setRole(tx, userId, role)
    if (former === role) return
    await recordEvent(tx, userId, 'user.role_changed', actor, null, { from: former, to: role })
  }

  /** The history says which of them changed, and not what they say. */
  async function replaceClaims(
    tx: Queryable,
    userId: string,
    claims: Readonly<Record<string, unknown>>,
    actor: Actor,
  ): Promise<void> {
    const members = changedMembers(await setClaims(tx, userId, claims), claims)
    if (members.length === 0) return
    await restateClaims(tx, { userId, sessionId: null, feedSeconds: accessTtl + FEED_MARGIN })
    await recordEvent(tx, userId, 'user.claims_changed', actor, null, { members })
  }

  return {
    async confirm(tx, userId, actor) {
      if (await markVerified(tx, userId)) await recordEvent(tx, userId, 'user.confirmed', actor)
    },

    async claim(tx, userId, ip) {
      const account = await lockAccount(tx, userId)
      if (account === null || account.isVerified) return
      await setPassword(tx, userId, null)
      await endAll(tx, userId, null, 'password_reset', byOwner(ip))
      await apiKeys.revokeAllIn(tx, userId, 'password_reset', byOwner(ip))
      await markVerified(tx, userId)
      await recordEvent(tx, userId, 'user.confirmed', byOwner(ip))
    },

    async resetPassword(tx, userId, passwordHash, ip) {
      await setPassword(tx, userId, passwordHash)
      await endAll(tx, userId, null, 'password_reset', byOwner(ip))
      await apiKeys.revokeAllIn(tx, userId, 'password_reset', byOwner(ip))
      await markVerified(tx, userId)
      await recordEvent(tx, userId, 'user.password_reset', byOwner(ip))
      await wishMail(tx, { purpose: 'password_changed', user_id: userId, ip })
    },

    changePassword: ({ userId, passwordVersion }, passwordHash, actor) =>
      onAccount(userId, actor, async (tx, account) => {
        if (account.passwordVersion !== passwordVersion || account.isDisabled) return false
        await setPassword(tx, userId, passwordHash)
        await endAll(tx, userId, actor.sessionId, 'password_changed', actor)
        // A copy of this session's token from just before would still be answered.
        if (actor.sessionId !== null) await sessions.endGraceIn(tx, userId, actor.sessionId)
        await recordEvent(tx, userId, 'user.password_changed', actor)
        await wishMail(tx, { purpose: 'password_changed', user_id: userId, session_id: actor.sessionId, ip: actor.ip })
        return true
      }),

    async changeAddress(tx, userId, address, { sessionId, ip }) {
      const account = await lockAccount(tx, userId)
      const wanted = parseEmailAddress(address)
      if (account === null || wanted === null) return false
      // A device that was signed out changes nothing any more, nor does what it asked for before.
      if (sessionId !== null && (await sessions.hasEndedIn(tx, userId, sessionId))) return false
      if (!(await setAddress(tx, userId, wanted))) return false
      const actor = { kind: 'user', sessionId, ip } as const
      await endAll(tx, userId, sessionId, 'email_changed', actor)
      await recordEvent(tx, userId, 'user.email_changed', actor)
      // An address that was never confirmed may be a stranger's, by a mistake in typing: no way back leads there.
      if (account.email !== null && account.isVerified) {
        await wishMail(tx, {
          purpose: 'email_changed',
          user_id: userId,
          to: account.email,
          new_address: wanted.address,
          at: account.now.toISOString(),
          session_id: sessionId,
          ip,
        })
      }
      return true
    },

    async revertAddress(tx, userId, address, since, ip) {
      const former = parseEmailAddress(address)
      if (former === null) return false
      // Registering the address that was just given up must not bar its owner's way back.
      await releaseAddress(tx, former.canonical, userId)
      if (!(await setAddress(tx, userId, former))) return false
      await setPassword(tx, userId, null)
      await endAll(tx, userId, null, 'email_changed', byOwner(ip))
      await apiKeys.revokeAllIn(tx, userId, 'email_changed', byOwner(ip))
      await voidLaterWaysBack(tx, userId, since)
      await recordEvent(tx, userId, 'user.email_reverted', byOwner(ip))
      await wishMail(tx, { purpose: 'reset_password', user_id: userId })
      return true
    },

    amend,
    disable: (userId, actor) => amend(userId, { isDisabled: true }, actor),
    enable: (userId, actor) => amend(userId, { isDisabled: false }, actor),

    delete: (userId, actor) =>
      onAccount(userId, actor, async (tx, account) => {
        await endAll(tx, userId, null, 'account_deleted', actor)
        await apiKeys.revokeAllIn(tx, userId, 'account_deleted', actor)
        await recordEvent(tx, userId, 'user.deleted', actor)
        if (account.email !== null && account.isVerified) {
          await wishMail(tx, { purpose: 'account_deleted', to: account.email, at: account.now.toISOString() })
        }
        await removeAccount(tx, userId)
        return true
      }),
  }
}
