/**
 * Hallpass as a library: an application that has users of its own, and its own way to sign them in, keeps
 * their sessions here, in its own process. The same over HTTP is `POST /v1/admin/sessions`.
 */
import type { Logger } from 'pino'
import { readConfig } from './config.ts'
import type { Deliver } from './emails/mail.ts'
import { createLog } from './log.ts'
import { createRequestListener, type RequestListener } from './request-listener.ts'
import { adminSessions, subjectSessions, type AdminSessions, type SubjectSessions } from './library-sessions.ts'
import { createServer } from './server.ts'
import type { OnSignIn } from './sessions/sign-in-hook.ts'
import { createApplicationUsers, type ApplicationUsers } from './users/application-users.ts'

export { ConfigError } from './config.ts'
export type { Deliver, Mail, MailDetails, MailPurpose } from './emails/mail.ts'
export { Unavailable } from './errors.ts'
export type { AdminSessions, CreatedSession, SessionControl, SubjectSessions } from './library-sessions.ts'
export type { RequestListener } from './request-listener.ts'
export { ControlRefused, type ControlRefusalReason } from './sessions/control-refused.ts'
export type { Device } from './sessions/device.ts'
export { SessionLimitReached } from './sessions/client-limit.ts'
export { InvalidSignIn, type SubjectDevice, type SubjectSignIn } from './sessions/for-subject.ts'
export type { FullSession } from './sessions/full-session.ts'
export { InvalidMember } from './sessions/invalid-member.ts'
export type { SessionPredicate } from './sessions/predicate.ts'
export type { StatusFilter } from './sessions/reading.ts'
export type { SessionPage } from './sessions/search.ts'
export type { SessionUpdate } from './sessions/session-update.ts'
export type { Session, SessionStatus, Transport } from './sessions/session.ts'
export type { OnSignIn, SignInAdditions, SigningIn } from './sessions/sign-in-hook.ts'
export type { ApplicationUsers, Who } from './users/application-users.ts'
export type { UserDetails, UserPage, UserSearch } from './users/directory.ts'
export { InvalidClaims, type UserClaims } from './users/user-claims.ts'
export type { UserRole } from './users/user.entity.ts'

export interface HallpassOptions {
  /** Settings by their names in docs/configuration.md. `process.env` where this is left out; no `.env` is read. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Takes every mail in place of SMTP, whose settings may be missing then. */
  readonly deliver?: Deliver
  /** Asked at each sign-in, by password, by link or by a subject: what the new session carries (docs/sessions.md). */
  readonly onSignIn?: OnSignIn
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
  /** By what the application calls its people. */
  readonly sessions: SubjectSessions
  readonly users: ApplicationUsers
  /** For operators: by user id, `sub` of every access token, and everybody's. */
  readonly admin: { readonly sessions: AdminSessions }
  /** Answers no request any more and closes the store. First stop the HTTP server that it is mounted in. */
  close(): Promise<void>
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
  const { environment = process.env, deliver, onSignIn } = options
  const config = readConfig(environment, { bringsDelivery: deliver !== undefined })
  const log = options.log ?? createLog(config.logLevel)
  for (const warning of config.warnings) log.warn(warning)
  const hallpass = await createServer(config, {
    log,
    ...(deliver === undefined ? {} : { deliver }),
    ...(onSignIn === undefined ? {} : { onSignIn }),
  })
  return {
    issuer: config.issuer,
    callback: () => createRequestListener(hallpass),
    sessions: subjectSessions(hallpass),
    users: createApplicationUsers({ ...hallpass, database: hallpass.store.database }),
    admin: { sessions: adminSessions(hallpass) },
    async close() {
      hallpass.readiness.stop()
      await hallpass.close()
    },
  }
}
