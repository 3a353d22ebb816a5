import { defineEntity, p } from '@mikro-orm/core'

const ClientSchema = defineEntity({
  name: 'Client',
  tableName: 'clients',
  properties: {
    /** The `client_id`. */
    id: p.string().primary(),
    name: p.string(),
    /** In browsers, on phones, or a program that has its own way to sign people in. */
    type: p.string().$type<'spa' | 'native' | 'service'>().default('spa'),
    /** What its access tokens carry as `scope`. */
    scope: p.string(),
    /** Where its magic links lead: a universal link, or a private scheme. */
    linkUri: p.string().nullable(),
    /** Those of its browser applications, beside HALLPASS_ALLOWED_ORIGINS. */
    origins: p.array().default([]),
    /** Where people may be sent after signing in, exactly, beside allowed origins. */
    redirectUris: p.array().default([]),
    /** Lifetimes in seconds; null is the service's own setting. */
    accessTtl: p.integer().nullable(),
    idleTtl: p.integer().nullable(),
    absoluteTtl: p.integer().nullable(),
    grace: p.integer().nullable(),
    /** How many live sessions of it a user may have; null: as many as of all clients together. */
    maxSessions: p.integer().nullable(),
    /** What one more sign-in does then. */
    atLimit: p.string().$type<'refuse' | 'drop_oldest' | 'ask'>().default('drop_oldest'),
    /** Members of a session's `data` that go into its access tokens as claims. */
    dataClaims: p.array().default([]),
    /** An older app than this trips the policy `app_version`. */
    minAppVersion: p.string().nullable(),
    createdAt: p.datetime(),
  },
})

/** An application that people sign in to. */
export class Client extends ClientSchema.class {}
ClientSchema.setClass(Client)
