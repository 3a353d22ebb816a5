/** What an operator can tell a running service: the same words on PostgreSQL and through the control socket. */
import { Command, CommanderError, Option } from 'commander'
import { apiKeysCommand } from './commands/api-keys.ts'
import { clientsCommand } from './commands/clients.ts'
import { eventsCommand } from './commands/events.ts'
import { exportCommand } from './commands/export.ts'
import { importCommand } from './commands/import.ts'
import { keysCommand } from './commands/keys.ts'
import { policiesCommand } from './commands/policies.ts'
import { sessionsCommand } from './commands/sessions.ts'
import { usersCommand } from './commands/users.ts'
import { webhooksCommand } from './commands/webhooks.ts'
import type { Hallpass } from './server.ts'

export type Write = (text: string) => void

/** The commands, each a file in commands/. Without a service they only describe themselves. */
export const serviceCommands = (hallpass: Hallpass | null, write: Write): Command[] => [
  apiKeysCommand(hallpass, write),
  clientsCommand(hallpass, write),
  eventsCommand(hallpass, write),
  exportCommand(hallpass, write),
  importCommand(hallpass, write),
  keysCommand(hallpass, write),
  policiesCommand(hallpass, write),
  sessionsCommand(hallpass, write),
  usersCommand(hallpass, write),
  webhooksCommand(hallpass, write),
]

/** @returns the exit code */
export async function runCommand(argv: readonly string[], hallpass: Hallpass, write: Write): Promise<number> {
  const program = new Command('hallpass').exitOverride().configureOutput({ writeOut: write, writeErr: write })
  // Where the caller is, whose files a command names: a server that runs it may be elsewhere.
  program.addOption(new Option('--in-directory <path>').hideHelp())
  for (const command of serviceCommands(hallpass, write)) program.addCommand(inheritSettings(command, program))
  try {
    await program.parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    write(`${error instanceof Error ? error.message : 'the command failed'}\n`)
    return 1
  }
}

/** Commander hands exit and output settings down only to commands that it makes itself. */
function inheritSettings(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const child of command.commands) inheritSettings(child, command)
  return command
}
