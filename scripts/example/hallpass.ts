/** A Hallpass for the length of the example, with its data in memory and somebody who can sign in. */
import { readConfig } from '../../src/server/config.ts'
import { listen } from '../../src/server/listen.ts'
import { createLog } from '../../src/server/log.ts'
import { createServer, type Hallpass } from '../../src/server/server.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'

export interface RunningHallpass {
  readonly issuer: string
  /** For the API: it may read the feed of revocations, and nothing else. */
  readonly apiKey: { readonly id: string; readonly key: string }
  readonly hallpass: Hallpass
  stop(): Promise<void>
}

export const PERSON = { email: 'ada@example.com', password: 'correct horse battery' }

/**
 * Of this example alone, and for everybody to read. Another one at every start would leave browsers with cookies
 * that nobody can read, and so nobody can refuse for good.
 */
const SECRET = 'the example of hallpass on localhost has nothing to hide'

/** Nothing of the environment of whoever starts it is read. */
export async function startHallpass(port: number): Promise<RunningHallpass> {
  const issuer = `http://localhost:${port}`
  const config = readConfig({
    HALLPASS_ISSUER: issuer,
    HALLPASS_DATA_DIR: 'memory://',
    HALLPASS_NAME: 'Postcards',
    HALLPASS_SECRET: SECRET,
    LOG_LEVEL: 'warn',
  })
  const hallpass = await createServer(config, { log: createLog(config.logLevel) })
  try {
    const listening = await listen(hallpass, 'localhost', port)
    await hallpass.users.register(PERSON.email, PERSON.password, null)
    await hallpass.users.confirm(PERSON.email, OPERATOR)
    return {
      issuer,
      apiKey: await makeKey(hallpass),
      hallpass,
      async stop() {
        await listening.close()
        await hallpass.close()
      },
    }
  } catch (error) {
    await hallpass.close()
    throw error
  }
}

async function makeKey({ apiKeys }: Hallpass): Promise<RunningHallpass['apiKey']> {
  const wanted = { userId: null, name: 'API of the example', scope: 'revocations:read', expiresAt: null }
  const made = await apiKeys.create(wanted, OPERATOR)
  if (made === null) throw new Error('the key was refused')
  return { id: made.apiKey.id, key: made.key }
}
