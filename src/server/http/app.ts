/** The Koa application: what every request passes, outermost first. */
import cors from '@koa/cors'
import Koa from 'koa'
import type { Logger } from 'pino'
import { Problem } from '../errors.ts'
import type { AllowedOrigins } from './allowed-origins.ts'
import type { Handler, State } from './context.ts'
import { answerErrors } from './middleware/answer-errors.ts'
import { describeFailure, logRequest } from './middleware/log-request.ts'
import { securityHeaders } from './middleware/security-headers.ts'
import { createRouters } from './routes.ts'

type Dependencies = Parameters<typeof createRouters>[0] & {
  allowedOrigins: AllowedOrigins
  isSecure: boolean
  log: Logger
}

export function createApp(deps: Dependencies): Koa<State> {
  const app = new Koa<State>()
  app.use(logRequest(deps.log) as Koa.Middleware<State>)
  app.use(securityHeaders(deps) as Koa.Middleware<State>)
  app.use(allowOrigins(deps.allowedOrigins))
  app.use(answerErrors as Koa.Middleware<State>)
  app.use(refuseUnknown as Koa.Middleware<State>)
  const routers = createRouters(deps)
  for (const router of routers) app.use(router.routes())
  for (const router of routers) app.use(router.allowedMethods())
  app.on('error', (error: unknown) => deps.log.error(describeFailure(error), 'a request failed outside its handler'))
  return app
}

/** Exact origins, with credentials; nobody else is told anything. */
const allowOrigins = (allowedOrigins: AllowedOrigins): Koa.Middleware<State> =>
  cors({
    origin: (ctx) => {
      const origin = ctx.get('origin')
      return origin !== '' && allowedOrigins.has(origin) ? origin : ''
    },
    credentials: true,
    allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'Hallpass-Client'],
    exposeHeaders: ['WWW-Authenticate', 'Retry-After', 'RateLimit', 'RateLimit-Policy'],
    maxAge: 600,
  }) as Koa.Middleware<State>

/** What no route answered: the router leaves the status, and in Allow the methods that this path takes. */
const refuseUnknown: Handler = async (ctx, next) => {
  await next()
  if (ctx.body != null || ![404, 405, 501].includes(ctx.status)) return
  if (ctx.status === 404 || !ctx.response.get('Allow')) {
    throw new Problem(404, 'not_found', 'There is nothing here.')
  }
  throw new Problem(405, 'method_not_allowed', 'This URL does not take this method; see Allow.')
}
