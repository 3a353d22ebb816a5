import { Command, InvalidArgumentError, Option } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { OPERATOR } from '../sessions/actor.ts'
import type { UserDetails, UserSearch } from '../users/directory.ts'
import type { Made } from '../users/making.ts'
import type { UserClaims } from '../users/user-claims.ts'
import type { UserRole } from '../users/user.entity.ts'
import { identify as identifyAnybody, identifyAccount } from './identify.ts'
import { jsonObject } from './json-object.ts'
import { required } from './required.ts'

interface ListOptions {
  readonly email?: string
  readonly subject?: string
  readonly role?: UserRole
  readonly disabled?: boolean
  readonly limit: number
}

interface CreateOptions {
  readonly subject?: string
  readonly role: UserRole
  readonly claims?: UserClaims
  readonly confirmed?: boolean
  readonly mail: boolean
}

export function usersCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('users').description('accounts, by address or id')
  const users = () => required(hallpass).users
  const accounts = () => required(hallpass).accounts
  const directory = () => required(hallpass).directory

  const identify = (who: string): Promise<string> => identifyAccount(required(hallpass), who)

  command
    .command('list')
    .description('accounts, the newest first')
    .option('--email <address>', 'the one of this address, in any spelling')
    .option('--subject <subject>', 'the one whom your application calls so')
    .addOption(role('--role <role>', 'those of this role'))
    .option('--disabled', 'those whom nobody lets in')
    .option('--limit <number>', 'how many at most', wholeNumber, 50)
    .action(async (options: ListOptions) => {
      const { disabled, limit, ...search } = options
      await listUsers({ ...search, ...(disabled === true && { isDisabled: true }) }, limit)
    })

  /** A page at a time: nobody has all of them in memory. */
  async function listUsers(search: UserSearch, wanted: number): Promise<void> {
    let left = wanted
    let cursor: string | null | undefined
    while (left > 0 && cursor !== null) {
      const page = await directory().search({ ...search, limit: Math.min(left, 100), ...(cursor && { cursor }) })
      for (const user of page?.users ?? []) write(inOneLine(user))
      left -= page?.users.length ?? left
      cursor = page?.cursor ?? null
    }
    if (cursor) write(`there are more; see: hallpass users list --limit ${wanted * 2}\n`)
  }

  command
    .command('show')
    .description('all that is known of an account')
    .argument('<email-or-id>')
    .action(async (who: string) => {
      const user = await directory().show(await identify(who))
      if (user !== null) write(inFull(user))
    })

  command
    .command('create')
    .description('make an account without a password, and mail its owner the link that sets one')
    .argument('<email>')
    .option('--subject <subject>', 'what your application calls this person')
    .addOption(role('--role <role>', 'what they may do here').default('user'))
    .option('--claims <json>', 'into their access tokens: an object of at most 1 kB', jsonObject)
    .option('--confirmed', 'you answer for it that the address is theirs')
    .option('--no-mail', 'they sign in by a magic link, or ask for a new password')
    .action(async (email: string, options: CreateOptions) => {
      const { confirmed, mail, ...others } = options
      const made = await required(hallpass).makeUser(
        { email, ...others, isVerified: confirmed === true, sendsLink: mail },
        OPERATOR,
      )
      if (made.kind !== 'made') throw new Error(inWords(made))
      write(`created ${made.userId}\n`)
    })

  command
    .command('claims')
    .description('what their access tokens say beside the protocol’s own claims, in place of what they said before')
    .argument('<email-or-id>')
    .argument('<json>', 'an object of at most 1 kB, such as \'{"plan":"team"}\'', jsonObject)
    .action(async (who: string, wanted: UserClaims) => {
      const userId = await identify(who)
      await accounts().amend(userId, { claims: wanted }, OPERATOR)
      write(`changed ${userId}\n`)
    })

  for (const [name, given, done, description] of [
    ['promote', 'admin', 'promoted', 'let somebody in to the pages for operators'],
    ['demote', 'user', 'demoted', 'let them in there no more, from now on'],
  ] as const) {
    command
      .command(name)
      .description(description)
      .argument('<email-or-id>')
      .action(async (who: string) => {
        const userId = await identify(who)
        await accounts().amend(userId, { role: given }, OPERATOR)
        write(`${done} ${userId}\n`)
      })
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

  command
    .command('export')
    .description('everything that is known of a user, as JSON; also of one who was deleted, by id')
    .argument('<email-or-id>')
    .action(async (who: string) => {
      const data = await required(hallpass).privacy.export(await identifyAnybody(required(hallpass), who))
      if (data === null) throw new Error('nothing is known of this address or id')
      write(`${JSON.stringify(data, null, 2)}\n`)
    })

  command
    .command('erase')
    .description('remove everything about a user, for good; also of one who was deleted, by id')
    .argument('<email-or-id>')
    .option('--yes', 'really')
    .action(async (who: string, { yes = false }: { yes?: boolean }) => {
      const userId = await identifyAnybody(required(hallpass), who)
      if (!yes) throw new Error(`nothing was removed: say --yes to remove everything about ${userId} for good`)
      const erased = await required(hallpass).privacy.erase(userId, OPERATOR)
      write(`erased ${userId}\n`)
      for (const [what, count] of Object.entries(erased)) write(`  ${what.padEnd(12)} ${count}\n`)
      write(WHAT_STAYS)
    })

  return command
}

const role = (flags: string, description: string): Option =>
  new Option(flags, description).choices(['user', 'admin'] satisfies UserRole[])

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It is not a number.')
  return Number(text)
}

const inOneLine = ({ id, role: held, email, subject, disabledAt }: UserDetails): string =>
  `${id}  ${held.padEnd(5)}  ${[email, subject].filter(Boolean).join('  ')}${disabledAt ? '  disabled' : ''}\n`

function inFull(user: UserDetails): string {
  const rows = {
    id: user.id,
    email: user.email === null ? 'none' : `${user.email} (${user.isVerified ? 'confirmed' : 'not confirmed'})`,
    subject: user.subject ?? 'none',
    role: user.role,
    claims: JSON.stringify(user.claims),
    created: user.createdAt.toISOString(),
    disabled: user.disabledAt?.toISOString() ?? 'no',
    password: user.hasPassword ? 'yes' : 'none',
    sessions: `${user.sessions} live`,
  }
  return Object.entries(rows)
    .map(([name, value]) => `${name.padEnd(8)}  ${value}\n`)
    .join('')
}

function inWords(made: Exclude<Made, { kind: 'made' }>): string {
  if (made.kind === 'taken')
    return `somebody has this ${made.member} already; see: hallpass users list --${made.member}`
  if (made.kind === 'weak_password') return made.faults.map(({ message }) => message).join(' ')
  if (made.code === 'invalid_address') return 'this is not an e-mail address that can receive mail'
  return `${made.pointer.slice(1)}: ${made.code}`
}
const WHAT_STAYS = `What stays: entries of the feed until the last access token has expired, so that APIs refuse it; they
hold ids only. In the history of others, that this user did something to them, by id. Logs and backups.
`
