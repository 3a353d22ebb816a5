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
      const found = await database.query(lookUp, [JSON.stringify(batch.map(([, user]) => toKeys(user)))])
      const known = new Map(found.map((row) => [row.id, row]))
      const fresh = new Map<string, ImportedUser>()
      for (const [where, user] of batch) {
        const isPresent = known.get(user.id)?.is_present === true || fresh.has(user.id) || made.ids.has(user.id)
        const isTaken = known.get(user.id)?.is_taken === true
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

const toKeys = ({ id, subject, email }: ImportedUser) => ({ id, subject, canonical: email?.canonical ?? null })

const toRow = (user: ImportedUser) => ({
  ...toKeys(user),
  email: user.email?.address ?? null,
  email_verified_at: user.emailVerifiedAt,
  password_hash: user.passwordHash,
  created_at: user.createdAt,
  claims: user.claims,
  is_disabled: user.isDisabled,
})

const lookUp = statement<{ id: string; is_present: boolean; is_taken: boolean }>(
  'imports.look_up_users',
  `select given.id,
     exists (select from users where users.id = given.id or users.subject = given.subject) as is_present,
     exists (select from users where users.email_canonical = given.canonical) as is_taken
   from jsonb_to_recordset($1::jsonb) as given (id uuid, subject text, canonical text)`,
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
