/** The single-page app: Vite serves its sources, and knows where the services are. */
import { join } from 'node:path'
import { createServer, type InlineConfig } from 'vite'

export const APP_ROOT = join(import.meta.dirname, '..', '..', 'examples', 'spa')

export interface RunningApp {
  stop(): Promise<void>
}

/** @param services URLs */
export async function startApp(
  port: number,
  services: { hallpass: string; api: string },
  logLevel: 'error' | 'silent',
): Promise<RunningApp> {
  const vite = await createServer({
    ...withServices(services),
    root: APP_ROOT,
    logLevel,
    server: { host: 'localhost', port, strictPort: true },
  })
  await vite.listen()
  return { stop: () => vite.close() }
}

/** In place of VITE_HALLPASS and VITE_API of the environment. */
export const withServices = ({ hallpass, api }: { hallpass: string; api: string }): InlineConfig => ({
  define: {
    'import.meta.env.VITE_HALLPASS': JSON.stringify(hallpass),
    'import.meta.env.VITE_API': JSON.stringify(api),
  },
})
