/**
 * Hallpass as a library: an application that has users of its own, and its own way to sign them in, keeps
 * their sessions here, in its own process. The same over HTTP is `POST /v1/admin/sessions`.
 */
import type { Logger } from 'pino'
import { validate as isUuid } from 'uuid'
import { readConfig } from './config.ts'
import type { Deliver } from './emails/mail.ts'
import { createLog } from './log.ts'
import { createRequestListener, type RequestListener } from './request-listener.ts'
import { createServer, type Hallpass } from './server.ts'
import { OPERATOR } from './sessions/actor.ts'
import type { SubjectSignIn } from './sessions/for-subject.ts'
import type { Session } from './sessions/session.ts'
import { findSubjectUser } from './sessions/subject-user.ts'
import { createApplicationUsers, type ApplicationUsers } from './users/application-users.ts'

export { ConfigError } from './config.ts'
export type { Deliver, Mail, MailDetails, MailPurpose } from './emails/mail.ts'
export { Unavailable } from './errors.ts'
export type { RequestListener } from './request-listener.ts'
export type { Device } from './sessions/device.ts'
export { SessionLimitReached } from './sessions/client-limit.ts'
export { InvalidSignIn, type SubjectDevice, type SubjectSignIn } from './sessions/for-subject.ts'
export type { Session, SessionStatus, Transport } from './sessions/session.ts'
export type { ApplicationUsers, Who } from './users/application-users.ts'
export type { UserDetails, UserPage, UserSearch } from './users/directory.ts'
export { InvalidClaims, type UserClaims } from './users/user-claims.ts'
export type { UserRole } from './users/user.entity.ts'

export interface HallpassOptions {
  /** Settings by their names in docs/configuration.md. `process.env` where this is left out; no `.env` is read. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Takes every mail in place of SMTP, whose settings may be missing then. */
  readonly deliver?: Deliver
  /** In place of JSON lines on standard output. */
  readonly log?: Logger
}

export interface HallpassService {
  /** `iss` of every access token. */
  readonly issuer: string
  /**
   * Answers every request below the issuer: `app.use('/auth', hallpass.callback())` in Express where the
   * issuer's path is `/auth`, before anything that reads bodies.
   */
  callback(): RequestListener
  readonly sessions: SubjectSessions
  readonly users: ApplicationUsers
  /** Answers no request any more and closes the store. First stop the HTTP server that it is mounted in. */
  close(): Promise<void>
}

/** Sessions of the application's own people. A subject is whatever its user table calls one. */
export interface SubjectSessions {
  /**
   * For somebody whom the application has just signed in.
   * @throws {InvalidSignIn} for what cannot be in a sign-in; also `account_disabled`, where the user was disabled here
   * @throws {SessionLimitReached} as many sessions as the client allows; with `sessions` where one may be chosen to end
   * @throws {Unavailable} the database cannot be reached; nothing was made
   */
  create(signIn: SubjectSignIn): Promise<CreatedSession>
  /** Those neither ended nor expired, newest use first. @throws {Unavailable} */
  list(subject: string): Promise<Session[]>
  /**
   * Ends one, with the reason `revoked_by_admin`.
   * @returns false when the subject has no such session; true also when it had ended before
   * @throws {Unavailable} it goes on
   */
  revoke(subject: string, sessionId: string): Promise<boolean>
  /** Ends all of them. @returns how many that were @throws {Unavailable} they go on */
  revokeAll(subject: string): Promise<number>
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

/**
 * Opens the store and brings its schema up to date. The embedded store belongs to one process; with
 * `DATABASE_URL` any number may share it.
 * @throws {ConfigError} all that is wrong with the settings, at once
 * @throws {DirectoryInUse} the embedded store belongs to another process
 * @throws {RingMismatch} HALLPASS_SECRET is not the one this database knows
 * @throws {Unavailable} the database cannot be reached
 */
export async function createHallpass(options: HallpassOptions = {}): Promise<HallpassService> {
  const { environment = process.env, deliver } = options
  const config = readConfig(environment, { bringsDelivery: deliver !== undefined })
  const log = options.log ?? createLog(config.logLevel)
  for (const warning of config.warnings) log.warn(warning)
  const hallpass = await createServer(config, { log, ...(deliver === undefined ? {} : { deliver }) })
  return {
    issuer: config.issuer,
    callback: () => createRequestListener(hallpass),
    sessions: subjectSessions(hallpass),
    users: createApplicationUsers({ ...hallpass, database: hallpass.store.database }),
    async close() {
      hallpass.readiness.stop()
      await hallpass.close()
    },
  }
}

function subjectSessions({ store, sessions, startForSubject }: Hallpass): SubjectSessions {
  const userOf = (subject: string): Promise<string | null> => findSubjectUser(store.database, subject)
  return {
    async create(signIn) {
      const { session, tokens } = await startForSubject(signIn)
      const { accessToken, expiresIn, refreshToken, refreshExpiresIn } = tokens
      return { accessToken, expiresIn, refreshToken, refreshExpiresIn, session }
    },
    async list(subject) {
      const userId = await userOf(subject)
      return userId === null ? [] : sessions.list(userId, 'active')
    },
    async revoke(subject, sessionId) {
      const userId = isUuid(sessionId) ? await userOf(subject) : null
      return userId !== null && sessions.revoke(userId, sessionId, 'revoked_by_admin', OPERATOR)
    },
    async revokeAll(subject) {
      const userId = await userOf(subject)
      return userId === null ? 0 : sessions.revokeAll(userId, null, 'revoked_by_admin', OPERATOR)
    },
  }
}
