/** What a source says of an account or a session, read and checked. A fault never repeats what it found. */
import { createHash } from 'node:crypto'
import { validate as isUuid } from 'uuid'
import { z } from 'zod'
import { isCleanJson } from '../clean-json.ts'
import { faultIn } from '../sessions/data.ts'
import { hashKeptToken, type KeptToken } from '../tokens/imported-token.ts'
import { checkOwnClaims } from '../tokens/own-claims.ts'
import { parseEmailAddress, type EmailAddress } from '../users/email-address.ts'

export interface ImportedUser {
  /** Always the same for the same person, so that a second run finds what the first made. */
  readonly id: string
  readonly subject: string | null
  readonly email: EmailAddress | null
  readonly emailVerifiedAt: Date | null
  readonly passwordHash: string | null
  readonly createdAt: Date | null
  readonly claims: Readonly<Record<string, unknown>>
  readonly isDisabled: boolean
}

export interface ImportedSession {
  /** Always the same for the same token. */
  readonly id: string
  readonly tokenHash: Buffer
  /** Whom the source names: an account with this subject, or one that an import made for one of these. */
  readonly subject: string
  readonly ownerIds: readonly string[]
  readonly createdAt: Date
  readonly authenticatedAt: Date
  /** Null: the system before had no end for it. */
  readonly expiresAt: Date | null
  readonly data: Readonly<Record<string, unknown>>
  readonly userAgent: string
}

/** What is wrong with it, for people. */
export class Faulty extends Error {
  override readonly name = 'Faulty'
}

/** Null and absent are one. */
const optional = <Kind extends z.ZodType>(kind: Kind) => kind.nullish().transform((value) => value ?? null)
const Time = z.union([z.date(), z.iso.datetime({ offset: true }).transform((text) => new Date(text))])
const Members = z.record(z.string(), z.unknown())
const optionalMembers = Members.nullish().transform((value) => value ?? {})

const User = z.strictObject({
  email: optional(z.string()),
  subject: optional(z.string().min(1).max(255)),
  password_hash: optional(z.string().max(1024)),
  email_verified: z
    .union([z.boolean(), Time])
    .nullish()
    .transform((value) => value ?? false),
  created_at: optional(Time),
  claims: optionalMembers,
  disabled: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
})

const Session = z.strictObject({
  user: z.string().min(1).max(255),
  token_hash: optional(z.string().regex(/^[\da-f]{64}$/i)),
  created_at: Time,
  authenticated_at: optional(Time),
  expires_at: optional(Time),
  data: optionalMembers,
  user_agent: optional(z.string().max(1024)),
})

/**
 * @param isComparable whether a password can ever match this hash
 * @throws {Faulty}
 */
export function readUser(members: unknown, isComparable: (hash: string) => boolean): ImportedUser {
  const { subject, created_at: createdAt, password_hash: passwordHash, claims, ...user } = read(User, members)
  const email = user.email === null ? null : parseEmailAddress(user.email)
  if (user.email !== null && email === null) throw new Faulty('email is not an address that can receive mail')
  const name = subject === null ? email && `address\0${email.canonical}` : `subject\0${subject}`
  if (name === null) throw new Faulty('neither email nor subject says who it is')
  if (passwordHash !== null && !isComparable(passwordHash)) {
    throw new Faulty('password_hash is of no scheme that is known, or costs more than can be borne')
  }
  const fault = checkOwnClaims(claims)
  if (fault !== null) throw new Faulty(`claims: ${fault.code}`)
  return {
    id: identify(name, subject),
    subject,
    email,
    emailVerifiedAt: email && verifiedAt(user.email_verified, createdAt),
    passwordHash,
    createdAt,
    claims,
    isDisabled: user.disabled,
  }
}

/** Where it is only known that it is, since there was an account. */
function verifiedAt(verified: boolean | Date, createdAt: Date | null): Date | null {
  if (typeof verified !== 'boolean') return verified
  return verified ? (createdAt ?? new Date()) : null
}

/**
 * @param keptToken what the system before kept of the token, where `token_hash` does not say it
 * @throws {Faulty}
 */
export function readSession(members: unknown, keptToken: KeptToken | null): ImportedSession {
  const session = read(Session, members)
  const { user: subject, data, expires_at: expiresAt } = session
  const kept = keptToken ?? keptIn(session.token_hash)
  if (kept === null) throw new Faulty('token_hash is missing: no device could ever go on with it')
  if (faultIn({ claims: {}, data }, []) !== null) throw new Faulty('data is larger than 4 kB of JSON')
  const address = parseEmailAddress(subject)
  const tokenHash = hashKeptToken(kept)
  return {
    id: identify(`session\0${tokenHash.toString('hex')}`),
    tokenHash,
    subject,
    ownerIds: [
      identify(`subject\0${subject}`, subject),
      ...(address === null ? [] : [identify(`address\0${address.canonical}`)]),
    ],
    createdAt: session.created_at,
    authenticatedAt: session.authenticated_at ?? session.created_at,
    expiresAt,
    data,
    userAgent: session.user_agent ?? '',
  }
}

const keptIn = (hash: string | null): KeptToken | null =>
  hash === null ? null : { form: 'digest', bytes: Buffer.from(hash.toLowerCase()) }

function read<Shape extends z.ZodType>(shape: Shape, members: unknown): z.output<Shape> {
  if (!isCleanJson(members)) throw new Faulty('a text in it has characters that no database keeps')
  const { success, data, error } = shape.safeParse(members)
  if (success) return data
  const [issue] = error.issues
  const member = issue?.path[0]
  throw new Faulty(
    member === undefined ? 'a member is unknown, or it is no object' : `${String(member)} is missing or wrong`,
  )
}

/** An id that is a UUID already stays, so that what other systems call a person stays what `sub` calls them. */
function identify(name: string, wanted: string | null = null): string {
  if (wanted !== null && isUuid(wanted)) return wanted.toLowerCase()
  const bytes = createHash('sha256').update(`hallpass import\0${name}`).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80 // RFC 9562 section 5.8: what it is made of is our own affair
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
