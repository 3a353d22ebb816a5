/** A whole server that listens, on a store of its own. */
import type { Hallpass } from '../../src/server/server.ts'
import { readConfig, type Config } from '../../src/server/config.ts'
import { listen } from '../../src/server/listen.ts'
import { createLog } from '../../src/server/log.ts'
import { createServer } from '../../src/server/server.ts'
import { mailSettings } from './mail.ts'
import { migratedMemory } from './migrated-memory.ts'
import { createMigratedDatabase } from './migrated-postgres.ts'
import { sharedPostgres } from './postgres.ts'

export type StoreKind = 'embedded' | 'postgresql'

export interface TestServer {
  readonly url: string
  readonly store: StoreKind
  readonly config: Config
  readonly hallpass: Hallpass
  /** On PostgreSQL, the database it uses. */
  readonly databaseUrl: string | null
  stop(): Promise<void>
}

export const TEST_SECRET = 'kRz0Q2m5vX8b1N4c7L0p3J6h9G2f5D8s1A4'
export const TEST_ISSUER = 'http://localhost'

/** @param environment settings that differ from the test's own */
export async function startServer(
  store: StoreKind,
  environment: Record<string, string | undefined> = {},
): Promise<TestServer> {
  const given = environment['DATABASE_URL']
  const databaseUrl = given ?? (store === 'postgresql' ? await createMigratedDatabase() : null)
  const config = readConfig({
    HALLPASS_ISSUER: TEST_ISSUER,
    HALLPASS_UNCONFIRMED_SIGN_IN: 'allow',
    HALLPASS_SECRET: TEST_SECRET,
    HALLPASS_RATE_LIMITS: 'off',
    HALLPASS_ALLOWED_ORIGINS: 'https://app.example',
    LOG_LEVEL: 'silent',
    ...(await mailSettings()),
    ...(databaseUrl === null ? { HALLPASS_DATA_DIR: 'memory://' } : { DATABASE_URL: databaseUrl }),
    ...environment,
  })
  const hallpass = await createServer(config, {
    log: createLog(config.logLevel),
    passwordParameters: { memoryCost: 1024, timeCost: 1, parallelism: 1 },
    ...(config.dataDir === 'memory://' ? { memoryFrom: await migratedMemory() } : {}),
  })
  const listening = await listen(hallpass, '127.0.0.1', 0)
  return {
    url: `http://127.0.0.1:${listening.port}`,
    store,
    config,
    hallpass,
    databaseUrl,
    async stop() {
      await listening.close()
      await hallpass.close()
      if (databaseUrl !== null && given === undefined) await (await sharedPostgres()).dropDatabase(databaseUrl)
    },
  }
}

/** The same story on both stores. */
export function onBothStores(
  story: (server: () => TestServer) => void,
  environment: Record<string, string | undefined> = {},
): void {
  for (const store of ['embedded', 'postgresql'] as const) onStore(store, story, environment)
}

/** A story on one store; the server starts before its first sentence and stops after its last. */
export function onStore(
  store: StoreKind,
  story: (server: () => TestServer) => void,
  environment: Record<string, string | undefined> = {},
): void {
  describe(`on the ${store} store`, () => {
    let server: TestServer | undefined
    before(async function () {
      this.timeout(60_000)
      server = await startServer(store, environment)
    })
    after(() => server?.stop())
    story(() => {
      if (server === undefined) throw new Error('the server has not started')
      return server
    })
  })
}
