import { Command } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { required } from './required.ts'

export function usersCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('users').description('accounts')

  command
    .command('confirm')
    .description('mark an address as confirmed, as its owner would by the link in the mail')
    .argument('<email>')
    .action(async (email: string) => {
      const userId = await required(hallpass).users.confirm(email)
      if (userId === null) throw new Error('there is no account with this address')
      write(`confirmed ${userId}\n`)
    })

  return command
}
