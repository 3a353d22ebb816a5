/** What `hallpass serve` loads until it is ready: each module takes time at every start. */
import { fileURLToPath } from 'node:url'
import { startProcess } from '../../test/support/processes.ts'
import type { Figure } from './figure.ts'

const COUNTING = fileURLToPath(new URL('count-modules.ts', import.meta.url))

/** @param databaseUrl one that is migrated, or the modules of all migrations count too */
export async function countModules(databaseUrl: string): Promise<Figure[]> {
  const server = await startProcess(databaseUrl, { NODE_OPTIONS: `--import=${COUNTING}` })
  await server.stop()
  const [, loaded] = /modules loaded: (\d+)/.exec(server.output()) ?? []
  return [{ name: 'start of `hallpass serve`', value: Number(loaded), unit: 'modules', allowed: 0.01 }]
}
