import { defineEntity, p } from '@mikro-orm/core'

const ClientSchema = defineEntity({
  name: 'Client',
  tableName: 'clients',
  properties: {
    /** The `client_id`. */
    id: p.string().primary(),
    name: p.string(),
    /** What its access tokens carry as `scope`. */
    scope: p.string(),
    /** Where its magic links lead: a universal link, or a private scheme. */
    linkUri: p.string().nullable(),
    createdAt: p.datetime(),
  },
})

/** An application that people sign in to. */
export class Client extends ClientSchema.class {}
ClientSchema.setClass(Client)
