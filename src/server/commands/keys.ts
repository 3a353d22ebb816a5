import { Command } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { required } from './required.ts'

export function keysCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('keys').description('the keys that sign access tokens')
  const keys = () => required(hallpass).keys

  command
    .command('list')
    .description('every key with its state: next, active, retired or withdrawn')
    .action(() => {
      for (const { kid, alg, state, activatesAt } of keys().list()) {
        write(`${kid}  ${alg}  ${state.padEnd(9)}  active from ${activatesAt.toISOString()}\n`)
      }
    })

  command
    .command('rotate')
    .description('make a new key; it signs in ten minutes, when every API has had time to fetch it')
    .option('--now', 'sign with it at once: APIs fetch the JWKS when they meet its unknown kid')
    .action(async ({ now = false }: { now?: boolean }) => {
      const key = await keys().rotate({ immediately: now })
      write(`${key.kid}  ${key.alg}  signs from ${key.activatesAt.toISOString()}\n`)
    })

  command
    .command('revoke')
    .description('take a key out of the JWKS at once; devices get new tokens at their next refresh')
    .argument('<kid>')
    .action(async (kid: string) => {
      if (!(await keys().revoke(kid))) throw new Error(`there is no key ${kid} to revoke; see: hallpass keys list`)
      write(`revoked ${kid}\n`)
    })

  return command
}
