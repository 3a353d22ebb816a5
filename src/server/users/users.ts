/** Accounts: who a person is, as far as signing in needs to know. */
import type { Logger } from 'pino'
import { v7 as uuidv7, validate as isUuid } from 'uuid'
import { statement, type Database } from '../database/database.ts'
import { nameOf } from '../errors.ts'
import { wishMail } from '../emails/outbox.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { Actor } from '../sessions/actor.ts'
import type { AccountChanges } from './account-changes.ts'
import type { BoundedWork } from './bounded-work.ts'
import { parseEmailAddress } from './email-address.ts'
import type { PasswordFault, PasswordRules } from './password-rules.ts'
import type { Passwords } from './passwords.ts'
import { createSignInLine } from './sign-in-line.ts'
import { User, type UserRole } from './user.entity.ts'

export interface Proven {
  readonly userId: string
  /** As it was when the proof was checked; the sign-in's transaction looks again. */
  readonly passwordVersion: number
}

export type Registration =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'invalid_address' }
  | { readonly kind: 'weak_password'; readonly faults: readonly PasswordFault[] }

export type PasswordChange =
  | { readonly kind: 'changed' }
  | { readonly kind: 'wrong_password' }
  | { readonly kind: 'weak_password'; readonly faults: readonly PasswordFault[] }

export interface Users {
  /** Where a sign-in stands before the database is asked anything (sign-in-line.ts). */
  readonly inLine: BoundedWork
  /** Does the same work and answers the same for a new and a taken address; only the mail differs. */
  register(email: string, password: string, locale: string | null): Promise<Registration>
  /** Does the same work for a known and an unknown address. */
  authenticate(email: string, password: string): Promise<Proven | null>
  /** @returns null when it is not the account's password */
  checkPassword(userId: string, password: string): Promise<Proven | null>
  /** Every other session ends. */
  changePassword(userId: string, current: string, password: string, actor: Actor): Promise<PasswordChange>
  find(userId: string): Promise<User | null>
  /** As it stands in the row now: no token and no session says it. @returns null when there is nobody, or who there is was disabled */
  roleOf(userId: string): Promise<UserRole | null>
  /** False for whoever signs in by mail only, or through another application. */
  hasPassword(userId: string): Promise<boolean>
  /** @param who an address, or a user's id */
  identify(who: string): Promise<string | null>
  /** Marks an address as its owner's. @returns the user's id, or null for an unknown address */
  confirm(email: string, actor: Actor): Promise<string | null>
}

/** Milliseconds. */
const AFTER_THE_ANSWER = 100

