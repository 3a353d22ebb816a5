import { Command, Option } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { OPERATOR } from '../sessions/actor.ts'
import { hasNone } from '../sessions/predicate.ts'
import type { StatusFilter } from '../sessions/reading.ts'
import type { Session } from '../sessions/session.ts'
import { identify } from './identify.ts'
import { required } from './required.ts'
import { predicateOf, withPredicate, type PredicateOptions } from './session-arguments.ts'
import { addSessionChanges, noSession } from './session-changes.ts'
import { uuid } from './uuid.ts'

const STATUSES: StatusFilter[] = ['active', 'expired', 'revoked', 'all']
const statusOption = (usual: StatusFilter) => new Option('--status <status>').choices(STATUSES).default(usual)

export function sessionsCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('sessions').description('signed-in devices; a user is an address or an id')
  const sessions = () => required(hallpass).sessions
  const userOf = (who: string): Promise<string> => identify(required(hallpass), who)

  command
    .command('list')
    .description("a user's sessions, newest use first")
    .argument('<user>')
    .addOption(statusOption('all'))
    .option('--json', 'one object a line')
    .action(async (who: string, { status, json = false }: { status: StatusFilter; json?: boolean }) => {
      for (const session of await sessions().list(await userOf(who), status)) {
        write(json ? `${JSON.stringify(session)}\n` : lineOf(session))
      }
    })

  withPredicate(command.command('count').description('how many there are, of a user or of everybody'))
    .argument('[user]')
    .addOption(statusOption('active'))
    .action(async (who: string | undefined, options: PredicateOptions & { status: StatusFilter }) => {
      const predicate = { ...predicateOf(options), userId: who === undefined ? undefined : await userOf(who) }
      write(`${await sessions().count(predicate, options.status)}\n`)
    })

  command
    .command('show')
    .description('all that is known of a session')
    .argument('<user>')
    .argument('<session-id>', '', uuid)
    .action(async (who: string, id: string) => {
      const session = (await sessions().findInFull(await userOf(who), id)) ?? noSession()
      write(`${JSON.stringify(session, null, 2)}\n`)
    })

  addSessionChanges(command, hallpass, write)

  withPredicate(
    command
      .command('revoke')
      .description('end one session of a user, all of them, or all that have something in common')
      .argument('[user]')
      .argument('[session-id]', '', uuid),
  )
    .option('--dry-run', 'count them, and end none')
    .option('--all', 'every session of everybody: after a restore, or when a secret leaked')
    .action(async (who: string | undefined, sessionId: string | undefined, options: RevokeOptions) => {
      const { all = false, dryRun = false } = options
      const predicate = { ...predicateOf(options), userId: who === undefined ? undefined : await userOf(who) }
      if (all !== hasNone(predicate)) throw new Error('say whose, or which, or --all')
      const isOne = sessionId !== undefined
      if (isOne && (dryRun || !hasNone(predicateOf(options)))) throw new Error('one session is named: say nothing else')
      if (dryRun) {
        write(`would revoke ${await sessions().count(predicate, 'active')}\n`)
      } else if (isOne && predicate.userId !== undefined) {
        const isKnown = await sessions().revoke(predicate.userId, sessionId, 'revoked_by_admin', OPERATOR)
        write(isKnown ? `revoked ${sessionId}\n` : noSession())
      } else {
        write(`revoked ${await revoke(predicate)}\n`)
      }
    })

  command
    .command('prune')
    .description('remove sessions now that are over for longer than HALLPASS_RETENTION; servers do it every hour')
    .action(async () => {
      write(`pruned ${await required(hallpass).pruning.pruneAll()}\n`)
    })

  /** Of one user under the lock of the account, so that no sign-in in flight is left; of many as they are found. */
  function revoke(predicate: Parameters<ReturnType<typeof sessions>['count']>[0]): Promise<number> {
    const { userId, ...others } = predicate
    if (!hasNone(others)) return sessions().revokeWhere(predicate, 'revoked_by_admin', OPERATOR)
    return userId === undefined
      ? sessions().revokeEverybody('revoked_by_admin', OPERATOR)
      : sessions().revokeAll(userId, null, 'revoked_by_admin', OPERATOR)
  }

  return command
}

interface RevokeOptions extends PredicateOptions {
  readonly all?: boolean
  readonly dryRun?: boolean
}

const lineOf = ({ id, status, device, lastUsedAt }: Session): string =>
  `${id}  ${status.padEnd(7)}  ${lastUsedAt.toISOString()}  ${device.name ?? device.label}\n`
