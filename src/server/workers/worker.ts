/** A worker: serves as one process alone does, with what the primary gives it, until the primary says stop. */
import { once } from 'node:events'
import closeWithGrace from 'close-with-grace'
import { describeFailure } from '../http/middleware/log-request.ts'
import { createLog } from '../log.ts'
import { startServing } from '../serving.ts'
import { lingerAfter, STOP_WITHIN } from '../stopping.ts'
import { ALIVE_EVERY, type Alive, type FromPrimary, type Start } from './messages.ts'

/** A terminal sends these to the whole group. The primary hears them too, and says what is to be done. */
const FOR_THE_PRIMARY = ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const

/**
 * Without its primary it ends at once: node:cluster sees to that.
 * @throws as `startServing` does
 */
export async function work(): Promise<void> {
  const { config, worker, migrate, acceptNewSecret } = await startOrder()
  const log = createLog(config.logLevel, worker)
  setInterval(() => process.send?.({ kind: 'alive' } satisfies Alive), ALIVE_EVERY).unref()
  const options = { log, migrate, acceptNewSecret, processes: config.workers }
  const serving = await startServing(config, options).catch((error: unknown) => {
    process.channel?.unref() // nothing else keeps it
    throw error
  })

  let linger = 0
  const skip = [...FOR_THE_PRIMARY, 'SIGTERM' as const]
  const { close } = closeWithGrace({ delay: STOP_WITHIN, logger: false, skip }, async ({ err }) => {
    if (err) log.fatal(describeFailure(err), 'stopping after an error')
    else log.info('stopping')
    await serving.stop(linger)
    log.info('stopped')
  })

  let isStopping = false
  /** systemd signals every process of a service, so that it is said twice. */
  function stop(afterLinger: number): void {
    if (isStopping) return
    isStopping = true
    linger = afterLinger
    close()
  }
  for (const signal of FOR_THE_PRIMARY) process.on(signal, () => undefined)
  process.on('SIGTERM', () => stop(lingerAfter('SIGTERM')))
  process.on('message', (message: FromPrimary) => {
    if (message.kind === 'stop') stop(message.linger)
  })
  log.info({ pid: process.pid, port: serving.port, store: serving.store }, 'listening')
}

async function startOrder(): Promise<Start> {
  const [message] = (await once(process, 'message')) as [FromPrimary]
  if (message.kind !== 'start') throw new Error('a worker is started by the primary process, and by nobody else')
  return message
}
