/** `GET /v1/events`: what happened to the account and the devices of whoever is signed in. */
import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { History } from '../events/history.ts'
import { ownEvent } from '../events/own-event.ts'
import { callerOf, type Handler } from './context.ts'
import { readQuery } from './query.ts'

const EventsQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/)
    .default('50'),
  cursor: z.string().optional(),
  type: z
    .string()
    .regex(/^[a-z_]{1,40}\.[a-z_]{1,40}$/)
    .optional(),
})

export const events =
  ({ history }: { history: Pick<History, 'ofUser'> }): Handler =>
  async (ctx) => {
    const { limit, cursor = null, type = null } = readQuery(ctx, EventsQuery)
    const page = await history.ofUser(callerOf(ctx).session.userId, { limit: Number(limit), cursor, type })
    if (page === null) {
      throw new Problem(400, 'invalid_request', 'This cursor is none that was given out. Begin anew without one.')
    }
    ctx.body = { events: page.events.map(ownEvent), cursor: page.cursor }
  }
