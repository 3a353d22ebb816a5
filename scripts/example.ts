/**
 * A single-page app, its API and a Hallpass, to look at: `npm run example`. PORT, APP_PORT and API_PORT name
 * other ports than 3000, 5173 and 8080. It reads no other setting, and keeps nothing.
 */
import { startEverything, type Example } from './example/everything.ts'
import { PERSON } from './example/hallpass.ts'
import { PortTaken } from './example/ports.ts'

const { PORT = '3000', APP_PORT = '5173', API_PORT = '8080' } = process.env

process.stdout.write('Starting Hallpass, an API and an app, which takes a few seconds. Ctrl-C stops them.\n')
try {
  const example = await startEverything({ hallpass: Number(PORT), app: Number(APP_PORT), api: Number(API_PORT) })
  // A second signal ends it at once, as it would have without us.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(example))
  process.stdout.write(welcome(example))
} catch (error) {
  if (!(error instanceof PortTaken)) throw error
  process.stderr.write(`${error.message} PORT, APP_PORT and API_PORT name others, as in:\n`)
  process.stderr.write('  PORT=3001 APP_PORT=5174 API_PORT=8081 npm run example\n')
  process.exitCode = 1
}

async function stop(example: Example): Promise<void> {
  process.stdout.write('\nStopping.\n')
  await example.stop()
  process.exit(0)
}

function welcome({ hallpass, app, api }: Example): string {
  return `
  The app    ${app}     examples/spa
  Its API    ${api}     examples/spa-api
  Hallpass   ${hallpass}     pages to sign up, for devices, and a mailbox: ${hallpass}/dev/mailbox

  Sign in    ${PERSON.email}
  Password   ${PERSON.password}

  Try it:
    Open the app in two browsers, and sign one out from the other.
    Open it in two tabs, and sign out in one.
    Reload it. Close the browser, and open it again.
    Stop this with Ctrl-C while the app is open, and look what it does.

`
}
