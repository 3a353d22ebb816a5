/** What a process that runs tests shares. Named as `require` in .mocharc.json. */
import { stopSharedMailServer } from './mail.ts'
import { stopSharedPostgres } from './postgres.ts'

/** With `--parallel`, workers end without a word; what they started ends with them. */
export async function mochaGlobalTeardown(): Promise<void> {
  await stopSharedPostgres()
  await stopSharedMailServer()
}
