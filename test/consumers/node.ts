/** An API in TypeScript on Node, with every framework, and an application with Hallpass in its own process. */
import { createServer } from 'node:http'
import express from 'express'
import Fastify from 'fastify'
import { createHallpass, type Mail, type SessionStatus } from 'hallpass/server'
import { createVerifier, requireScope } from 'hallpass/verifier'
import { requireToken as requireInExpress } from 'hallpass/verifier/express'
import { requireToken as requireInFastify } from 'hallpass/verifier/fastify'
import { requireToken as requireInHono } from 'hallpass/verifier/hono'
import { requireToken as requireInKoa } from 'hallpass/verifier/koa'
import { upgradeWithToken } from 'hallpass/verifier/websocket'
import { Hono } from 'hono'
import Koa from 'koa'

const verifier = createVerifier({ issuer: 'https://id.example', audience: 'https://api.example' })
const guards = [requireScope('orders')]

export const onExpress = express().get('/', requireInExpress(verifier, { guards }), (_request, response) => {
  response.send(response.locals.accessToken.sub)
})

export const onFastify = Fastify()
onFastify.get('/', { onRequest: requireInFastify(verifier, { guards }) }, (request) => request.accessToken.sub)

export const onHono = new Hono().get('/', requireInHono(verifier, { guards }), (c) => c.text(c.var.accessToken.sub))

export const onKoa = new Koa().use(requireInKoa(verifier, { guards })).use((ctx) => {
  ctx.body = ctx.state.accessToken.sub
})

export const onUpgrade = createServer().on(
  'upgrade',
  upgradeWithToken(verifier, ({ socket, token }) => void socket.end(token.sub)),
)

export async function keepOwnSessions(): Promise<SessionStatus[]> {
  const deliver = async ({ to, purpose }: Mail): Promise<void> => void (to + purpose)
  const hallpass = await createHallpass({ environment: { HALLPASS_DATA_DIR: 'memory://' }, deliver })
  const created = await hallpass.sessions.create({ subject: 'ada', amr: ['pwd'] })
  onExpress.use(hallpass.callback())
  const sessions = await hallpass.sessions.list(created.session.id)
  return sessions.map(({ status }) => status)
}
