import { Command } from 'commander'
import { validate as isUuid } from 'uuid'
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

  /** Of an account that was deleted nobody knows but by its id. */
  const identifyOrTrust = async (who: string): Promise<string> => (isUuid(who) ? who.toLowerCase() : identify(who))

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

  command
    .command('export')
    .description('everything that is known of a user, as JSON; also of one who was deleted, by id')
    .argument('<email-or-id>')
    .action(async (who: string) => {
      const data = await required(hallpass).privacy.export(await identifyOrTrust(who))
      if (data === null) throw new Error('nothing is known of this address or id')
      write(`${JSON.stringify(data, null, 2)}\n`)
    })

  command
    .command('erase')
    .description('remove everything about a user, for good; also of one who was deleted, by id')
    .argument('<email-or-id>')
    .option('--yes', 'really')
    .action(async (who: string, { yes = false }: { yes?: boolean }) => {
      const userId = await identifyOrTrust(who)
      if (!yes) throw new Error(`nothing was removed: say --yes to remove everything about ${userId} for good`)
      const erased = await required(hallpass).privacy.erase(userId, OPERATOR)
      write(`erased ${userId}\n`)
      for (const [what, count] of Object.entries(erased)) write(`  ${what.padEnd(12)} ${count}\n`)
      write(WHAT_STAYS)
    })

  return command
}

const WHAT_STAYS = `What stays: entries of the feed until the last access token has expired, so that APIs refuse it; they
hold ids only. In the history of others, that this user did something to them, by id. Logs and backups.
`