/** @throws {Unavailable} from all that checks a password, when too many are being checked */
export function createUsers(deps: {
  database: Database
  passwords: Passwords
  passwordRules: PasswordRules
  accounts: Pick<AccountChanges, 'changePassword' | 'confirm'>
  rateLimits: Pick<RateLimits, 'mayWriteUnasked'>
  log: Logger
  /** Whether somebody whose address is not confirmed may sign in. */
  unconfirmedSignIn: 'allow' | 'refuse'
}): Users {
  const { database, passwords, passwordRules, accounts, rateLimits, log, unconfirmedSignIn } = deps

  async function register(email: string, password: string, locale: string | null): Promise<Registration> {
    const parsed = parseEmailAddress(email)
    if (parsed === null) return { kind: 'invalid_address' }
    const faults = await passwordRules.check(password, { email: parsed.canonical })
    if (faults.length > 0) return { kind: 'weak_password', faults }
    const passwordHash = await passwords.hash(password)
    const mayTell = await rateLimits.mayWriteUnasked('account_exists', parsed.canonical)
    await database.query(insertUser, [uuidv7(), parsed.address, parsed.canonical, passwordHash, locale, mayTell])
    return { kind: 'accepted' }
  }

  async function authenticate(email: string, password: string): Promise<Proven | null> {
    const canonical = parseEmailAddress(email)?.canonical
    const [user] = canonical === undefined ? [] : await database.query(findByAddress, [canonical])
    if (!(await isRight(user, password)) || user === undefined || user.disabled_at !== null) return null
    if (user.email_verified_at === null && unconfirmedSignIn === 'refuse') {
      askAgain(user.id, email)
      return null
    }
    return { userId: user.id, passwordVersion: user.password_version }
  }

  /** After the answer, which would otherwise tell by its time that the password was right. */
  function askAgain(userId: string, address: string): void {
    const asking = async (): Promise<void> => {
      if (!(await rateLimits.mayWriteUnasked('confirm_unasked', address))) return
      await wishMail(database, { purpose: 'confirm', user_id: userId })
    }
    setTimeout(() => {
      asking().catch((error: unknown) => {
        log.warn({ failure: nameOf(error) }, 'a confirmation was not sent again')
      })
    }, AFTER_THE_ANSWER).unref()
  }

  async function checkPassword(userId: string, password: string): Promise<Proven | null> {
    const [user] = await database.query(findCredential, [userId])
    const isItRight = await isRight(user, password)
    return isItRight && user !== undefined ? { userId, passwordVersion: user.password_version } : null
  }

  async function isRight(user: CredentialRow | undefined, password: string): Promise<boolean> {
    const { matches, needsRehash } = await passwords.verify(password, user?.password_hash ?? null)
    if (matches && needsRehash && user?.password_hash != null) {
      // Whoever is right signs in, also when there is no room to hash now: next time, then.
      await rehash(user.id, user.password_hash, password).catch(() => undefined)
    }
    return matches
  }

  async function rehash(userId: string, former: string, password: string): Promise<void> {
    await database.query(replaceHash, [userId, former, await passwords.hash(password)])
  }

  const find = (userId: string): Promise<User | null> => database.unitOfWork((em) => em.findOne(User, { id: userId }))

  async function identify(who: string): Promise<string | null> {
    if (isUuid(who)) return (await database.query(findCredential, [who]))[0]?.id ?? null
    const canonical = parseEmailAddress(who)?.canonical
    const [user] = canonical === undefined ? [] : await database.query(findByAddress, [canonical])
    return user?.id ?? null
  }

  return {
    inLine: createSignInLine(),
    register,
    authenticate,
    checkPassword,
    async changePassword(userId, current, password, actor) {
      const proven = await checkPassword(userId, current)
      if (proven === null) return { kind: 'wrong_password' }
      const user = await find(userId)
      const faults = await passwordRules.check(password, { email: user?.emailCanonical ?? '' })
      if (faults.length > 0) return { kind: 'weak_password', faults }
      const isChanged = await accounts.changePassword(proven, await passwords.hash(password), actor)
      return { kind: isChanged ? 'changed' : 'wrong_password' }
    },
    find,
    async roleOf(userId) {
      const [user] = await database.query(findRole, [userId])
      return user?.role ?? null
    },
    async hasPassword(userId) {
      const [user] = await database.query(findCredential, [userId])
      return user != null && user.password_hash !== null
    },
    identify,
    async confirm(email, actor) {
      const userId = await identify(email)
      if (userId !== null) await database.transaction((tx) => accounts.confirm(tx, userId, actor))
      return userId
    },
  }
}

interface CredentialRow {
  id: string
  password_hash: string | null
  password_version: number
  email_verified_at: Date | null
  disabled_at: Date | null
}

const insertUser = statement(
  'users.insert',
  `with added as (
     insert into users (id, email, email_canonical, password_hash)
     values ($1::uuid, $2::text, $3::text, $4::text)
     on conflict (email_canonical) do nothing
     returning id
   ), history as (
     insert into events (user_id, type, actor) select id, 'user.created', 'user' from added
   )
   insert into outbox (kind, payload)
   select 'mail', jsonb_build_object('purpose', purpose, 'user_id', id, 'locale', $5::text) from (
     select id, 'confirm' as purpose from added
     union all
     select id, 'account_exists' from users where email_canonical = $3::text and $6::boolean
   ) as recipient`,
)

const CREDENTIAL_COLUMNS = 'id, password_hash, password_version, email_verified_at, disabled_at'

const findByAddress = statement<CredentialRow>(
  'users.find_by_address',
  `select ${CREDENTIAL_COLUMNS} from users where email_canonical = $1::text`,
)

const findCredential = statement<CredentialRow>(
  'users.find_credential',
  `select ${CREDENTIAL_COLUMNS} from users where id = $1::uuid`,
)

const findRole = statement<{ role: UserRole }>(
  'users.find_role',
  'select role from users where id = $1::uuid and disabled_at is null',
)

const replaceHash = statement(
  'users.replace_hash',
  'update users set password_hash = $3::text where id = $1::uuid and password_hash = $2::text',
)
