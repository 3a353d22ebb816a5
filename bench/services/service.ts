/** A server under load, as a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../scripts/free-port.ts'

export interface Service {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/** Milliseconds. */
const LONGEST_START = 60_000

/**
 * What it logs goes to /dev/null, as a file or a collector would take it. Ends with this process at the latest.
 * @param healthPath answers 2xx as soon as it serves
 * @throws with what it wrote to its standard error, when it ends instead
 */
export async function startService({
  argv,
  environment,
  healthPath,
}: {
  argv: readonly string[]
  environment: (port: number) => Readonly<Record<string, string>>
  healthPath: string
}): Promise<Service> {
  const port = await freePort()
  const child = spawn(process.execPath, argv, {
    cwd: tmpdir(), // no .env of whoever measures
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...environment(port) },
  })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-10_000)))
  const exited = once(child, 'exit')
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))

  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + LONGEST_START
  while (!(await isServing(url + healthPath))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      kill()
      throw new Error(`${argv.join(' ')} did not start:\n${output}`)
    }
    await sleep(20)
  }
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

const isServing = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
