/**
 * Puts a fleet into the database of our own service. One device signs in; every other row is a copy of what that
 * left, but for its ids, its address and its secret, so that a refresh finds what it finds in real life.
 */
import { hashSecret } from '../../src/server/tokens/secrets.ts'
import { DEVICE_HEADERS } from '../load/device.ts'
import { copyRows } from './copy-rows.ts'
import { emailOf, ownerOf, PASSWORD, secretOf, sessionIdOf, userIdOf, usersOf } from './fleet.ts'
import { filling } from './filling.ts'

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
  await filling(databaseUrl, async (client) => {
    await copyRows(client, {
      table: 'users',
      model: ['id', model.userId],
      rows: usersOf(sessions),
      own: { id: userIdOf, email: emailOf, email_canonical: emailOf },
    })
    await copyRows(client, {
      table: 'sessions',
      model: ['id', model.sessionId],
      rows: sessions,
      own: {
        user_id: (session) => userIdOf(ownerOf(session, sessions)),
        id: sessionIdOf,
        secret_hash: (session) => `\\\\x${hashSecret(secretOf(session)).toString('hex')}`,
      },
    })
  })
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
