/**
 * The process that starts the workers and keeps them: it holds the port, and deals each new connection to the
 * next worker. It serves nothing itself.
 */
import cluster from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { describeFailure } from '../http/middleware/log-request.ts'
import { lingerAfter, STOP_WITHIN } from '../stopping.ts'
import { welcome } from '../welcome.ts'
import { createCrew } from './crew.ts'
import { closeWhatItDidNotTake } from './dealing.ts'
import type { Start } from './messages.ts'

export interface PrimaryOptions {
  readonly log: Logger
  readonly migrate?: boolean
  readonly acceptNewSecret?: boolean
}

/** Serves until it is told to stop. Where the first worker cannot start, that one says why, and the exit code is 1. */
export async function serveByWorkers(config: Config, options: PrimaryOptions): Promise<void> {
  const { log, migrate = true, acceptNewSecret = false } = options
  cluster.setupPrimary({ args: ['worker'] })
  /** The database is made ready by the first one. */
  let preparing = { migrate, acceptNewSecret }

  function fork(place: number) {
    const worker = cluster.fork()
    closeWhatItDidNotTake(worker)
    worker.send({ kind: 'start', config, worker: place, ...preparing } satisfies Start)
    return worker
  }

  const crew = createCrew({ size: config.workers, fork, log })
  const port = await crew.startFirst()
  if (port === null) {
    process.exitCode = 1
    return
  }
  preparing = { migrate: false, acceptNewSecret: false }
  crew.startOthers()

  closeWithGrace({ delay: STOP_WITHIN, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal(describeFailure(err), 'stopping after an error')
    else log.info({ signal }, 'stopping')
    const isWell = await crew.stop(lingerAfter(signal))
    log.info('stopped')
    if (!isWell) throw new Error('a worker did not end well') // so that the exit code says it
  })
  const { issuer, host, workers } = config
  log.info({ issuer, host, port, store: 'postgresql', workers }, 'listening')
  welcome(config, port)
}
