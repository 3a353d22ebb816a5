/** What a process that runs tests shares. Named as `require` in .mocharc.json. */
import { stopSharedMailServer } from './mail.ts'
import { makeMigratedMemory } from './migrated-memory.ts'
import { stopSharedPostgres } from './postgres.ts'

/** Once, before there are workers. */
export const mochaGlobalSetup = (): Promise<void> => makeMigratedMemory()

/** With `--parallel`, workers end without a word; what they started ends with them. */
export async function mochaGlobalTeardown(): Promise<void> {
  await stopSharedPostgres()
  await stopSharedMailServer()
}
