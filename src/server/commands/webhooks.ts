import { Command, InvalidArgumentError } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import type { Delivery } from '../webhooks/delivery-log.ts'
import { shownUrl } from '../webhooks/shown-url.ts'
import type { Webhook } from '../webhooks/webhook.entity.ts'
import { required } from './required.ts'
import { since } from './since.ts'
import { uuid } from './uuid.ts'

export function webhooksCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('webhooks').description('applications that are told what happens')
  const webhooks = () => required(hallpass).webhooks

  async function known(id: string): Promise<Webhook> {
    const webhook = await webhooks().find(id)
    if (webhook === null) throw new Error(UNKNOWN)
    return webhook
  }

  /** To queue something for one that is disabled would be to promise what nobody keeps. */
  async function enabled(id: string): Promise<Webhook> {
    const webhook = await known(id)
    if (webhook.disabledAt != null) throw new Error(`it is disabled; first: hallpass webhooks enable ${id}`)
    return webhook
  }

  command
    .command('create')
    .description('send every event, or some, to a URL; the secret that signs them is shown once')
    .argument('<url>', 'https, or http on localhost')
    .option('--events <types>', 'session.revoked,user.deleted for example; all where this is left out', list, [])
    .option('--description <text>', 'what you call it', '')
    .action(async (url: string, { events, description }: { events: string[]; description: string }) => {
      const { id, secret } = await webhooks().create({ url, description, eventTypes: events })
      write(`id      ${id}\nsecret  ${secret}\n`)
    })

  command
    .command('list')
    .description('every webhook, oldest first; its URL without the query')
    .action(async () => {
      for (const webhook of await webhooks().list()) {
        const words = [webhook.id, stateOf(webhook), shownUrl(webhook.url), webhook.description]
        write(`${words.filter((word) => word !== '').join('  ')}\n`)
      }
    })

  command
    .command('show')
    .description('all there is to know of one, but its secret')
    .argument('<id>', '', uuid)
    .action(async (id: string) => {
      const webhook = await known(id)
      write(`url          ${webhook.url}\n`)
      if (webhook.description !== '') write(`description  ${webhook.description}\n`)
      write(`events       ${webhook.eventTypes.join(', ') || 'all'}\n`)
      write(`created      ${webhook.createdAt.toISOString()}\n`)
      write(`state        ${stateOf(webhook)}\n`)
      write(`waiting      ${await webhooks().countWaiting(id)}\n`)
    })

  command
    .command('disable')
    .description('send nothing any more; what happens meanwhile is sent by a replay only')
    .argument('<id>', '', uuid)
    .action(async (id: string) => {
      if (!(await webhooks().disable(id))) throw new Error(UNKNOWN)
      write(`disabled ${id}\n`)
    })

  command
    .command('enable')
    .description('send again, what waits first')
    .argument('<id>', '', uuid)
    .action(async (id: string) => {
      const { disabledAt } = await known(id)
      await webhooks().enable(id)
      write(`enabled ${id}\n`)
      if (disabledAt != null) {
        write(`what happened meanwhile: hallpass webhooks replay ${id} --since ${disabledAt.toISOString()}\n`)
      }
    })

  command
    .command('delete')
    .description('forget it, and what waits for it')
    .argument('<id>', '', uuid)
    .action(async (id: string) => {
      if (!(await webhooks().delete(id))) throw new Error(UNKNOWN)
      write(`deleted ${id}\n`)
    })

  command
    .command('rotate-secret')
    .description('make a new secret; for a day messages carry signatures by both')
    .argument('<id>', '', uuid)
    .option('--now', 'the one before signs nothing any more: when it leaked')
    .action(async (id: string, { now = false }: { now?: boolean }) => {
      const secret = await webhooks().rotateSecret(id, { immediately: now })
      if (secret === null) throw new Error(UNKNOWN)
      write(`secret  ${secret}\n`)
    })

  command
    .command('deliveries')
    .description('the newest 200 attempts, newest first: when, which event, how it ended, when it is tried again')
    .argument('<id>', '', uuid)
    .option('--failed', 'only those that failed')
    .option('--since <time>', SINCE, since)
    .action(async (id: string, { failed = false, since: from }: { failed?: boolean; since?: Date }) => {
      await known(id)
      const deliveries = await webhooks().deliveries(id, { since: from ?? null, failedOnly: failed })
      for (const delivery of deliveries) write(`${inALine(delivery)}\n`)
    })

  command
    .command('replay')
    .description('send events again, with the ids they had')
    .argument('<id>', '', uuid)
    .option('--event <event-id>', 'this one, whatever the webhook asks for', uuid)
    .option('--since <time>', `all that happened since: ${SINCE}`, since)
    .option('--failed', 'of these only what was given up; of the last 30 days where --since is left out')
    .action(async (id: string, options: { event?: string; since?: Date; failed?: boolean }) => {
      const { event, since: from, failed = false } = options
      if ((event !== undefined) === (from !== undefined || failed)) {
        throw new Error('say either --event <event-id>, or --since <time>, --failed or both')
      }
      await enabled(id)
      if (event !== undefined) {
        if (!(await webhooks().replayEvent(id, event))) throw new Error('the history has no such event')
        write(`sending ${event} again\n`)
      } else {
        const start = from ?? since('30d')
        const count = await (failed ? webhooks().replayFailed(id, start) : webhooks().replaySince(id, start))
        write(`sending ${count} again\n`)
      }
    })

  command
    .command('test')
    .description('send a ping, by the same way as everything else')
    .argument('<id>', '', uuid)
    .action(async (id: string) => {
      await enabled(id)
      write(`sending ping ${await webhooks().ping(id)}; how it went: hallpass webhooks deliveries ${id}\n`)
    })

  return command
}

const UNKNOWN = 'there is no such webhook; see: hallpass webhooks list'
const SINCE = '2026-03-04T14:00:00Z, or 2h, 3d for so long ago'

function list(text: string): string[] {
  const items = text.split(',').map((item) => item.trim())
  if (items.includes('')) throw new InvalidArgumentError('Types of events with commas between them.')
  return items
}

function stateOf({ disabledAt, disabledReason, failingSince }: Webhook): string {
  if (disabledAt != null) return `disabled (${disabledReason}) since ${disabledAt.toISOString()}`
  return failingSince == null ? 'enabled' : `failing since ${failingSince.toISOString()}`
}

function inALine({ at, eventId, type, attempt, status, failure, duration, nextAttemptAt }: Delivery): string {
  const ending = failure === null ? `delivered ${status}` : `failed ${[failure, status].filter(Boolean).join(' ')}`
  const next =
    nextAttemptAt === null ? (failure === null ? '' : '  given up') : `  again ${nextAttemptAt.toISOString()}`
  return `${at.toISOString()}  ${eventId}  ${type}  attempt ${attempt}  ${ending}  ${duration} ms${next}`
}
