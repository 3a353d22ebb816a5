/** Accounts as operators see them: found and shown. How they are made is in making.ts, what is changed in account-changes.ts. */
import { NIL as NOBODY, parse, stringify } from 'uuid'
import type { FilterQuery } from '@mikro-orm/core'
import { statement, type Database } from '../database/database.ts'
import { findSubjectUser } from '../sessions/subject-user.ts'
import { IS_LIVE } from '../sessions/session.ts'
import { parseEmailAddress } from './email-address.ts'
import { User, type UserRole } from './user.entity.ts'

/** Nothing in it could be used as a credential. */
export interface UserDetails {
  readonly id: string
  /** As it was given; null for people of another application, and where it was taken back by its owner. */
  readonly email: string | null
  readonly isVerified: boolean
  /** What another application calls this person. */
  readonly subject: string | null
  readonly role: UserRole
  /** In the access tokens of all sessions, beside what a session has of its own. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly createdAt: Date
  readonly disabledAt: Date | null
  readonly hasPassword: boolean
  /** How many are live. */
  readonly sessions: number
}

/** All that is given has to be so. */
export interface UserSearch {
  /** In any spelling that is the same address. */
  readonly email?: string | undefined
  readonly subject?: string | undefined
  readonly role?: UserRole | undefined
  readonly isDisabled?: boolean | undefined
  /** From the page before. */
  readonly cursor?: string | undefined
  /** At most so many; 50 where it is left out. */
  readonly limit?: number | undefined
}

export interface UserPage {
  readonly users: UserDetails[]
  /** Of the next page; null on the last one. */
  readonly cursor: string | null
}

export interface Directory {
  /** Newest first: in the order in which they came to be here. @returns null for a cursor that is none */
  search(search: UserSearch): Promise<UserPage | null>
  show(userId: string): Promise<UserDetails | null>
}

const PAGE = 50

export function createDirectory({ database }: { database: Database }): Directory {
  async function search({ email, subject, cursor, limit = PAGE, ...others }: UserSearch): Promise<UserPage | null> {
    const before = cursor === undefined ? null : decodeCursor(cursor)
    if (cursor !== undefined && before === null) return null
    const conditions = conditionsOf({ ...others, before })
    if (email !== undefined) conditions.push({ id: await idOfAddress(email) })
    if (subject !== undefined) conditions.push({ id: await idOfSubject(subject) })
    const found = await read(conditions, limit + 1)
    const users = found.slice(0, limit)
    const last = users.at(-1)
    return { users: await describe(users), cursor: last && found.length > limit ? encodeCursor(last.id) : null }
  }

  const read = (conditions: FilterQuery<User>[], limit: number): Promise<User[]> =>
    database.unitOfWork((em) => em.find(User, { $and: conditions }, { orderBy: { id: 'desc' }, limit }))

  async function idOfAddress(email: string): Promise<string> {
    const canonical = parseEmailAddress(email)?.canonical
    const [user] = canonical === undefined ? [] : await database.query(findByAddress, [canonical])
    return user?.id ?? NOBODY
  }

  const idOfSubject = async (subject: string): Promise<string> => (await findSubjectUser(database, subject)) ?? NOBODY

  /** What the unit of work does not read: whether there is a secret, and what lies in another table. */
  async function describe(users: readonly User[]): Promise<UserDetails[]> {
    const ids = users.map(({ id }) => id)
    const facts = new Map((await database.query(readFacts, [ids])).map((row) => [row.id, row]))
    return users.map((user) => toDetails(user, facts.get(user.id)))
  }

  return {
    search,
    async show(userId) {
      const [user] = await describe(await read([{ id: userId }], 1))
      return user ?? null
    },
  }
}

function conditionsOf(search: {
  role?: UserRole | undefined
  isDisabled?: boolean | undefined
  before: string | null
}): FilterQuery<User>[] {
  const { role, isDisabled, before } = search
  return [
    ...(role === undefined ? [] : [{ role }]),
    ...(isDisabled === undefined ? [] : [{ disabledAt: isDisabled ? { $ne: null } : null }]),
    ...(before === null ? [] : [{ id: { $lt: before } }]),
  ]
}

const encodeCursor = (id: string): string => Buffer.from(parse(id)).toString('base64url')

function decodeCursor(cursor: string): string | null {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length !== 16 || bytes.toString('base64url') !== cursor) return null
  try {
    return stringify(bytes)
  } catch {
    return null // sixteen bytes that are no id
  }
}

const toDetails = (user: User, facts: FactsRow | undefined): UserDetails => ({
  id: user.id,
  email: user.email ?? null,
  isVerified: user.emailVerifiedAt != null,
  subject: user.subject ?? null,
  role: user.role,
  claims: user.claims,
  createdAt: user.createdAt,
  disabledAt: user.disabledAt ?? null,
  hasPassword: facts?.has_password ?? false,
  sessions: facts?.sessions ?? 0,
})

interface FactsRow {
  id: string
  has_password: boolean
  sessions: number
}

const readFacts = statement<FactsRow>(
  'directory.facts',
  `select id, password_hash is not null as has_password,
     (select count(*) from sessions where user_id = users.id and ${IS_LIVE})::int as sessions
   from users where id = any($1::uuid[])`,
)

const findByAddress = statement<{ id: string }>(
  'directory.find_by_address',
  'select id from users where email_canonical = $1::text',
)
