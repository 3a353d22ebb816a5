/** Every URL on one page, with who may pass. */
import { createRequire } from 'node:module'
import type KoaRouter from '@koa/router'
import { paths } from '../../protocol/paths.ts'
import type { DevMailbox } from '../emails/dev-mailbox.ts'
import { createAdminPages } from '../pages/admin/admin.ts'
import { createDevicesPage } from '../pages/devices.ts'
import { createHistoryPage } from '../pages/history.ts'
import { createMailboxPages } from '../pages/mailbox.ts'
import { createReadOnwards } from '../pages/onwards.ts'
import { createPages } from '../pages/pages.ts'
import { createSignInPage } from '../pages/sign-in.ts'
import { createSignUpPage } from '../pages/sign-up.ts'
import { adminSessionHandlers } from './admin-session-control.ts'
import { createAdminSession } from './admin-sessions.ts'
import { adminUserHandlers } from './admin-users.ts'
import { apiKeyHandlers } from './api-keys.ts'
import type { State } from './context.ts'
import { devMailbox } from './dev-mailbox.ts'
import { emailFlowHandlers } from './email-flows.ts'
import { events } from './events.ts'
import { healthHandlers } from './health.ts'
import { introspect } from './introspect.ts'
import { metadataHandlers } from './metadata.ts'
import { requireRecentAuthentication } from './middleware/require-recent-authentication.ts'
import { requireScope } from './middleware/require-scope.ts'
import { requireSession } from './middleware/require-session.ts'
import { createPageSignIn } from './page-sign-in.ts'
import { reauthentication } from './reauthentication.ts'
import { revocations } from './revocations.ts'
import { revoke } from './revoke.ts'
import { sessionEvents } from './session-events.ts'
import { sessionHandlers } from './sessions.ts'
import { signIn } from './sign-in.ts'
import { token } from './token.ts'
import { userHandlers } from './users.ts'

/** In its CommonJS form: the other one imports all of node:http (node-http.ts says what that costs). */
const Router = createRequire(import.meta.url)('@koa/router') as typeof KoaRouter

type Dependencies = Parameters<typeof signIn>[0] &
  Parameters<typeof token>[0] &
  Parameters<typeof revoke>[0] &
  Parameters<typeof introspect>[0] &
  Parameters<typeof reauthentication>[0] &
  Parameters<typeof userHandlers>[0] &
  Parameters<typeof emailFlowHandlers>[0] &
  Parameters<typeof apiKeyHandlers>[0] &
  Parameters<typeof createAdminSession>[0] &
  Parameters<typeof adminUserHandlers>[0] &
  Parameters<typeof adminSessionHandlers>[0] &
  Parameters<typeof revocations>[0] &
  Parameters<typeof sessionEvents>[0] &
  Parameters<typeof events>[0] &
  Omit<Parameters<typeof createPages>[0], 'signInByMagicLink' | 'readOnwards'> &
  Omit<Parameters<typeof createSignInPage>[0], 'signInByPassword' | 'readOnwards'> &
  Omit<Parameters<typeof createSignUpPage>[0], 'readOnwards'> &
  Parameters<typeof createDevicesPage>[0] &
  Parameters<typeof createHistoryPage>[0] &
  Parameters<typeof createAdminPages>[0] &
  Parameters<typeof metadataHandlers>[0] &
  Parameters<typeof healthHandlers>[0] & { mailbox: DevMailbox | null }

const RULES = { strict: true, sensitive: true }

/** A router tries all of its routes on each request: what devices ask for all day has one of its own, before the other. */
export const createRouters = (deps: Dependencies): readonly KoaRouter<State>[] => [
  new Router<State>(RULES).post(paths.token, token(deps)),
  createRouter(deps),
]

