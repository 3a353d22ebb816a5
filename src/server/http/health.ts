/** For whoever watches over the process. */
import type { Readiness } from '../readiness.ts'
import type { Handler } from './context.ts'

export const healthHandlers = ({ readiness }: { readiness: Readiness }): { health: Handler; ready: Handler } => ({
  /** The process lives; whether the database does is another question. */
  health(ctx) {
    ctx.body = { status: 'ok' }
  },
  async ready(ctx) {
    const isReady = await readiness.isReady()
    ctx.status = isReady ? 200 : 503
    ctx.body = { status: isReady ? 'ready' : 'not ready' }
  },
})
