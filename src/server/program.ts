/**
 * The commands. `serve`, `migrate` and `config` are the process's own; the rest speak to the service, which is loaded
 * by whoever needs it: the process that keeps several workers does not.
 */
import { existsSync, readFileSync } from 'node:fs'
import { Command } from 'commander'
import { runCommand, serviceCommands, type Write } from './commands.ts'
import { ConfigError, describeConfig, loadEnvironment, readConfig, type Config } from './config.ts'
import { controlSocketPath, NobodyListening, sendCommand, SocketUnusable } from './control-socket.ts'
import { DatabaseNotOpened } from './database/database-not-opened.ts'
import { DirectoryInUse, DirectoryUnusable } from './database/directory-lock.ts'
import { RoleSettingsMissing } from './database/session-settings.ts'
import { Unavailable } from './errors.ts'
import { createLog } from './log.ts'
import { serve } from './main.ts'
import { RingMismatch } from './tokens/ring-check.ts'

/** Each says in its message what to do. */
const EXPECTED = [
  DatabaseNotOpened,
  DirectoryInUse,
  DirectoryUnusable,
  NobodyListening,
  RingMismatch,
  RoleSettingsMissing,
  SocketUnusable,
  Unavailable,
]

const write: Write = (text) => void process.stdout.write(text)
const program = new Command('hallpass').description('sessions for apps and APIs').version(readVersion())

program
  .command('serve')
  .description('migrate, then serve until told to stop')
  .option('--no-migrate', 'leave the schema as it is')
  .option('--accept-new-secret', 'start although this database never saw HALLPASS_SECRET')
  .action((options: { migrate: boolean; acceptNewSecret?: boolean }) => serve(readSettings(), options))

/** How `serve` starts the processes that HALLPASS_WORKERS asks for. */
program.command('worker', { hidden: true }).action(async () => (await import('./workers/worker.ts')).work())

program
  .command('migrate')
  .description('bring the schema up to date and stop')
  .action(async () => {
    const config = readSettingsOfCommand()
    const { openStore } = await import('./store.ts')
    const store = await openStore(config, createLog(config.logLevel), { migrate: true })
    await store.close()
    write('the schema is up to date\n')
  })

program
  .command('config')
  .description('print every setting with its effective value; secrets stay hidden')
  .action(() => {
    const config = readSettings()
    for (const line of describeConfig(config)) write(`${line}\n`)
    for (const warning of config.warnings) write(`warning: ${warning}\n`)
  })

for (const command of serviceCommands(null, write)) program.addCommand(forwarding(command))

await program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
})

/** Its words are known here, for --help; what they do happens where the store is. */
function forwarding(command: Command): Command {
  for (const each of command.commands.length > 0 ? command.commands : [command]) {
    each.action(async () => {
      process.exitCode = await speakToService(process.argv.slice(2), readSettingsOfCommand())
    })
  }
  return command
}

/** An embedded store that a server holds is reached through that server, which is soon done; any other is opened here. */
async function speakToService(argv: string[], config: Config): Promise<number> {
  const path = controlSocketPath(config)
  const send = (to: string) => sendCommand({ path: to, argv: ['--in-directory', process.cwd(), ...argv], write })
  if (path !== null && existsSync(path)) {
    try {
      return await send(path)
    } catch (error) {
      if (!(error instanceof NobodyListening)) throw error // left by a server that was killed
    }
  }
  try {
    return await runHere(argv, config)
  } catch (error) {
    if (!(error instanceof DirectoryInUse) || path === null) throw error
    return send(path) // a server came in between
  }
}

async function runHere(argv: string[], config: Config): Promise<number> {
  const { createServer } = await import('./server.ts')
  const hallpass = await createServer(config, { log: createLog('silent'), migrate: false, serves: false })
  try {
    return await runCommand(argv, hallpass, write)
  } finally {
    await hallpass.close()
  }
}

/** In the repository and in what is published alike, it is the package two folders up. */
function readVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** A command sends no mail: where one is run, a mail server need not be known. */
function readSettingsOfCommand(): Config {
  return readConfig(loadEnvironment(process.cwd()), { bringsDelivery: true })
}

function readSettings(): Config {
  return readConfig(loadEnvironment(process.cwd()))
}

/** What the operator can act on is said in words; anything else is a bug and shows where it happened. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) {
    return `Hallpass cannot start:\n${error.faults.map((fault) => `  - ${fault}`).join('\n')}`
  }
  const isExpected = EXPECTED.some((kind) => error instanceof kind)
  if (error instanceof Error && (isExpected || 'code' in error)) {
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
    return `Hallpass cannot start: ${error.message}${cause}`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
