/**
 * Start checks of the ring: a process with a secret that this database never saw would refuse every
 * device's token. It says so and stops, before it has told anybody anything.
 */
import { statement, type Database } from '../database/database.ts'
import type { Ring } from './ring.ts'

/** The secret cannot be the right one for this database. */
export class RingMismatch extends Error {
  override readonly name = 'RingMismatch'
}

/**
 * Remembers the ring's secrets as seen.
 * @param acceptNewSecret `--accept-new-secret`: every device whose token needs a lost secret signs in anew
 * @throws {RingMismatch} naming the variable and what to do
 */
export async function checkRing(database: Database, ring: Ring, acceptNewSecret: boolean): Promise<void> {
  if (!acceptNewSecret) {
    const [state] = await database.query(readState, [ring.current.fingerprint])
    if (state !== undefined && state.has_sessions && !state.seen) throw new RingMismatch(unseenSecret)
    if (state?.key_fingerprint != null && ring.withFingerprint(state.key_fingerprint) === undefined) {
      throw new RingMismatch(sealedKey)
    }
  }
  for (const { fingerprint } of ring.secrets) await database.query(rememberSecret, [fingerprint])
}

const unseenSecret =
  'HALLPASS_SECRET was never seen by this database, which holds sessions. Put the new secret into ' +
  'HALLPASS_SECRET_PREVIOUS on every process first, then make it HALLPASS_SECRET and keep the old one in ' +
  'HALLPASS_SECRET_PREVIOUS. If the old secret is lost, start once with --accept-new-secret: every device ' +
  'will have to sign in again.'

const sealedKey =
  'The active signing key cannot be opened: the secret that sealed it is neither in HALLPASS_SECRET nor in ' +
  'HALLPASS_SECRET_PREVIOUS. Add it to HALLPASS_SECRET_PREVIOUS. If it is lost, start once with ' +
  '--accept-new-secret: a new signing key is made.'

const readState = statement<{ seen: boolean; has_sessions: boolean; key_fingerprint: Buffer | null }>(
  'ring.state',
  `select
     exists (select from ring_secrets where fingerprint = $1) as seen,
     exists (select from sessions) as has_sessions,
     (select secret_fingerprint from signing_keys
      where revoked_at is null and activates_at <= clock_timestamp()
      order by activates_at desc limit 1) as key_fingerprint`,
)

const rememberSecret = statement(
  'ring.remember',
  'insert into ring_secrets (fingerprint) values ($1) on conflict do nothing',
)
