/**
 * Two devices and a running Hallpass: `npm run demo` starts one for itself, `npm run demo -- <url>` or
 * DEMO_URL names another. Every step says what it expects, and the first difference ends it with 1.
 */
import { Difference } from './demo/check.ts'
import { startOwnServer, type OwnServer } from './demo/own-server.ts'
import { play } from './demo/story.ts'

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
process.exitCode = await run(process.argv[2] || process.env.DEMO_URL || undefined)

async function run(given: string | undefined): Promise<number> {
  let own: OwnServer | undefined
  try {
    own = given === undefined ? await start() : undefined
    await play(own?.url ?? given ?? '')
    if (own !== undefined && (await own.stop()) !== 0) throw new Difference('The server did not stop by itself')
    return 0
  } catch (error) {
    process.stderr.write(`\nNot as expected. ${inWords(error)}\n`)
    return 1
  } finally {
    await own?.stop()
  }
}

function start(): Promise<OwnServer> {
  process.stdout.write('Starting a Hallpass for this demo, which takes a few seconds.\n')
  return startOwnServer()
}

/** A difference speaks for itself; anything else is a fault of the demo, and shows where. */
function inWords(error: unknown): string {
  if (error instanceof Difference) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
