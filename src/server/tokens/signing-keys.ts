/**
 * The keys that sign access tokens: rows that every process follows.
 *
 * A key's state is a matter of time, so nothing has to be switched: `next` until `activates_at`, then
 * `active` until a newer key becomes so, then `retired` and still published until the last token it
 * signed has expired. Rotation is one insert.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { Unavailable } from '../errors.ts'
import { statement, type Database, type Statement } from '../database/database.ts'
import { createFollower } from '../database/follower.ts'
import type { Ring } from './ring.ts'
import { makeKeyPair, type SigningAlgorithm } from './key-pair.ts'
import { SigningKey } from './signing-key.entity.ts'

export type SigningKeyState = 'next' | 'active' | 'retired' | 'withdrawn'

export interface PublishedKey {
  readonly kid: string
  readonly alg: string
  readonly state: SigningKeyState
  readonly createdAt: Date
  readonly activatesAt: Date
  readonly publicJwk: JWK
}

interface LoadedKey extends Omit<PublishedKey, 'state'> {
  readonly publicKey: CryptoKey
  readonly row: { readonly privateKey: Uint8Array; readonly secretFingerprint: Uint8Array }
  readonly revoked: boolean
  /** Opened when first needed: only the active key's private half ever is. */
  privateKey?: KeyObject
}

export interface SigningKeys {
  /**
   * Makes the first key where there is none, one that works where the ring cannot open the newest (only
   * after --accept-new-secret), and one for a newly configured algorithm; then follows every change.
   */
  start(options?: { mayCreate?: boolean }): Promise<void>
  stop(): void
  /** @throws {Unavailable} when no key of the ring opens the active one */
  active(): { kid: string; alg: string; privateKey: KeyObject }
  publicKey(kid: string): { alg: string; key: CryptoKey } | undefined
  /** What `/.well-known/jwks.json` answers (RFC 7517). */
  jwks(): { keys: JWK[] }
  list(): PublishedKey[]
  /**
   * Makes a new key. It signs from ten minutes on, when every verifier has had time to fetch it twice;
   * with `immediately`, from now on, which verifiers notice by the unknown `kid`.
   */
  rotate(options?: { immediately?: boolean }): Promise<PublishedKey>
  /** Takes a key out of the JWKS at once; its tokens fail, devices refresh and go on. */
  revoke(kid: string): Promise<boolean>
  /** Seals every private key with the ring's current secret; returns how many were not. */
  reencrypt(): Promise<number>
  reload(): Promise<void>
}

/** JWKS carries max-age 300; a key is published at least twice that long before it signs. Seconds. */
const PUBLISH_AHEAD = 600
/** Between the last token's expiry and the key's leaving the JWKS, for clocks that differ. Seconds. */
const LEEWAY = 60
const CHANNEL = 'hallpass_keys'

