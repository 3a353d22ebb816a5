import { Command, InvalidArgumentError } from 'commander'
import { normalizeScope, SERVICE_SCOPES } from '../api-keys/scopes.ts'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { OPERATOR } from '../sessions/actor.ts'
import { required } from './required.ts'

export function apiKeysCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('api-keys').description('keys of the service itself, for programs')
  const apiKeys = () => required(hallpass).apiKeys

  command
    .command('create')
    .description('make a key; it is shown once')
    .requiredOption('--scope <scope>', `what it opens: ${SERVICE_SCOPES.join(', ')}; several in quotes`, scope)
    .option('--name <name>', 'what you call it', 'Service')
    .option('--expires <days>', 'how many days it is good for; for good where this is left out', days)
    .action(async (options: { scope: string; name: string; expires?: number }) => {
      const expiresAt = options.expires === undefined ? null : new Date(Date.now() + options.expires * 86_400_000)
      const wanted = { userId: null, name: options.name, scope: options.scope, expiresAt }
      const created = await apiKeys().create(wanted, OPERATOR)
      if (created === null) throw new Error('there are as many keys as there may be; see: hallpass api-keys list')
      write(`id   ${created.apiKey.id}\nkey  ${created.key}\n`)
    })

  command
    .command('list')
    .description('every key of the service')
    .action(async () => {
      for (const { id, name, scope, hint, expiresAt, lastUsedAt } of await apiKeys().list(null)) {
        const used = lastUsedAt === null ? 'never used' : `used ${lastUsedAt.toISOString()}`
        const expires = expiresAt === null ? '' : `  until ${expiresAt.toISOString()}`
        write(`${id}  …${hint}  ${scope}  ${used}${expires}  ${name}\n`)
      }
    })

  command
    .command('revoke')
    .description('end a key, and every access token that was made with it')
    .argument('<id>')
    .action(async (id: string) => {
      if (!(await apiKeys().revoke(null, id, OPERATOR))) {
        throw new Error(`there is no key ${id}; see: hallpass api-keys list`)
      }
      write(`revoked ${id}\n`)
    })

  return command
}

function scope(text: string): string {
  const normal = normalizeScope(text)
  if (normal === null || normal === '') throw new InvalidArgumentError('It is not a scope (RFC 6749 section 3.3).')
  return normal
}

function days(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It is not a number of days.')
  return Number(text)
}
