/** Hono, on whatever it runs on. */
import { Hono } from 'hono'
import { requireToken } from 'hallpass/verifier/hono'
import { verifier } from './verifier.ts'

const app = new Hono()
app.get('/hello', requireToken(verifier), (c) => c.text(`Hello ${c.var.accessToken.sub}\n`))

export default app
