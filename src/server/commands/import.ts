import { Command, InvalidArgumentError, Option } from 'commander'
import type { Write } from '../commands.ts'
import { linesOf } from '../imports/file.ts'
import { csvSource } from '../imports/csv.ts'
import { ectoSessionsSource, type EctoSessionsOptions } from '../imports/ecto-sessions.ts'
import type { ImportReport } from '../imports/importing.ts'
import { ndjsonSource } from '../imports/ndjson.ts'
import { phxSource, type PhxOptions } from '../imports/phx.ts'
import type { Source } from '../imports/source.ts'
import type { Hallpass } from '../server.ts'
import type { Transport } from '../sessions/session.ts'
import { callerPath } from './caller-path.ts'
import { required } from './required.ts'

const FROM = 'postgres://... of the system before; keep the password out of it, in PGPASSWORD or ~/.pgpass'

export function importCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('import').description('accounts and devices of another system, or a backup')

  async function bring(source: Source, options: SharedOptions): Promise<void> {
    const { dryRun = false, strict = false, clientId = null, transport } = options
    const say = (where: string, why: string): void => write(`${where}: ${why}\n`)
    const report = await required(hallpass).runImport(source, {
      isDry: dryRun,
      isStrict: strict,
      clientId,
      transport,
      say,
    })
    write(inWords(report))
    if (!report.isWritten && !dryRun)
      throw new Error('nothing was written, since --strict was given and not all is right')
  }

  shared('phx', 'users and sessions of phx.gen.auth, Phoenix 1.7 and 1.8')
    .requiredOption('--from <url>', FROM)
    .option('--users-table <name>', '', 'users')
    .option('--tokens-table <name>', '', 'users_tokens')
    .option('--user-column <name>', "of the tokens' table", 'user_id')
    .option('--context <name>', 'which tokens are sessions', 'session')
    .option('--valid-days <days>', 'how long a session is good for there', days, 14)
    .option('--id-claim <name>', 'tell APIs the id that somebody had there, under this name', (text) => text, null)
    .action((options: SharedOptions & PhxOptions) => bring(phxSource(options), options))

  shared('ecto-sessions', 'sessions of ecto_sessions, and an account for each user id in them')
    .requiredOption('--from <url>', FROM)
    .option('--table <name>', '', 'sessions')
    .option('--user-column <name>', '', 'user_id')
    .action((options: SharedOptions & EctoSessionsOptions) => bring(ectoSessionsSource(options), options))

  for (const [name, sourceOf] of Object.entries({ csv: csvSource, ndjson: ndjsonSource })) {
    shared(name, 'users or sessions in a file: docs/moving-in.md says in which words')
      .argument('<file>')
      .action((file: string, options: SharedOptions, own: Command) => bring(sourceOf(callerPath(own, file)), options))
  }

  command
    .command('backup')
    .description('what hallpass export wrote, into a fresh store with the same HALLPASS_SECRET')
    .argument('<file>')
    .option('--dry-run', 'say what would happen')
    .action(async (file: string, { dryRun = false }: { dryRun?: boolean }, own: Command) => {
      const { importBackup } = required(hallpass)
      if (importBackup === null) throw new Error('a server runs on this store: stop it, import, and start it again')
      const report = await importBackup(linesOf(callerPath(own, file)), { isDry: dryRun })
      if (report.kind === 'present') {
        write(`this backup was imported at ${report.importedAt.toISOString()}; nothing was changed\n`)
        return
      }
      for (const [table, count] of report.tables) write(`${table.padEnd(16)}  ${count}\n`)
      write(report.kind === 'imported' ? 'imported\n' : 'a dry run: nothing was written\n')
    })

  return command

  function shared(name: string, description: string): Command {
    return command
      .command(name)
      .description(description)
      .option('--dry-run', 'say what would happen')
      .option('--strict', 'write nothing at all if anything is faulty')
      .option('--client-id <id>', 'the application that the sessions are of')
      .addOption(
        new Option('--transport <transport>', 'how it keeps its refresh token: apps in body, browsers in cookie')
          .choices(['body', 'cookie'])
          .default('body'),
      )
  }
}

interface SharedOptions {
  readonly dryRun?: boolean
  readonly strict?: boolean
  readonly clientId?: string
  readonly transport: Transport
}

function inWords({ users, sessions, faulty, isWritten }: ImportReport): string {
  return [
    `users     ${users.new} new, ${users.present} already here, ${users.conflicting} in conflict\n`,
    `sessions  ${sessions.new} new, ${sessions.present} already here, ${sessions.expired} expired, `,
    `${sessions.ownerless} without an account\n`,
    `faulty    ${faulty}\n`,
    isWritten ? '' : 'nothing was written\n',
  ].join('')
}

function days(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It is not a number of days.')
  return Number(text)
}
