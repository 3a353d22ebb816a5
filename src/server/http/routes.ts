/** Every URL on one page, with who may pass. */
import Router from '@koa/router'
import { paths } from '../../protocol/paths.ts'
import type { State } from './context.ts'
import { devMailbox } from './dev-mailbox.ts'
import { healthHandlers } from './health.ts'
import { metadataHandlers } from './metadata.ts'
import { requireRecentAuthentication } from './middleware/require-recent-authentication.ts'
import { requireSession } from './middleware/require-session.ts'
import { reauthentication } from './reauthentication.ts'
import { revoke } from './revoke.ts'
import { sessionHandlers } from './sessions.ts'
import { signIn } from './sign-in.ts'
import { token } from './token.ts'
import { userHandlers } from './users.ts'

type Dependencies = Parameters<typeof signIn>[0] &
  Parameters<typeof token>[0] &
  Parameters<typeof revoke>[0] &
  Parameters<typeof reauthentication>[0] &
  Parameters<typeof metadataHandlers>[0] &
  Parameters<typeof healthHandlers>[0] & { hasDevMailbox: boolean }

export function createRouter(deps: Dependencies): Router<State> {
  const router = new Router<State>({ strict: true, sensitive: true })
  const signedIn = requireSession(deps)
  const confirmed = requireRecentAuthentication
  const sessions = sessionHandlers(deps)
  const users = userHandlers(deps)
  const { jwks, metadata } = metadataHandlers(deps)
  const { health, ready } = healthHandlers(deps)

  router.post(paths.token, token(deps))
  router.post(paths.revoke, revoke(deps))

  router.post(paths.sessions, signIn(deps))
  router.get(paths.sessions, signedIn, sessions.list)
  router.delete(paths.sessions, signedIn, confirmed, sessions.endMany)
  router.get(paths.currentSession, signedIn, sessions.current)
  router.delete(paths.currentSession, signedIn, sessions.signOut)
  router.post(paths.reauthentication, reauthentication(deps))
  router.get(paths.session, signedIn, sessions.one)
  router.patch(paths.session, signedIn, sessions.rename)
  router.delete(paths.session, signedIn, confirmed, sessions.end)

  router.post(paths.users, users.register)
  router.get(paths.me, signedIn, users.me)

  router.get(paths.jwks, jwks)
  // RFC 8414 section 3.1: an issuer's path comes after the well-known name.
  router.get(paths.metadata + new URL(deps.issuer).pathname.replace(/\/$/, ''), metadata)
  router.get(paths.health, health)
  router.get(paths.ready, ready)
  if (deps.hasDevMailbox) router.get(paths.devMailbox, devMailbox)
  return router
}
