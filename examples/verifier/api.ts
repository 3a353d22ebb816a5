/** An API whose routes ask for different things. It is given its verifier, so that a test can give it another. */
import Router from '@koa/router'
import Koa from 'koa'
import { Refused, requireClaim, requireRecentAuth, requireScope, type Guard, type Verifier } from 'hallpass/verifier'
import { requireToken } from 'hallpass/verifier/koa'

const peopleOnly: Guard = ({ amr }) => {
  if (amr.includes('key')) throw new Refused('claim_refused', 'this is for people, not for API keys')
}

export function createApi(verifier: Verifier): Koa {
  const router = new Router()

  router.get('/orders', requireToken(verifier, { guards: [requireScope('orders:read')] }), (ctx) => {
    ctx.body = { orders: [], of: ctx.state.accessToken.sub }
  })

  router.get('/reports', requireToken(verifier, { guards: [requireClaim('plan', 'pro')] }), (ctx) => {
    ctx.body = { reports: [] }
  })

  const careful = requireToken(verifier, {
    onStale: 'reject',
    guards: [peopleOnly, requireRecentAuth({ maxAge: 600 })],
  })
  router.post('/payouts', careful, (ctx) => {
    ctx.status = 201
  })

  const app = new Koa()
  app.use(router.routes())
  return app
}
