/** Fastify 5. As `onRequest`, the token is looked at before a body is read. */
import Fastify from 'fastify'
import { requireToken } from 'hallpass/verifier/fastify'
import { verifier } from './verifier.ts'

const app = Fastify()
app.get('/hello', { onRequest: requireToken(verifier) }, (request) => `Hello ${request.accessToken.sub}\n`)
await app.listen({ port: Number(process.env['PORT'] ?? 8080) })
