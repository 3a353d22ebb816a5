/**
 * Puts a fleet into the database by COPY. One device signs in at the service; every other row is a copy of what that
 * left, but for its ids, its address and its secret, so that a refresh finds what it finds in real life.
 */
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { hashSecret } from '../../src/server/tokens/secrets.ts'
import { DEVICE_HEADERS } from '../load/device.ts'
import { emailOf, ownerOf, secretOf, sessionIdOf, userIdOf, usersOf } from './fleet.ts'

/** Everybody's in the fleet. */
const PASSWORD = 'tidal lantern 42 orchard'

/**
 * @param sessions how many; ten to a user
 * @param url of a running service on that database
 */
export async function fillFleet({
  sessions,
  url,
  databaseUrl,
}: {
  sessions: number
  url: string
  databaseUrl: string
}): Promise<void> {
  const model = await signInOne(url)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await copyRows(client, {
      table: 'users',
      model: model.userId,
      rows: usersOf(sessions),
      own: ['id', 'email', 'email_canonical'],
      valuesOf: (user) => `${userIdOf(user)}\t${emailOf(user)}\t${emailOf(user)}`,
    })
    await copyRows(client, {
      table: 'sessions',
      model: model.sessionId,
      rows: sessions,
      own: ['user_id', 'id', 'secret_hash'],
      valuesOf: (session) =>
        `${userIdOf(ownerOf(session, sessions))}\t${sessionIdOf(session)}\t\\\\x${hashSecret(secretOf(session)).toString('hex')}`,
    })
    await client.query('vacuum (analyze) users, sessions')
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}

async function signInOne(url: string): Promise<{ userId: string; sessionId: string }> {
  const post = async (path: string): Promise<Response> => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { ...DEVICE_HEADERS, 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'model@example.com', password: PASSWORD }),
    })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    return answer
  }
  await post('/v1/users')
  const signedIn = (await (await post('/v1/sessions')).json()) as { access_token: string; session: { id: string } }
  const [, claims = ''] = signedIn.access_token.split('.')
  const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string }
  return { userId: sub, sessionId: signedIn.session.id }
}

interface Copies {
  readonly table: string
  /** The id of the row that they are copies of. */
  readonly model: string
  readonly rows: number
  /** The columns that differ. */
  readonly own: readonly string[]
  /** Their values in COPY's text form. */
  readonly valuesOf: (row: number) => string
}

async function copyRows(client: pg.Client, { table, model, rows, own, valuesOf }: Copies): Promise<void> {
  const { fields, rows: models } = await client.query<(string | null)[]>({
    text: `select * from ${table} where id = $1`,
    values: [model],
    rowMode: 'array',
    types: { getTypeParser: () => (text: string) => text },
  })
  const columns = fields.map(({ name }, index) => ({ name, value: models[0]?.[index] ?? null }))
  const shared = columns.filter(({ name }) => !own.includes(name))
  const rest = shared.map(({ value }) => `\t${inCopyText(value)}`).join('')
  const names = [...own, ...shared.map(({ name }) => name)].map((name) => pg.escapeIdentifier(name))
  const copyStreams = (await import('pg-copy-streams' as string)) as PgCopyStreams
  await pipeline(
    Readable.from(inPieces(rows, (row) => `${valuesOf(row)}${rest}\n`)),
    client.query(copyStreams.from(`copy ${table} (${names.join(', ')}) from stdin`)),
  )
}

/** Installed for bench/ alone: `npm ci --prefix bench`. */
interface PgCopyStreams {
  from(text: string): Writable & pg.Submittable
}

const inCopyText = (value: string | null): string =>
  value === null ? '\\N' : value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n')

const ROWS_A_PIECE = 200

function* inPieces(rows: number, lineOf: (row: number) => string): Generator<string> {
  for (let first = 0; first < rows; first += ROWS_A_PIECE) {
    let piece = ''
    for (let row = first; row < Math.min(first + ROWS_A_PIECE, rows); row += 1) piece += lineOf(row)
    yield piece
  }
}
