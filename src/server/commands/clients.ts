import { Command, InvalidArgumentError } from 'commander'
import { hasServiceScope, normalizeScope } from '../api-keys/scopes.ts'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { required } from './required.ts'

export function clientsCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('clients').description('applications')
  const clients = () => required(hallpass).clients

  command
    .command('list')
    .description('every registered client')
    .action(async () => {
      for (const { id, name, scope, linkUri } of await clients().list()) {
        write(
          [id, name, ...(scope ? [`scope: ${scope}`] : []), ...(linkUri ? [`links: ${linkUri}`] : [])].join('  ') +
            '\n',
        )
      }
    })

  command
    .command('set')
    .description('register a client, or change one')
    .argument('<client-id>', '', clientId)
    .option('--name <name>', 'what people know it by')
    .option('--scope <scope>', 'what its access tokens carry as scope', scope)
    .option(
      '--link-uri <uri>',
      'where its magic links lead: https://app.example.com/magic, com.example.app:/magic; "" for our page',
      linkUri,
    )
    .action(async (id: string, options: { name?: string; scope?: string; linkUri?: string }) => {
      const { linkUri: uri, ...others } = options
      await clients().save(id, { ...others, ...(uri === undefined ? {} : { linkUri: uri === '' ? null : uri }) })
      write(`saved ${id}\n`)
    })

  return command
}

function clientId(text: string): string {
  if (!/^[\w.:-]{1,100}$/.test(text)) throw new InvalidArgumentError('Letters, digits and . _ : - only, at most 100.')
  return text
}

function scope(text: string): string {
  const normal = normalizeScope(text)
  if (normal === null) throw new InvalidArgumentError('It is not a scope (RFC 6749 section 3.3).')
  if (hasServiceScope(normal))
    throw new InvalidArgumentError('Scopes of this service are for API keys, not for people.')
  return normal
}

/** RFC 8252 section 7: a claimed https URL, a private scheme with a dot in it, or localhost while developing. */
function linkUri(text: string): string {
  if (text === '') return text
  const { protocol, hostname } = URL.canParse(text) ? new URL(text) : { protocol: '', hostname: '' }
  const isLocal = protocol === 'http:' && (hostname === 'localhost' || hostname === '127.0.0.1')
  if (protocol === 'https:' || isLocal || /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(protocol)) return text
  throw new InvalidArgumentError('It must be https, or a private scheme such as com.example.app:/magic.')
}
