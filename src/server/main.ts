/** The process: configuration → server → listen → drain; or, with several workers, the one that starts them. */
import closeWithGrace from 'close-with-grace'
import type { Config } from './config.ts'
import { describeFailure } from './http/middleware/log-request.ts'
import { createLog } from './log.ts'
import type { ServerOptions } from './server.ts'
import { lingerAfter, STOP_WITHIN } from './stopping.ts'
import { welcome } from './welcome.ts'
import { serveByWorkers } from './workers/primary.ts'

/** Serves until it is told to stop; then exits 0. A second signal ends it at once. */
export async function serve(config: Config, options: Omit<ServerOptions, 'log'>): Promise<void> {
  const log = createLog(config.logLevel)
  for (const warning of config.warnings) log.warn(warning)
  if (config.workers > 1) return serveByWorkers(config, { ...options, log })

  const { startServing } = await import('./serving.ts') // all of the service: a primary does without
  const serving = await startServing(config, { ...options, log })
  closeWithGrace({ delay: STOP_WITHIN, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal(describeFailure(err), 'stopping after an error')
    else log.info({ signal }, 'stopping')
    await serving.stop(lingerAfter(signal))
    log.info('stopped')
  })
  const { port, store } = serving
  log.info({ issuer: config.issuer, host: config.host, port, store }, 'listening')
  welcome(config, port)
}
