/** Express 5. */
import express from 'express'
import { requireToken } from 'hallpass/verifier/express'
import { verifier } from './verifier.ts'

const app = express()
app.get('/hello/:name', requireToken(verifier), (request, response) => {
  response.send(`Hello ${request.params.name}, or rather ${response.locals.accessToken.sub}\n`)
})
app.listen(Number(process.env['PORT'] ?? 8080))
