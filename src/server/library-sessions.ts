/** Sessions as `hallpass/server` gives them: the same for the application's own people and for operators. */
import { validate as isUuid } from 'uuid'
import type { Hallpass } from './server.ts'
import { OPERATOR } from './sessions/actor.ts'
import type { SubjectSignIn } from './sessions/for-subject.ts'
import type { FullSession } from './sessions/full-session.ts'
import type { SessionPredicate } from './sessions/predicate.ts'
import type { StatusFilter } from './sessions/reading.ts'
import type { Search } from './sessions/search.ts'
import type { Session } from './sessions/session.ts'
import type { SessionUpdate } from './sessions/session-update.ts'
import { findSubjectUser } from './sessions/subject-user.ts'

/**
 * What can be done with the sessions of one person. In the history it is an operator who did it.
 * All of it throws `Unavailable` where the database cannot be reached; nothing changed then.
 */
export interface SessionControl {
  /** Newest use first, a thousand at most. Those neither ended nor expired, unless another status is named. */
  list(who: string, status?: StatusFilter): Promise<Session[]>
  count(who: string, status?: StatusFilter): Promise<number>
  /** Whatever its status. */
  find(who: string, sessionId: string): Promise<FullSession | null>
  /**
   * Extends, shortens, expires, pins, sets data and claims, renames: all of it, or nothing.
   * @returns the session as it is then; null when there is no such session
   * @throws {InvalidMember} what cannot be, and where
   * @throws {ControlRefused} it has ended; `revive` it first, or in the same call by `revived: true`
   */
  update(who: string, sessionId: string, update: SessionUpdate): Promise<FullSession | null>
  /**
   * One that was revoked or has expired lives again. Nothing happens to one that lives.
   * @param until the absolute end from then on, where the old one is past or should be another
   * @throws {ControlRefused} why it cannot be
   */
  revive(who: string, sessionId: string, until?: Date): Promise<FullSession | null>
  /**
   * Ends one, with the reason `revoked_by_admin`.
   * @returns false when there is no such session; true also when it had ended before
   */
  revoke(who: string, sessionId: string): Promise<boolean>
  /** Ends all of them. @returns how many that were */
  revokeAll(who: string): Promise<number>
}

/** Sessions of the application's own people. A subject is whatever its user table calls one. */
export interface SubjectSessions extends SessionControl {
  /**
   * For somebody whom the application has just signed in.
   * @throws {InvalidSignIn} for what cannot be in a sign-in; also `account_disabled`, where the user was disabled here
   * @throws {Unavailable} the database cannot be reached, or `onSignIn` failed; nothing was made
   */
  create(signIn: SubjectSignIn): Promise<CreatedSession>
}

/** Sessions of everybody. A person is the id of a user: `sub` of every access token. */
export interface AdminSessions extends SessionControl {
  /** By user, a hundred at most; go on with its `cursor` until that is null. Active ones, unless another status is named. */
  search(
    predicate: SessionPredicate,
    options?: { readonly status?: StatusFilter; readonly cursor?: string | null },
  ): ReturnType<Search['search']>
  countWhere(predicate: SessionPredicate, status?: StatusFilter): Promise<number>
  /** Ends the live ones that have all of this in common. @returns how many that were */
  revokeWhere(predicate: SessionPredicate): Promise<number>
}

/** What the application hands on to its client. Durations are seconds. */
export interface CreatedSession {
  readonly accessToken: string
  readonly expiresIn: number
  /**
   * Of the transport `cookie`: for the cookie `__Host-hallpass` (`hallpass` where the issuer is plain http on
   * localhost) with `Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=<refreshExpiresIn>`, and for no script.
   */
  readonly refreshToken: string
  /** To the nearer of the session's idle and absolute end. */
  readonly refreshExpiresIn: number
  readonly session: Session
}

export function subjectSessions(hallpass: Hallpass): SubjectSessions {
  const { store, startForSubject } = hallpass
  return {
    ...sessionControl(hallpass, (subject) => findSubjectUser(store.database, subject)),
    async create(signIn) {
      const { session, tokens } = await startForSubject(signIn)
      const { accessToken, expiresIn, refreshToken, refreshExpiresIn } = tokens
      return { accessToken, expiresIn, refreshToken, refreshExpiresIn, session }
    },
  }
}

export function adminSessions(hallpass: Hallpass): AdminSessions {
  const { sessions } = hallpass
  return {
    ...sessionControl(hallpass, (userId) => Promise.resolve(isUuid(userId) ? userId : null)),
    search: (predicate, { status = 'active', cursor = null } = {}) => sessions.search(predicate, status, cursor),
    countWhere: (predicate, status = 'active') => sessions.count(predicate, status),
    revokeWhere: (predicate) => sessions.revokeWhere(predicate, 'revoked_by_admin', OPERATOR),
  }
}

/** @param userOf null for somebody whom nobody knows, who has no session then */
function sessionControl({ sessions }: Hallpass, userOf: (who: string) => Promise<string | null>): SessionControl {
  async function onOne<Result>(
    who: string,
    sessionId: string,
    work: (userId: string) => Promise<Result | null>,
  ): Promise<Result | null> {
    const userId = isUuid(sessionId) ? await userOf(who) : null
    return userId === null ? null : work(userId)
  }

  async function onAll<Result>(
    who: string,
    nobody: Result,
    work: (userId: string) => Promise<Result>,
  ): Promise<Result> {
    const userId = await userOf(who)
    return userId === null ? nobody : work(userId)
  }

  const update = (who: string, sessionId: string, changes: SessionUpdate): Promise<FullSession | null> =>
    onOne(who, sessionId, (userId) => sessions.update(userId, sessionId, changes, OPERATOR))

  return {
    list: (who, status = 'active') => onAll<Session[]>(who, [], (userId) => sessions.list(userId, status)),
    count: (who, status = 'active') => onAll(who, 0, (userId) => sessions.count({ userId }, status)),
    find: (who, sessionId) => onOne(who, sessionId, (userId) => sessions.findInFull(userId, sessionId)),
    update,
    revive: (who, sessionId, until) => update(who, sessionId, { revived: true, expiresAt: until }),
    async revoke(who, sessionId) {
      const end = (userId: string): Promise<boolean> => sessions.revoke(userId, sessionId, 'revoked_by_admin', OPERATOR)
      return (await onOne(who, sessionId, end)) ?? false
    },
    revokeAll: (who) => onAll(who, 0, (userId) => sessions.revokeAll(userId, null, 'revoked_by_admin', OPERATOR)),
  }
}