/** @param accessTtl life of an access token, seconds: how long a retired key stays published */
export function createSigningKeys(deps: {
  database: Database
  ring: Ring
  alg: SigningAlgorithm
  accessTtl: number
  now?: () => number
}): SigningKeys {
  const { database, ring, alg, accessTtl, now = Date.now } = deps
  let keys: LoadedKey[] = []

  const follower = createFollower(reload)

  async function start({ mayCreate = true } = {}): Promise<void> {
    await database.listen(CHANNEL, follower.changed, follower.changed)
    await reload()
    if (!mayCreate) return
    const newest = keys.findLast((key) => !key.revoked)
    const canOpen = newest !== undefined && ring.withFingerprint(newest.row.secretFingerprint) !== undefined
    if (!canOpen) await add(alg, 0, insertKeyOnce)
    // Also a retired one counts: in a rolling change no restart of an older process changes it back.
    else if (!published().some(({ key }) => key.alg === alg)) await add(alg, PUBLISH_AHEAD, insertKeyOnce)
  }

  let readings = 0
  let latestReading = 0

  async function reload(): Promise<void> {
    const reading = (readings += 1)
    const rows = await database.unitOfWork((em) =>
      em.find(SigningKey, {}, { orderBy: { activatesAt: 'asc', kid: 'asc' } }),
    )
    const read = await Promise.all(rows.map(async (row) => keys.find((known) => isUnchanged(known, row)) ?? load(row)))
    // Readings may overlap and end in any order: an older one never undoes a newer one.
    if (reading < latestReading) return
    latestReading = reading
    keys = read
  }

  /** States by the clock: the newest key whose time has come is active. */
  function states(): { key: LoadedKey; state: SigningKeyState }[] {
    const living = keys.filter((key) => !key.revoked)
    const active = living.findLast((key) => key.activatesAt.getTime() <= now()) ?? living.at(0)
    return keys.map((key) => {
      if (key.revoked) return { key, state: 'withdrawn' }
      if (key === active) return { key, state: 'active' }
      if (key.activatesAt.getTime() > now()) return { key, state: 'next' }
      const successor = living[living.indexOf(key) + 1]
      const lastToken = (successor?.activatesAt.getTime() ?? 0) + (accessTtl + LEEWAY) * 1000
      return { key, state: now() < lastToken ? 'retired' : 'withdrawn' }
    })
  }

  /** A change of algorithm is the configuration's of a server that starts, not a command's. */
  const algOfNewest = (): SigningAlgorithm => (keys.findLast((key) => !key.revoked)?.alg ?? alg) as SigningAlgorithm

  const published = () => states().filter(({ state }) => state !== 'withdrawn')

  function active(): { kid: string; alg: string; privateKey: KeyObject } {
    const key = states().find(({ state }) => state === 'active')?.key
    if (key === undefined) throw new Unavailable('there is no signing key')
    key.privateKey ??= open(key.row, key.kid)
    return { kid: key.kid, alg: key.alg, privateKey: key.privateKey }
  }

  function open(row: LoadedKey['row'], kid: string): KeyObject {
    const secret = ring.withFingerprint(row.secretFingerprint)
    if (secret === undefined) throw new Unavailable(`no secret of the ring opens signing key ${kid}`)
    return createPrivateKey({ key: secret.decrypt(row.privateKey, kid), format: 'der', type: 'pkcs8' })
  }

  async function add(keyAlg: SigningAlgorithm, delay: number, insert: Statement<never>): Promise<PublishedKey> {
    const made = await makeKeyPair(keyAlg)
    const values = [
      made.kid,
      keyAlg,
      JSON.stringify(made.publicJwk),
      ring.current.encrypt(made.pkcs8, made.kid),
      ring.current.fingerprint,
      delay,
    ]
    await database.transaction(async (tx) => {
      // Processes that start together must agree on one key.
      await tx.query(lockKeys, [])
      await tx.query(insert, values)
    })
    await reload()
    const key = list().find(({ kid }) => kid === made.kid) ?? list().at(-1)
    if (key === undefined) throw new Unavailable('the signing key could not be read back')
    return key
  }

  async function revoke(kid: string): Promise<boolean> {
    const wasActive = states().some(({ key, state }) => key.kid === kid && state === 'active')
    const [row] = await database.query(revokeKey, [kid])
    // A new one, never an older one: that may have been replaced because it leaked.
    if (wasActive) await add(algOfNewest(), 0, insertKey)
    else await reload()
    return row !== undefined
  }

  async function reencrypt(): Promise<number> {
    const older = keys.filter(({ row, revoked }) => !revoked && !ring.current.fingerprint.equals(row.secretFingerprint))
    for (const { row, kid } of older) {
      const secret = ring.withFingerprint(row.secretFingerprint)
      if (secret === undefined) continue
      const sealed = ring.current.encrypt(secret.decrypt(row.privateKey, kid), kid)
      await database.query(resealKey, [kid, sealed, ring.current.fingerprint, Buffer.from(row.secretFingerprint)])
    }
    if (older.length > 0) await reload()
    return older.length
  }

  const list = (): PublishedKey[] =>
    states().map(({ key, state }) => ({
      kid: key.kid,
      alg: key.alg,
      state,
      createdAt: key.createdAt,
      activatesAt: key.activatesAt,
      publicJwk: key.publicJwk,
    }))

  return {
    start,
    reload,
    active,
    list,
    revoke,
    reencrypt,
    stop: () => follower.stop(),
    rotate: ({ immediately = false } = {}) => add(algOfNewest(), immediately ? 0 : PUBLISH_AHEAD, insertKey),
    jwks: () => ({ keys: published().map(({ key }) => key.publicJwk) }),
    publicKey(kid) {
      const found = published().find(({ key }) => key.kid === kid)?.key
      return found && { alg: found.alg, key: found.publicKey }
    },
  }
}

const isUnchanged = (known: LoadedKey, row: SigningKey): boolean =>
  known.kid === row.kid &&
  known.activatesAt.getTime() === row.activatesAt.getTime() &&
  known.revoked === (row.revokedAt !== null) &&
  Buffer.compare(known.row.privateKey, row.privateKey) === 0

async function load(row: SigningKey): Promise<LoadedKey> {
  return {
    kid: row.kid,
    alg: row.alg,
    createdAt: row.createdAt,
    activatesAt: row.activatesAt,
    publicJwk: row.publicJwk,
    publicKey: (await importJWK(row.publicJwk, row.alg)) as CryptoKey,
    row: { privateKey: row.privateKey, secretFingerprint: row.secretFingerprint },
    revoked: row.revokedAt != null,
  }
}

const lockKeys = statement('keys.lock', 'lock table signing_keys in share row exclusive mode')

const insertInto = `
  insert into signing_keys (kid, alg, public_jwk, private_key, secret_fingerprint, activates_at)
  select $1::text, $2::text, $3::jsonb, $4::bytea, $5::bytea, clock_timestamp() + make_interval(secs => $6::float8)`

const insertKey = statement(
  'keys.insert',
  `with added as (${insertInto} returning kid) select pg_notify('${CHANNEL}', kid) from added`,
)

/** Unless another process has just done so. */
const insertKeyOnce = statement(
  'keys.insert_once',
  `with added as (
     ${insertInto}
     where not exists (
       select from signing_keys
       where revoked_at is null and alg = $2::text and secret_fingerprint = $5::bytea
         and created_at > clock_timestamp() - interval '1 hour'
     )
     returning kid
   ) select pg_notify('${CHANNEL}', kid) from added`,
)

const revokeKey = statement<{ kid: string }>(
  'keys.revoke',
  `with withdrawn as (
     update signing_keys set revoked_at = clock_timestamp() where kid = $1 and revoked_at is null returning kid
   ) select kid, pg_notify('${CHANNEL}', kid) from withdrawn`,
)

const resealKey = statement(
  'keys.reseal',
  `update signing_keys set private_key = $2, secret_fingerprint = $3 where kid = $1 and secret_fingerprint = $4`,
)
