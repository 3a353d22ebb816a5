/** API keys as programs use them: made, sent by HTTP Basic, and exchanged. */
import { randomUUID } from 'node:crypto'
import { statement } from '../../src/server/database/database.ts'
import { send, sendForm, type Answer } from './people.ts'
import type { TestServer } from './server.ts'

export interface Key {
  readonly id: string
  readonly key: string
}

/** What a challenge to an API key says. */
export const BASIC_CHALLENGE = 'Basic realm="hallpass", charset="UTF-8"'

/** Made by its owner, over HTTP, with an access token that is young enough. */
export async function makeKey(url: string, token: string, body: Record<string, unknown> = {}): Promise<Key> {
  const answer = await send<{ id: string; key: string }>(`${url}/v1/api-keys`, {
    token,
    body: { name: 'Build', ...body },
  })
  if (answer.status !== 201)
    throw new Error(`making a key was answered ${answer.status} ${JSON.stringify(answer.body)}`)
  return { id: answer.body.id, key: answer.body.key }
}

/** A key of the service itself, as `hallpass api-keys create` makes it. */
export async function makeServiceKey({ hallpass }: TestServer, scope: string): Promise<Key> {
  const wanted = { userId: null, name: `Service ${randomUUID()}`, scope, expiresAt: null }
  const created = await hallpass.apiKeys.create(wanted, { kind: 'admin', sessionId: null, ip: null })
  if (created === null) throw new Error('there are too many keys')
  return { id: created.apiKey.id, key: created.key }
}

/** The header of HTTP Basic. */
export const basic = ({ id, key }: Key): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${id}:${key}`).toString('base64')}`,
})

export interface ExchangeBody {
  access_token: string
  token_type: string
  expires_in: number
  scope: string
}

/** `grant_type=client_credentials`. */
export const exchange = (
  url: string,
  key: Key,
  parameters: Record<string, string> = {},
): Promise<Answer<ExchangeBody>> =>
  sendForm(`${url}/oauth/token`, { grant_type: 'client_credentials', ...parameters }, basic(key))

export async function tokenOf(url: string, key: Key): Promise<string> {
  const { status, body } = await exchange(url, key)
  if (status !== 200) throw new Error(`exchanging a key was answered ${status} ${JSON.stringify(body)}`)
  return body.access_token
}

/** Moves times of a key's row: seconds from the database's now, negative in the past. */
export async function moveKeyTimes(
  { hallpass }: TestServer,
  { id }: Key,
  times: Partial<Record<'expires_at' | 'last_used_at', number>>,
): Promise<void> {
  for (const [column, seconds] of Object.entries(times)) {
    const move = statement(
      `test.move_key_${column}`,
      `update api_keys set ${column} = clock_timestamp() + make_interval(secs => $2::float8) where id = $1::uuid`,
    )
    await hallpass.store.database.query(move, [id, seconds])
  }
}
