/** `GET /v1/revocations`: what APIs have to know of ended sessions, once as JSON or from now on as a stream. */
import { Readable } from 'node:stream'
import { z } from 'zod'
import { entryJson } from '../revocations/entry.ts'
import type { Feed, FeedAnswer } from '../revocations/feed.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import { callingKeyOf, type Handler } from './context.ts'
import { entityTag, isAnsweredByTag, jwksTag } from './entity-tag.ts'
import { openEventStream } from './event-stream.ts'
import { readQuery } from './query.ts'
import type { RevocationStreams } from './revocation-streams.ts'

interface Dependencies {
  feed: Feed
  streams: RevocationStreams
  keys: SigningKeys
}

const Query = z.strictObject({ since: z.string().optional() })

/** In one piece; more goes out in several, so that other requests get their turn. */
const ENTRIES_AT_ONCE = 1_000

export const revocations = ({ feed, streams, keys }: Dependencies): Handler => {
  const handle: Handler = async (ctx) => {
    const { since } = readQuery(ctx, Query)
    const isStream =
      ctx.method === 'GET' && ctx.accepts('application/json', 'text/event-stream') === 'text/event-stream'
    const cursor = (isStream ? ctx.get('last-event-id') : '') || since || null
    await feed.read()
    const answer = feed.since(cursor)
    ctx.vary('Accept')
    if (isStream) streams.open(() => openEventStream(ctx), answer, callingKeyOf(ctx))
    else answerJson(ctx, answer)
  }

  const answerJson = (ctx: Parameters<Handler>[0], answer: FeedAnswer): void => {
    ctx.type = 'application/json'
    ctx.set('Cache-Control', 'private, no-cache')
    if (answer.entries.length > ENTRIES_AT_ONCE) {
      ctx.body = Readable.from(jsonOf(answer), { objectMode: false })
      return
    }
    // Weak: the horizon moves on with every answer. 304 says that it has, and that nothing else did.
    const tag = `W/"${entityTag(`${answer.isReset} ${jwksTag(keys)} ${answer.entries.map(entryJson).join()}`)}"`
    if (!isAnsweredByTag(ctx, tag)) ctx.body = [...jsonOf(answer)].join('')
  }

  function* jsonOf({ entries, cursor, horizon, isReset }: FeedAnswer): Generator<string> {
    const head = { cursor, horizon: new Date(horizon).toISOString(), jwks: jwksTag(keys) }
    yield `${JSON.stringify({ ...head, ...(isReset ? { reset: true } : {}) }).slice(0, -1)},"revocations":[`
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

  return handle
}
