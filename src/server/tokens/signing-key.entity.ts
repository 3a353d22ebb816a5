import { defineEntity, p } from '@mikro-orm/core'
import type { JWK } from 'jose'

const SigningKeySchema = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_keys',
  properties: {
    kid: p.string().primary(),
    alg: p.string(),
    publicJwk: p.json<JWK>(),
    /** PKCS #8, encrypted with a secret of the ring. */
    privateKey: p.blob(),
    /** Which secret of the ring that was. */
    secretFingerprint: p.blob(),
    createdAt: p.datetime(),
    /** Published from its creation, used from this instant until a newer key's. */
    activatesAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
})

/** A key that signs access tokens. */
export class SigningKey extends SigningKeySchema.class {}
SigningKeySchema.setClass(SigningKey)
