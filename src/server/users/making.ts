/** An account that an operator makes for somebody. Who makes one for themselves registers (users.ts). */
import { v7 as uuidv7 } from 'uuid'
import { isCleanJson } from '../clean-json.ts'
import { statement, type Database } from '../database/database.ts'
import { wishMail } from '../emails/outbox.ts'
import type { Actor } from '../sessions/actor.ts'
import { recordEvent } from './account.ts'
import { parseEmailAddress, type EmailAddress } from './email-address.ts'
import type { PasswordFault, PasswordRules } from './password-rules.ts'
import type { Passwords } from './passwords.ts'
import { findClaimsFault, type UserClaims } from './user-claims.ts'
import type { UserRole } from './user.entity.ts'

/** With an address, a subject, or both. */
export interface NewUser {
  readonly email?: string | undefined
  /** Without one its owner signs in by mail, or sets one by a reset. */
  readonly password?: string | undefined
  /** At most 255 characters. */
  readonly subject?: string | undefined
  /** The operator answers for it that the address is theirs. */
  readonly isVerified?: boolean | undefined
  readonly claims?: UserClaims | undefined
  readonly role?: UserRole | undefined
  /** Mails a link: with a password the one that confirms the address, without one that sets it, and so confirms. */
  readonly sendsLink?: boolean | undefined
}

/** `pointer` (RFC 6901) says where, by the names of the HTTP contract. */
interface Fault {
  readonly pointer: string
  readonly code: string
}

/** Operators may know who has an account: here, unlike at a registration, they are told. */
export type Made =
  | { readonly kind: 'made'; readonly userId: string }
  | { readonly kind: 'taken'; readonly member: 'email' | 'subject' }
  | { readonly kind: 'weak_password'; readonly faults: readonly PasswordFault[] }
  | ({ readonly kind: 'invalid' } & Fault)

/** @throws {Unavailable} nothing was made */
export type MakeUser = (wanted: NewUser, actor: Actor) => Promise<Made>

export const createMakeUser =
  (deps: { database: Database; passwords: Passwords; passwordRules: PasswordRules }): MakeUser =>
  async (wanted, actor) => {
    const { database, passwords, passwordRules } = deps
    const invalid = findFault(wanted)
    if (invalid !== null) return { kind: 'invalid', ...invalid }
    const { email, password, subject = null, claims = {}, role = 'user', isVerified = false } = wanted
    const address = email === undefined ? null : parseEmailAddress(email)
    const faults =
      password === undefined ? [] : await passwordRules.check(password, { email: address?.canonical ?? '' })
    if (faults.length > 0) return { kind: 'weak_password', faults }
    const passwordHash = password === undefined ? null : await passwords.hash(password)
    const columns = [...columnsOf(address), passwordHash, subject, isVerified, JSON.stringify(claims), role] as const

    return database.transaction(async (tx) => {
      const userId = uuidv7()
      const [made] = await tx.query(insert, [userId, ...columns])
      if (made === undefined) {
        const [holder] = address === null ? [] : await tx.query(findHolder, [address.canonical])
        return { kind: 'taken', member: holder === undefined ? 'subject' : 'email' }
      }
      await recordEvent(tx, userId, 'user.created', actor)
      if (wanted.sendsLink === true) {
        await wishMail(tx, { purpose: password === undefined ? 'reset_password' : 'confirm', user_id: userId })
      }
      return { kind: 'made', userId }
    })
  }

const columnsOf = (address: EmailAddress | null) => [address?.address ?? null, address?.canonical ?? null] as const

const MOST_SUBJECT = 255

function findFault(wanted: NewUser): Fault | null {
  const { email, subject, claims = {} } = wanted
  if (email === undefined && subject === undefined) return { pointer: '', code: 'email_or_subject_required' }
  if (email === undefined) return findVain(wanted) ?? findSubjectFault(subject) ?? findClaimsFault(claims)
  if (parseEmailAddress(email) === null) return { pointer: '/email', code: 'invalid_address' }
  return findSubjectFault(subject) ?? findClaimsFault(claims)
}

/** Nobody signs in by password, and no mail goes anywhere, without an address. */
function findVain({ password, isVerified = false, sendsLink = false }: NewUser): Fault | null {
  if (password !== undefined) return { pointer: '/password', code: 'email_required' }
  if (isVerified) return { pointer: '/email_verified', code: 'email_required' }
  return sendsLink ? { pointer: '/send_confirmation', code: 'email_required' } : null
}

function findSubjectFault(subject: string | undefined): Fault | null {
  if (subject === undefined) return null
  if (subject === '' || subject.length > MOST_SUBJECT) return { pointer: '/subject', code: 'invalid_length' }
  return isCleanJson(subject) ? null : { pointer: '/subject', code: 'invalid_characters' }
}

const insert = statement<{ id: string }>(
  'making.insert',
  `insert into users (
     id, email, email_canonical, password_hash, subject, email_verified_at, claims, role)
   values (
     $1::uuid, $2::text, $3::text, $4::text, $5::text, case when $6::boolean then clock_timestamp() end,
     $7::jsonb, $8::text)
   on conflict do nothing
   returning id`,
)

const findHolder = statement<{ id: string }>(
  'making.find_holder',
  'select id from users where email_canonical = $1::text',
)
