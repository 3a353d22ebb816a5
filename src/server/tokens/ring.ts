/**
 * The ring: the one secret an operator keeps, and the ones before it. Every use derives its own key
 * by HKDF (RFC 5869) under its own label, so that no two uses ever share one.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { isSameSecret } from './secrets.ts'

export interface RingSecret {
  /** The environment variable it came from, for messages; never the secret itself. */
  readonly variable: string
  /** One byte that says in a refresh token which secret made its MAC. Two secrets may share it. */
  readonly keyId: number
  /** Kept in the database to know which secrets it has seen; tells nothing about the secret. */
  readonly fingerprint: Buffer
  /** The first half of HMAC-SHA256, 16 bytes. */
  mac(data: Uint8Array): Buffer
  /** The same for what the forms of pages carry, with a key of its own. */
  formMac(data: Uint8Array): Buffer
  /** AES-256-GCM; `context` is authenticated and must be given again to decrypt. */
  encrypt(plain: Uint8Array, context: string): Buffer
  /** @throws when it was encrypted with another secret, for another context, or was changed */
  decrypt(sealed: Uint8Array, context: string): Buffer
}

export interface Ring {
  readonly current: RingSecret
  /** All of them, the current one first. */
  readonly secrets: readonly RingSecret[]
  withKeyId(keyId: number): readonly RingSecret[]
  withFingerprint(fingerprint: Uint8Array): RingSecret | undefined
}

/**
 * @param secret HALLPASS_SECRET
 * @param previous HALLPASS_SECRET_PREVIOUS: accepted, not used
 */
export function createRing(secret: string, previous: readonly string[] = []): Ring {
  const current = deriveSecret(secret, 'HALLPASS_SECRET')
  const secrets = [current, ...previous.map((older) => deriveSecret(older, 'HALLPASS_SECRET_PREVIOUS'))]
  return {
    current,
    secrets,
    withKeyId: (keyId) => secrets.filter((candidate) => candidate.keyId === keyId),
    withFingerprint: (fingerprint) => secrets.find((candidate) => isSameSecret(candidate.fingerprint, fingerprint)),
  }
}

function deriveSecret(secret: string, variable: string): RingSecret {
  const derive = (label: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', label, 32))
  const encryptionKey = derive('hallpass encryption at rest')
  return {
    variable,
    keyId: derive('hallpass key id').readUInt8(0),
    fingerprint: derive('hallpass ring fingerprint').subarray(0, 16),
    mac: shortMac(derive('hallpass refresh token mac')),
    formMac: shortMac(derive('hallpass form token mac')),
    encrypt: (plain, context) => seal(encryptionKey, plain, context),
    decrypt: (sealed, context) => unseal(encryptionKey, sealed, context),
  }
}

/** In JavaScript, and the key is worked in once: node:crypto's takes twice as long within a refresh (docs/decisions/0036). */
function shortMac(key: Buffer): (data: Uint8Array) => Buffer {
  const keyed = hmac.create(sha256, key)
  const copy = keyed.clone()
  return (data) => Buffer.from(keyed._cloneInto(copy).update(data).digest().buffer, 0, 16)
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

function seal(key: Buffer, plain: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

function unseal(key: Buffer, sealed: Uint8Array, context: string): Buffer {
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
}
