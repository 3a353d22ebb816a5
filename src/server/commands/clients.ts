import { Command, InvalidArgumentError } from 'commander'
import { nameOf } from '../clients/checking.ts'
import {
  clientFieldNames,
  clientFields,
  strictLifetimes,
  type ClientField,
  type FieldRules,
} from '../clients/client-fields.ts'
import type { Client } from '../clients/client.entity.ts'
import { DEFAULT_CLIENT_ID, type ClientChanges } from '../clients/clients.ts'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { OPERATOR } from '../sessions/actor.ts'
import { InvalidValue } from '../settings/values.ts'
import { required } from './required.ts'

export function clientsCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('clients').description('applications')
  const clients = () => required(hallpass).clients
  const sessions = () => required(hallpass).sessions

  async function find(id: string): Promise<Client> {
    const client = (await clients().list()).find((each) => each.id === id)
    if (client === undefined) throw unknown(id)
    return client
  }

  command
    .command('list')
    .description('every registered client, with what was set for it')
    .action(async () => {
      for (const client of await clients().list()) {
        const set = settingsOf(client).filter(({ option, text }) => option !== 'name' && text !== null)
        write([client.id, client.name, ...set.map(({ option, text }) => `${option}: ${text}`)].join('  ') + '\n')
      }
    })

  command
    .command('show')
    .description('one client, with what holds where nothing was set for it')
    .argument('<client-id>')
    .action(async (id: string) => {
      for (const { option, text, otherwise } of settingsOf(await find(id))) {
        write(`${option.padEnd(16)}  ${text ?? `not set: ${otherwise}`}\n`)
      }
    })

  const set = command
    .command('set')
    .description('register a client, or change one; "" takes back what was set')
    .argument('<client-id>')
  for (const field of clientFieldNames) {
    const { option, meaning } = clientFields[field]
    set.option(`--${option}`, meaning, parserOf<unknown>(clientFields[field]))
  }
  set
    .option('--preset <preset>', 'strict: short lives and no grace, like HALLPASS_PRESET; single options win', preset)
    .action(async (id: string, options: { preset?: ClientChanges }) => {
      const { preset: lifetimes, ...others } = options
      await clients().save(id, { ...lifetimes, ...changesIn(others) })
      write(`saved ${id}\n`)
    })

  command
    .command('remove')
    .description('forget a client that nobody is signed in to')
    .argument('<client-id>')
    .option('--end-sessions', 'sign everybody out of it')
    .action(async (id: string, { endSessions = false }: { endSessions?: boolean }) => {
      if (id === DEFAULT_CLIENT_ID) throw new Error(`${id} stays: it is meant where no client is named`)
      if (!endSessions && (await sessions().count({ clientId: id }, 'active')) > 0) {
        throw new Error(`people are signed in to ${id}; to sign them out: hallpass clients remove ${id} --end-sessions`)
      }
      // First, so that nobody signs in any more; and it can be said again where it was cut short.
      const wasKnown = await clients().remove(id)
      const count = await sessions().revokeWhere({ clientId: id }, 'revoked_by_admin', OPERATOR)
      if (!wasKnown && count === 0) throw unknown(id)
      write(`removed ${id}${count > 0 ? `, and revoked ${count}` : ''}\n`)
    })

  return command
}

const unknown = (id: string): Error => new Error(`there is no client ${id}; see: hallpass clients list`)

/** What was set as an operator would write it, or null. */
function settingsOf(client: Client): { option: string; text: string | null; otherwise: string }[] {
  const textOf = <Value>({ kind, unset }: FieldRules<Value>, value: Value): string | null =>
    value == null || JSON.stringify(value) === JSON.stringify(unset) ? null : kind.show(value)
  return clientFieldNames.map((field) => {
    const rules: FieldRules<unknown> = clientFields[field]
    return { option: nameOf(rules.option), text: textOf(rules, client[field]), otherwise: rules.otherwise }
  })
}

const parserOf =
  <Value>({ kind, unset }: FieldRules<Value>) =>
  (text: string): NonNullable<Value> | '' => {
    if (text === '' && unset !== undefined) return ''
    try {
      if (text === '') throw new InvalidValue('must not be empty')
      return kind.parse(text)
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      throw new InvalidArgumentError(error.problems.map((problem) => `It ${problem}.`).join(' '))
    }
  }

/** An empty text takes back what was set. Here, since commander makes an empty text of null. */
const changesIn = (options: Readonly<Record<string, unknown>>): ClientChanges =>
  Object.fromEntries(
    Object.entries(options).map(([field, value]) => [
      field,
      value === '' ? clientFields[field as ClientField].unset : value,
    ]),
  )

function preset(text: string): ClientChanges {
  if (text !== 'strict') throw new InvalidArgumentError('It must be strict.')
  return strictLifetimes
}
