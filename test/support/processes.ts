/** Real server processes on one PostgreSQL, as an operator starts, stops and loses them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectTo, type SecondConnection } from './held.ts'
import { mailSettings } from './mail.ts'
import { createMigratedDatabase } from './migrated-postgres.ts'
import { sharedPostgres } from './postgres.ts'
import { startServer, TEST_ISSUER, TEST_SECRET, type TestServer } from './server.ts'

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** What it wrote so far, both streams. */
  output(): string
  isAlive(): boolean
  /** As an operator stops it. @returns the exit code */
  stop(): Promise<number | null>
  /** As a crash ends it (kill -9): nothing is finished, nothing is answered. */
  kill(): Promise<void>
}

export type Environment = Record<string, string>

const CLI = fileURLToPath(new URL('../../src/server/cli.ts', import.meta.url))
/** Only against waiting for ever; milliseconds. */
const LONGEST_START = 90_000
const LONGEST_COMMAND = 30_000

/** Resolves when `/readyz` says so. @throws with what the process wrote, when it ends instead */
export async function startProcess(databaseUrl: string, environment: Environment = {}): Promise<ServerProcess> {
  const started = spawnCli(['serve'], databaseUrl, { ...(await mailSettings()), ...environment })
  const { child, output, exited } = started
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null
  const deadline = Date.now() + LONGEST_START
  let url: string | undefined
  while (!(await isReady((url ??= urlIn(output()))))) {
    if (!isAlive() || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`The process did not become ready. It wrote:\n${output()}`)
    }
    await delay(20)
  }
  return {
    url: url ?? '',
    pid: child.pid ?? 0,
    output,
    isAlive,
    async stop() {
      child.kill('SIGTERM')
      await exited
      return child.exitCode
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** One command of the CLI, from its start to its end. The code is null when it did not end by itself. */
export async function runCli(
  databaseUrl: string,
  argv: string[],
  environment: Environment = {},
): Promise<{ code: number | null; output: string }> {
  const { child, output, exited } = spawnCli(argv, databaseUrl, { ...(await mailSettings()), ...environment })
  const tooLong = setTimeout(() => child.kill('SIGKILL'), LONGEST_COMMAND)
  await exited
  clearTimeout(tooLong)
  return { code: child.exitCode, output: output() }
}

/** Two processes on one database, and a third service in the test's own process, for arrangements. */
export interface Service {
  readonly processes: readonly [ServerProcess, ServerProcess]
  readonly databaseUrl: string
  readonly aside: TestServer
  readonly sql: SecondConnection
  /** The address of either process: they take turns. */
  url(turn: number): string
}

/** The processes start before the story's first sentence and stop after its last. */
export function onTwoProcesses(story: (service: () => Service) => void, environment: Environment = {}): void {
  describe('on two processes that share a PostgreSQL', () => {
    let service: Service | undefined
    before(async function () {
      this.timeout(LONGEST_START)
      service = await startService(environment)
    })
    after(async function () {
      this.timeout(LONGEST_START)
      if (service === undefined) return
      await Promise.all(service.processes.map((process) => process.stop()))
      await Promise.all([service.aside.stop(), service.sql.end()])
      await (await sharedPostgres()).dropDatabase(service.databaseUrl)
    })
    story(() => {
      if (service === undefined) throw new Error('the processes have not started')
      return service
    })
  })
}

async function startService(environment: Environment): Promise<Service> {
  const databaseUrl = await createMigratedDatabase()
  const [one, other, aside] = await Promise.all([
    startProcess(databaseUrl, environment),
    startProcess(databaseUrl, environment),
    startServer('postgresql', { ...environment, DATABASE_URL: databaseUrl }),
  ])
  const sql = await connectTo(databaseUrl)
  return { processes: [one, other], databaseUrl, aside, sql, url: (turn) => (turn % 2 === 0 ? one : other).url }
}

function spawnCli(argv: string[], databaseUrl: string, environment: Environment) {
  const child = spawn(process.execPath, [CLI, ...argv], {
    cwd: tmpdir(), // no .env of whoever runs the tests
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], // or each of some hundred compiles all of it anew
      DATABASE_URL: databaseUrl,
      HALLPASS_SECRET: TEST_SECRET,
      HALLPASS_ISSUER: TEST_ISSUER,
      HALLPASS_UNCONFIRMED_SIGN_IN: 'allow',
      HALLPASS_RATE_LIMITS: 'off',
      PORT: '0',
      LOG_LEVEL: 'info',
      ...environment,
    },
  })
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
  }
  endWithThisProcess(child)
  return { child, output: () => chunks.join(''), exited: once(child, 'close') }
}

function endWithThisProcess(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
}

/** The log's line about listening tells which port the system gave. */
function urlIn(output: string): string | undefined {
  const line = output.split('\n').find((each) => each.includes('"msg":"listening"'))
  return line && `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`
}

async function isReady(url: string | undefined): Promise<boolean> {
  if (url === undefined) return false
  return (await fetch(`${url}/readyz`)).ok
}
