/** Sessions made in this process, without HTTP and passwords; and services beside the one that listens. */
import { pino, type Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { statement, type Database } from '../../src/server/database/database.ts'
import { createLog } from '../../src/server/log.ts'
import { describeDevice, deviceEvidence } from '../../src/server/sessions/device.ts'
import { createTerms } from '../../src/server/clients/terms.ts'
import type { PolicySettings } from '../../src/server/sessions/policy.ts'
import { createPolicies } from '../../src/server/sessions/policies.ts'
import { seenOf } from '../../src/server/sessions/seen.ts'
import { createSessions, type Sessions } from '../../src/server/sessions/sessions.ts'
import type { SignIn } from '../../src/server/sessions/sign-in.ts'
import { createAccessTokens } from '../../src/server/tokens/access-token.ts'
import { createRing, type Ring } from '../../src/server/tokens/ring.ts'
import type { SignedIn } from './people.ts'
import { TEST_SECRET, type TestServer } from './server.ts'

/** Somebody whom this database did not know; who has an address and no password. */
export async function createUser({ hallpass }: TestServer): Promise<string> {
  const id = uuidv7()
  await hallpass.store.database.query(
    statement(
      'test.create_user',
      `insert into users (id, email, email_canonical, email_verified_at)
       values ($1::uuid, $2::text, $2::text, clock_timestamp())`,
    ),
    [id, addressOf(id)],
  )
  return id
}

/** The address of somebody whom `createUser` made. */
export const addressOf = (userId: string): string => `${userId}@example.com`

/** Signs a user in on one more device, as the password's check would. */
export async function createSession(
  { hallpass }: TestServer,
  userId: string,
  options: Partial<SignIn> & { through?: Sessions } = {},
): Promise<Omit<SignedIn, 'email'>> {
  const { through = hallpass.sessions, ...signIn } = options
  const created = await through.start({ ...plainSignIn(userId), ...signIn })
  if (created === null) throw new Error('the sign-in was refused')
  const { accessToken, refreshToken } = created.tokens
  return { userId, sessionId: created.session.id, accessToken, refreshToken }
}

export const plainSignIn = (userId: string): SignIn => ({
  userId,
  passwordVersion: 0,
  amr: ['pwd'],
  clientId: 'default',
  scope: '',
  transport: 'body',
  remember: true,
  device: describeDevice(deviceEvidence({}, null)),
  userAgent: '',
  ip: null,
  seen: seenOf({}, null),
  replaces: null,
})

/**
 * The sessions of another process on the same store: with another ring, or a database that is seen
 * through something which disturbs it.
 */
export function sessionsBeside(
  { hallpass, config }: TestServer,
  options: {
    ring?: Ring
    database?: Database
    grace?: number
    policies?: PolicySettings
    count?: (name: string) => void
    /** Takes every line of its log. */
    log?: (line: Record<string, unknown>) => void
  },
): Sessions {
  const { ring = createRing(TEST_SECRET), database = hallpass.store.database, grace = config.refreshGrace } = options
  const { locate } = hallpass.location
  const { issuer, audience, accessTtl, idleTtl, absoluteTtl, refreshGroups, maxSessions } = config
  return createSessions({
    database,
    ring,
    accessTokens: createAccessTokens({ issuer, audience, ttl: accessTtl, keys: hallpass.keys }),
    rateLimits: { beforeRefresh: () => undefined },
    counters: { count: options.count ?? (() => undefined) },
    policies: createPolicies({ policies: options.policies ?? config.policies, clients: hallpass.clients, locate }),
    locate,
    terms: createTerms({ clients: hallpass.clients, service: { accessTtl, idleTtl, absoluteTtl, grace } }),
    settings: { accessTtl, idleTtl, refreshGroups, maxSessions },
    log: options.log === undefined ? createLog('silent') : logInto(options.log),
  })
}

const logInto = (take: (line: Record<string, unknown>) => void): Logger =>
  pino({}, { write: (line) => take(JSON.parse(line) as Record<string, unknown>) })

/** A session's row as it is now, to be brought back later. */
export type SavedRow = string

export async function saveRow({ hallpass }: TestServer, sessionId: string): Promise<SavedRow> {
  const read = statement<{ saved: string }>(
    'test.save_row',
    'select to_jsonb(sessions)::text as saved from sessions where id = $1::uuid',
  )
  const [row] = await hallpass.store.database.query(read, [sessionId])
  if (row === undefined) throw new Error('there is no such session')
  return row.saved
}

/** A failover or a restore that lost every commit since. */
export async function restoreRow({ hallpass }: TestServer, saved: SavedRow): Promise<void> {
  const { database } = hallpass.store
  const remove = statement('test.remove_row', `delete from sessions where id = ($1::jsonb->>'id')::uuid`)
  const restore = statement(
    'test.restore_row',
    'insert into sessions select * from jsonb_populate_record(null::sessions, $1::jsonb)',
  )
  await database.query(remove, [saved])
  await database.query(restore, [saved])
}
