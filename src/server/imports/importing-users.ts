/** Accounts of a batch: made where nobody has the id, the subject or the address, and otherwise left alone. */
import { statement, type Database } from '../database/database.ts'
import type { Made } from './importing.ts'
import type { ImportedUser } from './record.ts'

export interface UserCounts {
  new: number
  /** Made by an import before, or known by their subject. */
  present: number
  /** Their address is another account's. */
  conflicting: number
}

export interface ImportUsers {
  readonly counts: Readonly<UserCounts>
  bring(batch: readonly [where: string, user: ImportedUser][]): Promise<void>
}

const CONFLICT = 'another account has this address already; it is left alone, and nobody’s sessions go to it'

export function createImportUsers(deps: {
  database: Database
  say: (where: string, why: string) => void
  made: Made
  isDry: boolean
}): ImportUsers {
  const { database, say, made, isDry } = deps
  const counts = { new: 0, present: 0, conflicting: 0 }

  /** @returns the ids of those that were made */
  async function insert(users: readonly ImportedUser[]): Promise<ReadonlySet<string>> {
    if (users.length === 0) return new Set()
    if (isDry) return remember(users, made)
    const rows = await database.query(insertUsers, [JSON.stringify(users.map(toRow))])
    return new Set(rows.map(({ id }) => id))
  }

  return {
    counts,
    async bring(batch) {
      if (batch.length === 0) return
      const known = await lookUpAll(database, batch)
      const fresh = new Map<string, ImportedUser>()
      for (const [where, user] of batch) {
        const isHere = known.ids.has(user.id) || (user.subject !== null && known.subjects.has(user.subject))
        const isPresent = isHere || fresh.has(user.id) || made.ids.has(user.id)
        const isTaken = user.email !== null && known.addresses.has(user.email.canonical)
        if (isPresent) counts.present += 1
        else if (isTaken) conflict(where)
        else fresh.set(user.id, user)
      }
      const inserted = await insert([...fresh.values()])
      for (const [where, user] of batch) {
        if (fresh.get(user.id) !== user) continue
        if (inserted.has(user.id)) counts.new += 1
        else conflict(where)
      }
    },
  }

  function conflict(where: string): void {
    counts.conflicting += 1
    say(where, CONFLICT)
  }
}

/** As the unique index would have it, for a run that writes nothing. */
function remember(users: readonly ImportedUser[], { ids, addresses }: Made): ReadonlySet<string> {
  const remembered = new Set<string>()
  for (const { id, email } of users) {
    if (email !== null && addresses.has(email.canonical)) continue
    if (email !== null) addresses.add(email.canonical)
    ids.add(id)
    remembered.add(id)
  }
  return remembered
}

async function lookUpAll(database: Database, batch: readonly (readonly [string, ImportedUser])[]) {
  const users = batch.map(([, user]) => user)
  const rows = await database.query(lookUp, [
    users.map(({ id }) => id),
    users.flatMap(({ subject }) => subject ?? []),
    users.flatMap(({ email }) => email?.canonical ?? []),
  ])
  return {
    ids: new Set(rows.map(({ id }) => id)),
    subjects: new Set(rows.map(({ subject }) => subject)),
    addresses: new Set(rows.map(({ canonical }) => canonical)),
  }
}

const toRow = (user: ImportedUser) => ({
  id: user.id,
  subject: user.subject,
  canonical: user.email?.canonical ?? null,
  email: user.email?.address ?? null,
  email_verified_at: user.emailVerifiedAt,
  password_hash: user.passwordHash,
  created_at: user.createdAt,
  claims: user.claims,
  is_disabled: user.isDisabled,
})

/** By arrays, so that each is found by its index, however many there are. */
const lookUp = statement<{ id: string; subject: string | null; canonical: string | null }>(
  'imports.look_up_users',
  `select id, subject, email_canonical as canonical from users where id = any ($1::uuid[])
   union select id, subject, email_canonical from users where subject = any ($2::text[])
   union select id, subject, email_canonical from users where email_canonical = any ($3::text[])`,
)

const insertUsers = statement<{ id: string }>(
  'imports.insert_users',
  `with added as (
     insert into users (
       id, subject, email, email_canonical, email_verified_at, password_hash, created_at, claims, disabled_at)
     select id, subject, email, canonical, email_verified_at, password_hash,
       coalesce(created_at, clock_timestamp()), claims, case when is_disabled then clock_timestamp() end
     from jsonb_to_recordset($1::jsonb) as given (
       id uuid, subject text, email text, canonical text, email_verified_at timestamptz, password_hash text,
       created_at timestamptz, claims jsonb, is_disabled boolean)
     on conflict do nothing
     returning id
   ), history as (
     insert into events (user_id, type, subtype, actor) select id, 'user.created', 'imported', 'admin' from added
   )
   select id from added`,
)
