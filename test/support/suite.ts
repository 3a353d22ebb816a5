/** What the whole run of tests shares. Named as `require` in .mocharc.json. */
import { stopSharedMailServer } from './mail.ts'
import { stopSharedPostgres } from './postgres.ts'

export const mochaHooks = {
  afterAll: [stopSharedPostgres, stopSharedMailServer],
}
