/**
 * What a verifier knows, as one signed JWS: an API that starts while the issuer is down goes on from it. It is
 * signed with the API's own secret, because wherever it lies, whoever changes it would choose the keys.
 */
import { CompactSign, compactVerify, errors } from 'jose'
import { parseObject } from './json.ts'
import type { SavedKeys } from './keys.ts'
import type { RevocationEntry } from './revocations.ts'

export interface Snapshot {
  readonly issuer: string
  readonly keys: SavedKeys
  readonly revocations: readonly RevocationEntry[]
  /** Milliseconds since 1970, the issuer's clock; null where no feed is followed. */
  readonly horizon: number | null
}

const TYPE = 'hallpass-snapshot+jws'

/** @param secret at least 32 characters that nobody can guess */
export async function sealSnapshot(snapshot: Snapshot, secret: string): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(snapshot)))
    .setProtectedHeader({ alg: 'HS256', typ: TYPE })
    .sign(await keyFrom(secret, snapshot.issuer))
}

/** @throws {Error} for what was not sealed with this secret for this issuer */
export async function openSnapshot(sealed: string, secret: string, issuer: string): Promise<Snapshot> {
  try {
    const { payload, protectedHeader } = await compactVerify(sealed, await keyFrom(secret, issuer), {
      algorithms: ['HS256'],
    })
    const snapshot = protectedHeader.typ === TYPE ? parseObject(new TextDecoder().decode(payload)) : null
    if (snapshot === null || snapshot['issuer'] !== issuer) throw notOurs()
    return snapshot as unknown as Snapshot
  } catch (error) {
    throw error instanceof errors.JOSEError ? notOurs(error) : error
  }
}

const notOurs = (cause?: unknown): Error =>
  new Error('this is no snapshot that was saved with this secret for this issuer', { cause })

/** Its own key for this one use (RFC 5869). */
async function keyFrom(secret: string, issuer: string): Promise<Uint8Array> {
  const utf8 = new TextEncoder()
  const material = await crypto.subtle.importKey('raw', utf8.encode(secret), 'HKDF', false, ['deriveBits'])
  const derivation = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: utf8.encode(issuer),
    info: utf8.encode('hallpass snapshot'),
  }
  return new Uint8Array(await crypto.subtle.deriveBits(derivation, material, 256))
}
