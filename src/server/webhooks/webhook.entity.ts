import { defineEntity, p } from '@mikro-orm/core'

/** Without its secrets, which no unit of work ever holds. */
const WebhookSchema = defineEntity({
  name: 'Webhook',
  tableName: 'webhooks',
  properties: {
    id: p.uuid().primary(),
    /** May hold a secret in its query: read here, and written by a bound statement only. */
    url: p.string(),
    description: p.string(),
    /** Empty: all. */
    eventTypes: p.array(),
    createdAt: p.datetime(),
    /** Since the first failure after which nothing arrived. */
    failingSince: p.datetime().nullable(),
    disabledAt: p.datetime().nullable(),
    disabledReason: p.string().$type<DisabledReason>().nullable(),
  },
})

/** By an operator; it answered 410; nothing arrived for five days. */
export type DisabledReason = 'operator' | 'gone' | 'failing'

/** Where an operator has the service tell what happens. */
export class Webhook extends WebhookSchema.class {}
WebhookSchema.setClass(Webhook)
