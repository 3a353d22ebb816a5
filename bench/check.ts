/**
 * Whether the hot path has become dearer since it was last recorded. No seconds: what can be counted, and processor
 * time as a multiple of a yardstick's that is measured in turns with it, so that another machine, or a busy one, says
 * nearly the same (docs/benchmarks.md).
 *
 *   npm run bench:check                    exits 1 where something grew by more than chance, and says by how much
 *   npm run bench:check -- --record        writes the new figures to bench/check/recorded.json
 */
import { parseArgs } from 'node:util'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { compare, describe } from './check/comparison.ts'
import { readRecorded, writeRecorded } from './check/recorded.ts'
import { measureRotation } from './check/rotation.ts'
import { countModules } from './check/start.ts'
import { countStatements } from './check/statements.ts'
import { measureVerifying } from './check/verifying.ts'
import { measureWayOfARefresh } from './check/way-of-a-refresh.ts'
import { describeMachine } from './report/machine.ts'

const { values } = parseArgs({ options: { record: { type: 'boolean', default: false } } })

// Commits wait for no disk, and nobody cleans up in between: it would be counted.
const postgres = await startPostgres({ settings: { autovacuum: 'off' } })
try {
  const databaseUrl = await postgres.createDatabase()
  const figures = [
    ...(await countStatements(databaseUrl)),
    ...(await countModules(databaseUrl)),
    ...(await measureRotation(await postgres.createDatabase())),
    ...(await measureWayOfARefresh()),
    ...(await measureVerifying()),
  ]
  const machine = await describeMachine(postgres.url('postgres'))
  const recorded = readRecorded()
  const lines = compare(figures, recorded)
  console.log(`Recorded on ${recorded.on}: ${recorded.machine}\nNow: ${machine}\n\n${describe(lines)}`)
  if (values.record) writeRecorded(figures, machine)
  else if (lines.some(({ isTooMuch }) => isTooMuch)) process.exitCode = 1
} finally {
  await postgres.stop()
  await stopSharedMailServer()
}
