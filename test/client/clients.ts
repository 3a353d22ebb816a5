/** Clients of the scripted service, and people who are signed in with them. */
import { createClient, type Client, type ClientOptions } from 'hallpass/client'
import { createNotebook, type Notebook } from './notebook.ts'
import { ISSUER, type ScriptedService } from './scripted-service.ts'

export const ADA = { email: 'ada@example.com', password: 'a long enough passphrase' }

export const aClient = (service: ScriptedService, options: Partial<ClientOptions> = {}): Client =>
  createClient({ issuer: ISSUER, transport: 'body', fetch: (input, init) => service.fetch(input, init), ...options })

export interface Device {
  readonly client: Client
  readonly storage: Notebook
  readonly sid: string
  /** The app is gone; another one begins with what was kept. */
  restart(): Client
}

export async function aSignedInDevice(
  service: ScriptedService,
  options: Omit<Partial<ClientOptions>, 'storage'> & { storage?: Notebook } = {},
): Promise<Device> {
  const { storage = createNotebook() } = options
  const client = aClient(service, { ...options, storage })
  const { id: sid } = await client.signIn(ADA)
  return {
    client,
    storage,
    sid,
    restart() {
      client.close()
      return aClient(service, { ...options, storage })
    },
  }
}

/** The code with which something fails; null where it does not. */
export const codeOf = (work: Promise<unknown>): Promise<string | null> =>
  work.then(
    () => null,
    (error: unknown) => (error as { code: string }).code,
  )

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
