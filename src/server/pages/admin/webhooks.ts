/** `/admin/webhooks`: who is told what happens, and how the last deliveries went. To look at only. */
import { paths } from '../../../protocol/paths.ts'
import type { Delivery } from '../../webhooks/delivery-log.ts'
import { shownUrl } from '../../webhooks/shown-url.ts'
import type { Webhook } from '../../webhooks/webhook.entity.ts'
import type { Webhooks } from '../../webhooks/webhooks.ts'
import { html, type Html } from '../html.ts'
import { code, facts, framed, section, table, timeOf } from './frame.ts'
import { words, type Words } from './texts.ts'
import type { AdminPage } from './visit.ts'

const told = words.webhooks
/** Of each. */
const SHOWN = 10

interface Seen {
  readonly webhook: Webhook
  readonly waiting: number
  readonly deliveries: readonly Delivery[]
}

export function createWebhooksPage(deps: {
  webhooks: Pick<Webhooks, 'list' | 'deliveries' | 'countWaiting'>
}): AdminPage {
  const { webhooks } = deps

  async function look(webhook: Webhook): Promise<Seen> {
    const [waiting, deliveries] = await Promise.all([
      webhooks.countWaiting(webhook.id),
      webhooks.deliveries(webhook.id, { since: null, failedOnly: false }),
    ])
    return { webhook, waiting, deliveries: deliveries.slice(0, SHOWN) }
  }

  return {
    path: paths.adminWebhooksPage,
    actions: {},
    async show(visit, _, outcome) {
      const seen = await Promise.all((await webhooks.list()).map(look))
      return framed(visit, {
        path: paths.adminWebhooksPage,
        title: told.title,
        outcome,
        body: html`<p class="quiet">${told.explanation}</p>
          ${seen.length === 0 && html`<p>${told.none}</p>`} ${seen.map(sectionOf)}`,
      })
    },
  }
}

const sectionOf = ({ webhook, waiting, deliveries }: Seen): Html =>
  section(
    webhook.description || shownUrl(webhook.url),
    html`${facts([
      [told.url, code(shownUrl(webhook.url))],
      [told.events, webhook.eventTypes.join(', ') || told.all],
      [told.state, stateOf(webhook)],
      [told.waiting, String(waiting)],
    ])}
    ${table(told.deliveries, told.heads, deliveries.map(rowOf))}`,
  )

function stateOf({ disabledAt, disabledReason, failingSince }: Webhook): Words {
  if (disabledAt != null) return told.disabled(disabledReason ?? '', timeOf(disabledAt))
  return failingSince == null ? told.enabled : told.failing(timeOf(failingSince))
}

const rowOf = ({ at, type, attempt, status, failure, nextAttemptAt }: Delivery): (Words | null)[] => [
  timeOf(at),
  code(type),
  String(attempt),
  failure === null ? told.delivered(status) : told.failed([failure, status].filter(Boolean).join(' ')),
  nextAttemptAt === null ? null : timeOf(nextAttemptAt),
]
