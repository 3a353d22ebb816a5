/** `GET /v1/sessions/current/events`: what happens to one's session, told at once (docs/decisions/0022). */
import type { Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { ReadCookieSession } from './cookie-session.ts'
import type { SessionCookie } from './cookie.ts'
import type { Context, Handler } from './context.ts'
import { openEventStream } from './event-stream.ts'
import { bearerToken, callerBy, invalidAccessToken } from './middleware/require-session.ts'
import type { RefuseForeignReaders } from './origin.ts'
import type { SessionEventStreams } from './session-event-streams.ts'

interface Dependencies {
  sessions: Sessions
  accessTokens: AccessTokens
  cookie: SessionCookie
  readCookieSession: ReadCookieSession
  refuseForeignReaders: RefuseForeignReaders
  sessionStreams: SessionEventStreams
}

export const sessionEvents = (deps: Dependencies): Handler => {
  const { cookie, readCookieSession, refuseForeignReaders, sessionStreams } = deps

  /** By a Bearer token, or by the cookie of the browser, whose EventSource can send no other header. */
  async function sessionOf(ctx: Context): Promise<Session> {
    if (ctx.get('authorization') !== '' || cookie.read(ctx).length === 0) {
      return (await callerBy(deps, bearerToken(ctx))).session
    }
    refuseForeignReaders(ctx)
    const live = await readCookieSession(ctx)
    if (live === null) throw invalidAccessToken()
    return live.session
  }

  return async (ctx) => {
    const session = await sessionOf(ctx)
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    if (ctx.method === 'GET') return sessionStreams.open(() => openEventStream(ctx), session)
    ctx.type = 'text/event-stream' // HEAD: a stream would never end
    ctx.status = 200
  }
}
