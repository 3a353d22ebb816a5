/** An API in plain JavaScript that has nothing but Hallpass and jose. It writes what came of it. */
import { createVerifier, requireScope } from 'hallpass/verifier'
import * as express from 'hallpass/verifier/express'
import * as fastify from 'hallpass/verifier/fastify'
import { withToken } from 'hallpass/verifier/fetch'
import * as hono from 'hallpass/verifier/hono'
import * as koa from 'hallpass/verifier/koa'
import { createTestIssuer } from 'hallpass/verifier/testing'
import { upgradeWithToken } from 'hallpass/verifier/websocket'

const issuer = await createTestIssuer()
const verifier = issuer.createVerifier()
const answer = withToken(verifier, (_request, { sub }) => Response.json({ sub }), { guards: [requireScope('orders')] })

async function ask(token) {
  const response = await answer(new Request('https://api.example/', { headers: { authorization: `Bearer ${token}` } }))
  return [response.status, response.headers.get('content-type')]
}

const adapters = [express, fastify, hono, koa].map(({ requireToken }) => typeof requireToken(verifier))
const good = await ask(await issuer.signTestToken({ scope: 'orders' }))
const forbidden = await ask(await issuer.signTestToken())
const bad = await ask('a.b.c')
verifier.close()
const result = { adapters, good, forbidden, bad, others: [typeof createVerifier, typeof upgradeWithToken] }
process.stdout.write(JSON.stringify(result))
