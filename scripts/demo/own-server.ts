/** A Hallpass for the length of the demo: a process of its own on a free port, with its data in memory. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../free-port.ts'

export interface OwnServer {
  readonly url: string
  /** @returns its exit code; null when it had to be killed */
  stop(): Promise<number | null>
}

const CLI = join(import.meta.dirname, '..', '..', 'src', 'server', 'cli.ts')
/** Milliseconds. */
const LONGEST_START = 60_000
const LONGEST_STOP = 15_000

/** @throws with what the process said when it does not become ready */
export async function startOwnServer(): Promise<OwnServer> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'hallpass-demo-'))
  const child = spawn(process.execPath, [CLI, 'serve'], {
    cwd: directory, // where no .env is
    env: { ...neutralEnvironment(), PORT: String(port), HALLPASS_DATA_DIR: 'memory://', LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => said.push(text))
  const server = { url: `http://localhost:${port}`, stop: () => stop(child, directory) }
  // Whatever ends the demo, an exception or Ctrl-C, ends the server.
  process.once('exit', () => {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })
  try {
    await untilReady(child, server.url)
    return server
  } catch (error) {
    await server.stop()
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said.join('')}`, { cause: error })
  }
}

/** The settings of whoever runs the demo concern another server than this one. */
const neutralEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(HALLPASS_|DATABASE_URL|SMTP_URL|PORT|HOST|LOG_LEVEL)/.test(name),
    ),
  )

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + LONGEST_START
  while (!(await isReady(url))) {
    if (hasEnded(child)) throw new Error('The server ended before it was ready. It said:')
    if (Date.now() > deadline) throw new Error('The server was not ready after a minute. It said:')
    await sleep(100)
  }
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
    (answer) => answer.ok,
    () => false,
  )

async function stop(child: ChildProcess, directory: string): Promise<number | null> {
  if (!hasEnded(child)) {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_STOP)
    await ended
    clearTimeout(timer)
  }
  rmSync(directory, { recursive: true, force: true })
  return child.exitCode
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null
