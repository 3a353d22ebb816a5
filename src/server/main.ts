/** The process: configuration → server → listen → drain. */
import { join } from 'node:path'
import closeWithGrace from 'close-with-grace'
import { runCommand } from './commands.ts'
import type { Config } from './config.ts'
import { listenForCommands, socketAddress, type CommandServer } from './control-socket.ts'
import { describeFailure } from './http/middleware/log-request.ts'
import { listen, type Listening } from './listen.ts'
import { createLog } from './log.ts'
import { createServer, type ServerOptions } from './server.ts'
import { MEMORY } from './store.ts'

/** Kubernetes and systemd wait longer before they kill. Milliseconds. */
const STOP_WITHIN = 10_000
/** What an orchestrator's load balancer needs to notice; a person at the keyboard needs none. Milliseconds. */
const LINGER = 1_000

/** The socket in the data directory by which commands reach a store that a server holds. */
export const controlSocketPath = (config: Config): string | null =>
  config.databaseUrl === null && config.dataDir !== MEMORY ? join(config.dataDir, 'control.sock') : null

/** Serves until it is told to stop; then exits 0. A second signal ends it at once. */
export async function serve(config: Config, options: Omit<ServerOptions, 'log'>): Promise<void> {
  const log = createLog(config.logLevel)
  for (const warning of config.warnings) log.warn(warning)

  const path = controlSocketPath(config)
  if (path !== null) socketAddress(path) // said before a database is made
  const hallpass = await createServer(config, { ...options, log })
  let control: CommandServer | null = null
  let listening: Listening
  try {
    if (path !== null)
      control = await listenForCommands({ path, run: (argv, write) => runCommand(argv, hallpass, write) })
    listening = await listen(hallpass, config.host, config.port)
    hallpass.store.lock?.update({ pid: process.pid, address: `http://${config.host}:${listening.port}` })
  } catch (error) {
    await control?.close()
    await hallpass.close()
    throw error
  }

  closeWithGrace({ delay: STOP_WITHIN, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal(describeFailure(err), 'stopping after an error')
    else log.info({ signal }, 'stopping')
    await listening.close(signal === 'SIGTERM' ? LINGER : 0)
    await control?.close()
    await hallpass.close()
    log.info('stopped')
  })
  log.info(
    { issuer: config.issuer, host: config.host, port: listening.port, store: hallpass.store.database.kind },
    'listening',
  )
  if (process.stdout.isTTY || config.databaseUrl === null) process.stdout.write(welcome(config, listening.port))
}

/** Where it is, where data goes, and what to try. */
function welcome(config: Config, port: number): string {
  const url = `http://${config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host}:${port}`
  const data = config.databaseUrl === null ? config.dataDir : 'the PostgreSQL database in DATABASE_URL'
  const mail =
    config.smtpUrl === null ? `  Mail is kept too: ${url.replace('127.0.0.1', 'localhost')}/dev/mailbox\n` : ''
  const json = "-H 'Content-Type: application/json'"
  const account = `'{"email":"ada@example.com","password":"correct horse battery"}'`
  return `
  Hallpass is listening on ${url}
  Data is kept in ${data}
${mail}
  Try it:
    curl ${url}/v1/users ${json} -d ${account}
    curl ${url}/v1/sessions ${json} -d ${account}
    curl ${url}/oauth/token -d grant_type=refresh_token -d refresh_token=<the refresh_token of that answer>

`
}
