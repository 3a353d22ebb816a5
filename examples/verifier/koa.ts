/** An API in ten lines. */
import Koa from 'koa'
import { createVerifier } from 'hallpass/verifier'
import { requireToken } from 'hallpass/verifier/koa'

const { HALLPASS_ISSUER: issuer = '', HALLPASS_KEY_ID: id = '', HALLPASS_KEY: key = '', PORT } = process.env
const verifier = createVerifier({ issuer, audience: issuer, apiKey: { id, key }, onFailure: console.warn })

const app = new Koa()
app.use(requireToken(verifier))
app.use((ctx) => (ctx.body = `Hello ${ctx.state.accessToken.sub}\n`))
app.listen(PORT ?? 8080)
