/** The secret that a webhook's receiver checks signatures with. It has to be used again, so it is kept, encrypted. */
import type { Ring } from '../tokens/ring.ts'
import { newSecret } from '../tokens/secrets.ts'

export interface NewWebhookSecret {
  /** For the receiver, shown once. */
  readonly shown: string
  readonly sealed: Buffer
  /** Which secret of the ring opens it. */
  readonly fingerprint: Buffer
}

export interface SealedSecrets {
  readonly secret: Buffer
  /** Signs too, until it is forgotten. */
  readonly previous_secret: Buffer | null
  readonly secret_fingerprint: Buffer
}

export function newWebhookSecret(ring: Ring, webhookId: string): NewWebhookSecret {
  const secret = newSecret()
  return {
    shown: `whsec_${secret.toString('base64')}`,
    sealed: ring.current.encrypt(secret, contextOf(webhookId)),
    fingerprint: ring.current.fingerprint,
  }
}

/** @returns null when this process's ring has not the secret that they were sealed with */
export function openWebhookSecrets(ring: Ring, webhookId: string, sealed: SealedSecrets): Buffer[] | null {
  const opener = ring.withFingerprint(sealed.secret_fingerprint)
  if (opener === undefined) return null
  const both = [sealed.secret, ...(sealed.previous_secret === null ? [] : [sealed.previous_secret])]
  return both.map((each) => opener.decrypt(each, contextOf(webhookId)))
}

/** With the ring's current secret. */
export function resealWebhookSecrets(ring: Ring, webhookId: string, sealed: SealedSecrets): SealedSecrets | null {
  const [secret, previous] = openWebhookSecrets(ring, webhookId, sealed) ?? []
  if (secret === undefined) return null
  const seal = (plain: Buffer): Buffer => ring.current.encrypt(plain, contextOf(webhookId))
  return {
    secret: seal(secret),
    previous_secret: previous === undefined ? null : seal(previous),
    secret_fingerprint: ring.current.fingerprint,
  }
}

/** Moved to another row, it does not open. */
const contextOf = (webhookId: string): string => `webhook ${webhookId}`