function createRouter(deps: Dependencies): KoaRouter<State> {
  const router = new Router<State>(RULES)
  const signedIn = requireSession(deps)
  const confirmed = requireRecentAuthentication
  const admin = requireScope(deps, 'admin')
  const sessions = sessionHandlers(deps)
  const adminSessions = adminSessionHandlers(deps)
  const users = userHandlers(deps)
  const flows = emailFlowHandlers(deps)
  const apiKeys = apiKeyHandlers(deps)
  const adminUsers = adminUserHandlers(deps)
  const pageSignIn = createPageSignIn(deps)
  const readOnwards = createReadOnwards(deps)
  const forPages = { ...deps, readOnwards }
  const pages = createPages({ ...forPages, signInByMagicLink: pageSignIn.byMagicLink })
  const signInPage = createSignInPage({ ...forPages, signInByPassword: pageSignIn.byPassword })
  const signUpPage = createSignUpPage(forPages)
  const devices = createDevicesPage(forPages)
  const { jwks, metadata } = metadataHandlers(deps)
  const { health, ready } = healthHandlers(deps)

  router.post(paths.revoke, revoke(deps))
  router.post(paths.introspect, requireScope(deps, 'introspect'), introspect(deps))

  router.post(paths.sessions, signIn(deps))
  router.get(paths.sessions, signedIn, sessions.list)
  router.delete(paths.sessions, signedIn, confirmed, sessions.endMany)
  router.get(paths.currentSession, signedIn, sessions.current)
  router.delete(paths.currentSession, signedIn, sessions.signOut)
  router.get(paths.sessionEvents, sessionEvents(deps))
  router.post(paths.reauthentication, reauthentication(deps))
  router.get(paths.session, signedIn, sessions.one)
  router.patch(paths.session, signedIn, sessions.change)
  router.delete(paths.session, signedIn, confirmed, sessions.end)

  router.post(paths.users, users.register)
  router.get(paths.me, signedIn, users.me)
  router.delete(paths.me, signedIn, confirmed, users.deleteMe)
  router.put(paths.password, signedIn, confirmed, users.changePassword)

  router.get(paths.events, signedIn, events(deps))

  router.get(paths.apiKeys, signedIn, apiKeys.list)
  router.post(paths.apiKeys, signedIn, confirmed, apiKeys.create)
  router.delete(paths.apiKey, signedIn, apiKeys.revoke) // a key that leaked does not wait

  // Each flow of emails/flows: its resource under /v1, and the page behind its link.
  for (const flow of deps.emails.flows) {
    const { resource, page, askedBy, isUsedByPut } = flow
    if (resource !== null && askedBy === 'anybody') router.post(resource, flows.ask(flow))
    if (resource !== null && askedBy === 'owner') router.post(resource, signedIn, confirmed, flows.ask(flow))
    if (resource !== null && isUsedByPut) router.put(resource, flows.use(flow))
    router.get(page, pages.show(flow))
    router.post(page, pages.act(flow))
  }

  router.get(paths.signInPage, signInPage.show)
  router.post(paths.signInPage, signInPage.act)
  router.get(paths.signUpPage, signUpPage.show)
  router.post(paths.signUpPage, signUpPage.act)

  router.get(paths.devicesPage, devices.show)
  router.post(paths.devicesPage, devices.act)
  router.get(paths.historyPage, createHistoryPage(forPages))

  for (const page of createAdminPages(deps)) {
    router.get(page.path, page.show)
    router.post(page.path, page.act)
  }

  router.post(paths.adminSessions, requireScope(deps, 'sessions:create'), createAdminSession(deps))
  router.get(paths.adminSessions, admin, adminSessions.search)
  router.delete(paths.adminSessions, admin, adminSessions.endMany)
  router.get(paths.adminSession, admin, adminSessions.one)
  router.patch(paths.adminSession, admin, adminSessions.change)
  router.delete(paths.adminSession, admin, adminSessions.end)

  router.get(paths.adminUsers, admin, adminUsers.list)
  router.post(paths.adminUsers, admin, adminUsers.make)
  router.get(paths.adminUser, admin, adminUsers.one)
  router.patch(paths.adminUser, admin, adminUsers.amend)
  router.delete(paths.adminUser, admin, adminUsers.remove)
  router.get(paths.adminUserSessions, admin, adminUsers.sessions)
  router.delete(paths.adminUserSessions, admin, adminUsers.endSessions)

  router.get(paths.revocations, requireScope(deps, 'revocations:read'), revocations(deps))
  router.get(paths.jwks, jwks)
  // RFC 8414 section 3.1: an issuer's path comes after the well-known name.
  router.get(paths.metadata + new URL(deps.issuer).pathname.replace(/\/$/, ''), metadata)
  router.get(paths.health, health)
  router.get(paths.ready, ready)

  if (deps.mailbox !== null) {
    const mailbox = createMailboxPages({ ...deps, mailbox: deps.mailbox })
    router.get(paths.devMailbox, devMailbox({ mailbox: deps.mailbox }))
    router.get(paths.devMailboxPage, mailbox.list)
    router.get(paths.devMailboxMail, mailbox.mail)
  }
  return router
}
