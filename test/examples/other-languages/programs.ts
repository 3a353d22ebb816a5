/** Programs that are not ours: started, waited for, and stopped whatever happens. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../../scripts/free-port.ts'

export interface Program {
  /** Its standard output, line by line. */
  readonly lines: Interface
  readonly input: Writable
  /** What it wrote so far to standard error. */
  errors(): string
  isAlive(): boolean
  stop(): Promise<void>
}

/** Debian's, whatever else is in the PATH. */
export const PYTHON = '/usr/bin/python3'

/** Only against waiting for ever; milliseconds. */
const LONGEST_START = 15_000
const LONGEST_STOP = 5_000

/** In a process group of its own, so that whatever it starts itself ends with it; and told when we are killed. */
export function startProgram(command: string, argv: string[], environment: Record<string, string> = {}): Program {
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'TERM', '--', command, ...argv], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1', ...environment },
  })
  const isAlive = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null
  const exited = once(child, 'exit')
  const errors: string[] = []
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk))
  child.stdin.on('error', () => undefined) // it may end before it has read everything
  const signal = (name: NodeJS.Signals): void => {
    if (isAlive() && child.pid !== undefined) process.kill(-child.pid, name)
  }
  const kill = (): void => signal('SIGKILL')
  process.once('exit', kill)
  return {
    lines: createInterface({ input: child.stdout }),
    input: child.stdin,
    errors: () => errors.join(''),
    isAlive,
    async stop() {
      signal('SIGTERM')
      const tooLong = setTimeout(kill, LONGEST_STOP)
      if (isAlive()) await exited
      clearTimeout(tooLong)
      process.off('exit', kill)
    },
  }
}

/**
 * Resolves when it answers, whatever that is. Somebody else may take the port between the moment it was found
 * free and the start; then it is tried again with another.
 */
export async function startOnFreePort(
  start: (port: number) => Program | Promise<Program>,
): Promise<Program & { readonly url: string }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const program = await start(port)
    const deadline = Date.now() + LONGEST_START
    while (program.isAlive() && Date.now() < deadline) {
      if (await isAnswering(url)) return { ...program, url }
      await delay(10)
    }
    await program.stop()
    const isTaken = /address already in use/i.test(program.errors())
    if (!isTaken || attempt === 5) throw new Error(`The program did not start. It wrote:\n${program.errors()}`)
  }
}

export const isThere = (command: string, argv: string[]): boolean => spawnSync(command, argv).status === 0

/** Asks again until the answer is this one. Only a test's own time limit ends it otherwise. */
export async function untilItIs<Answer>(wanted: Answer, ask: () => Promise<Answer>): Promise<void> {
  while ((await ask()) !== wanted) await delay(5)
}

/** An API that trusts the proxy in front of it, and says what it was sent. */
export async function startBackend(): Promise<{
  readonly url: string
  readonly seen: IncomingHttpHeaders[]
  stop(): Promise<void>
}> {
  const seen: IncomingHttpHeaders[] = []
  const server = createHttpServer((request, response) => {
    seen.push(request.headers)
    response.end('the API')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An example's file with the reader's own values in it. @throws where one of the old values is not there */
export function withValues(text: string, values: Record<string, string>): string {
  return Object.entries(values).reduce((result, [old, value]) => {
    if (!result.includes(old)) throw new Error(`the example says nothing of ${old}`)
    return result.replaceAll(old, value)
  }, text)
}

async function isAnswering(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  )
}
