import { Command } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { OPERATOR } from '../sessions/actor.ts'
import { required } from './required.ts'

export function usersCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('users').description('accounts, by address or id')
  const users = () => required(hallpass).users
  const accounts = () => required(hallpass).accounts

  async function identify(who: string): Promise<string> {
    const userId = await users().identify(who)
    if (userId === null) throw new Error('there is no account with this address or id')
    return userId
  }

  command
    .command('confirm')
    .description('mark an address as confirmed, as its owner would by the link in the mail')
    .argument('<email>')
    .action(async (email: string) => {
      const userId = await users().confirm(email, OPERATOR)
      if (userId === null) throw new Error('there is no account with this address')
      write(`confirmed ${userId}\n`)
    })

  command
    .command('disable')
    .description('end every session and let nobody in, until it is enabled again')
    .argument('<email-or-id>')
    .action(async (who: string) => {
      const userId = await identify(who)
      await accounts().disable(userId, OPERATOR)
      write(`disabled ${userId}\n`)
    })

  command
    .command('enable')
    .description('let its owner sign in again')
    .argument('<email-or-id>')
    .action(async (who: string) => {
      const userId = await identify(who)
      await accounts().enable(userId, OPERATOR)
      write(`enabled ${userId}\n`)
    })

  command
    .command('delete')
    .description('end every session and remove the account; its address is free again')
    .argument('<email-or-id>')
    .action(async (who: string) => {
      const userId = await identify(who)
      await accounts().delete(userId, OPERATOR)
      write(`deleted ${userId}\n`)
    })

  return command
}
