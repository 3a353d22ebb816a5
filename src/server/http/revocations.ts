/** `GET /v1/revocations`: what APIs have to know of ended sessions, once as JSON or from now on as a stream. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { z } from 'zod'
import { entryJson } from '../revocations/entry.ts'
import type { Feed, FeedAnswer } from '../revocations/feed.ts'
import { callingKeyOf, type Context, type Handler } from './context.ts'
import { openEventStream } from './event-stream.ts'
import { readQuery } from './query.ts'
import type { RevocationStreams } from './revocation-streams.ts'

const Query = z.strictObject({ since: z.string().optional() })

/** In one piece; more goes out in several, so that other requests get their turn. */
const ENTRIES_AT_ONCE = 1_000

export const revocations = ({ feed, streams }: { feed: Feed; streams: RevocationStreams }): Handler => {
  return async (ctx) => {
    const isStream =
      ctx.method === 'GET' && ctx.accepts('application/json', 'text/event-stream') === 'text/event-stream'
    const { since } = readQuery(ctx, Query)
    const cursor = (isStream ? ctx.get('last-event-id') : '') || since || null
    await feed.read()
    const answer = feed.since(cursor)
    ctx.vary('Accept')
    if (isStream) streams.open(() => openEventStream(ctx), answer, callingKeyOf(ctx))
    else answerJson(ctx, answer)
  }
}

function answerJson(ctx: Context, answer: FeedAnswer): void {
  ctx.type = 'application/json'
  ctx.set('Cache-Control', 'private, no-cache')
  if (answer.entries.length <= ENTRIES_AT_ONCE) {
    // Weak: the horizon moves on with every answer. 304 says that it has, and that there is nothing new.
    ctx.set('ETag', `W/"${digestOf(answer)}"`)
    ctx.status = 200
    if (ctx.fresh) ctx.status = 304
    else ctx.body = [...jsonOf(answer)].join('')
    return
  }
  ctx.body = Readable.from(jsonOf(answer), { objectMode: false })
}

const digestOf = ({ entries, isReset }: FeedAnswer): string =>
  createHash('sha256')
    .update(`${isReset}${entries.map(entryJson).join()}`)
    .digest('base64url')
    .slice(0, 22)

function* jsonOf({ entries, cursor, horizon, isReset }: FeedAnswer): Generator<string> {
  yield JSON.stringify({ cursor, horizon: new Date(horizon).toISOString(), ...(isReset ? { reset: true } : {}) }).slice(
    0,
    -1,
  )
  yield ',"revocations":['
  for (let index = 0; index < entries.length; index += ENTRIES_AT_ONCE) {
    yield (
      (index === 0 ? '' : ',') +
      entries
        .slice(index, index + ENTRIES_AT_ONCE)
        .map(entryJson)
        .join()
    )
  }
  yield ']}'
}
