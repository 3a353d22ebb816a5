import { Command } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { OPERATOR } from '../sessions/actor.ts'
import { required } from './required.ts'
import { uuid } from './uuid.ts'

export function sessionsCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('sessions').description('signed-in devices')
  const sessions = () => required(hallpass).sessions

  command
    .command('list')
    .description("a user's sessions, newest use first")
    .argument('<user-id>', '', uuid)
    .action(async (userId: string) => {
      for (const { id, status, device, lastUsedAt } of await sessions().list(userId, 'all')) {
        write(`${id}  ${status.padEnd(7)}  ${lastUsedAt.toISOString()}  ${device.name ?? device.label}\n`)
      }
    })

  command
    .command('revoke')
    .description('end one session of a user, or all of them; with --all those of everybody')
    .argument('[user-id]', '', uuid)
    .argument('[session-id]', '', uuid)
    .option('--all', 'every session of everybody: after a restore, or when a secret leaked')
    .action(async (userId: string | undefined, sessionId: string | undefined, { all = false }: { all?: boolean }) => {
      if (all === (userId !== undefined)) throw new Error('name a user, or say --all')
      if (userId === undefined) {
        write(`revoked ${await sessions().revokeEverybody('revoked_by_admin', OPERATOR)}\n`)
      } else if (sessionId === undefined) {
        const count = await sessions().revokeAll(userId, null, 'revoked_by_admin', OPERATOR)
        write(`revoked ${count}\n`)
      } else {
        const isKnown = await sessions().revoke(userId, sessionId, 'revoked_by_admin', OPERATOR)
        if (!isKnown) throw new Error('there is no such session; see: hallpass sessions list <user-id>')
        write(`revoked ${sessionId}\n`)
      }
    })

  command
    .command('prune')
    .description('remove sessions now that are over for longer than HALLPASS_RETENTION; servers do it every hour')
    .action(async () => {
      write(`pruned ${await required(hallpass).pruning.pruneAll()}\n`)
    })

  return command
}
