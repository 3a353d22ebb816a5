import { Command, InvalidArgumentError } from 'commander'
import type { Write } from '../commands.ts'
import type { HistoryEvent, HistoryPage } from '../events/history.ts'
import type { Hallpass } from '../server.ts'
import { identify } from './identify.ts'
import { required } from './required.ts'
import { ago } from './since.ts'

interface Options {
  readonly user?: string
  readonly type?: string
  readonly since?: Date
  readonly limit: number
  readonly json?: boolean
}

const PAGE = 500

export function eventsCommand(hallpass: Hallpass | null, write: Write): Command {
  return new Command('events')
    .description('what happened, newest first')
    .option('--user <email-or-id>', 'to one user only; also to one who was deleted, by id')
    .option('--type <type>', 'of one kind only: session.created, session.revoked, user.password_changed, ...')
    .option('--since <time>', 'not earlier: a date, a time (RFC 3339), or 30m, 12h, 7d ago', since)
    .option('--limit <count>', 'how many', count, 100)
    .option('--json', 'one JSON object a line, with all that is known')
    .action(async (options: Options) => {
      const service = required(hallpass)
      const show = options.json === true ? asJson : inWords
      const userId = options.user === undefined ? null : await identify(service, options.user)
      for await (const event of readEvents(service, userId, options)) write(`${show(event)}\n`)
    })
}

async function* readEvents(
  { history }: Hallpass,
  userId: string | null,
  { type = null, since = null, limit: wanted }: { type?: string | null; since?: Date | null; limit: number },
): AsyncGenerator<HistoryEvent> {
  let cursor: string | null = null
  let left = wanted
  do {
    const page: { limit: number; cursor: string | null; type: string | null } = {
      limit: Math.min(left, PAGE),
      cursor,
      type,
    }
    const found: HistoryPage | null =
      userId === null ? await history.ofEverybody({ ...page, since }) : await history.ofUser(userId, page)
    for (const event of found?.events ?? []) {
      if (since !== null && event.createdAt < since) return
      yield event
    }
    left -= page.limit
    cursor = found?.cursor ?? null
  } while (cursor !== null && left > 0)
}

function inWords({ createdAt, type, reason, subtype, actor, userId, subject, ip }: HistoryEvent): string {
  const why = [reason, subtype].filter((each) => each !== null).join('/')
  const what = subject === null ? [] : [subject.id, ...(subject.name === null ? [] : [JSON.stringify(subject.name)])]
  return [createdAt.toISOString(), type.padEnd(21), `by ${actor}`.padEnd(9), userId, ...what, why, ip ?? '']
    .filter((each) => each !== '')
    .join('  ')
}

const asJson = (event: HistoryEvent): string =>
  JSON.stringify({
    id: event.id,
    created_at: event.createdAt,
    type: event.type,
    reason: event.reason,
    subtype: event.subtype,
    user_id: event.userId,
    subject: event.subject,
    actor: event.actor,
    actor_id: event.actorId,
    by: event.by,
    ip: event.ip,
    details: event.details,
  })

function since(text: string): Date {
  const span = ago(text)
  if (span !== null) return span
  const time = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text) ? new Date(text) : new Date(Number.NaN)
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('It is no time, such as 2026-11-24 or 7d.')
  return time
}

function count(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It is not a number of events.')
  return Number(text)
}
