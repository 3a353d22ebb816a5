/** A server that does nothing: what Koa costs. */
import Koa from 'koa'
import { ANSWER } from './answer.ts'

new Koa()
  .use((ctx) => {
    ctx.body = ANSWER
  })
  .listen(Number(process.env['PORT']), '127.0.0.1')
process.once('SIGTERM', () => process.exit())
