/**
 * Commands for a server that holds an embedded database, which no other process can open: the command
 * line sends them through a socket in the data directory, and the server runs them.
 *
 * One JSON object a line. A connection carries one request, `{"argv": [...]}`; then come any number of
 * `{"out": "text"}` and, as the last, `{"exit": code}`.
 */
import { lstatSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join, relative } from 'node:path'
import type { Server, Socket } from 'node:net'
import type { Config } from './config.ts'
import { MEMORY } from './settings/paths.ts'

/** Runs one command and gives its exit code; what it has to say goes through `write`. */
export type Run = (argv: string[], write: (text: string) => void) => Promise<number>

/** No socket can be made there. */
export class SocketUnusable extends Error {
  override readonly name = 'SocketUnusable'
}

export interface CommandServer {
  /** Takes no further commands and resolves when those that run have ended. */
  close(): Promise<void>
}

/** No server takes commands there: none runs, or it is just starting or stopping. */
export class NobodyListening extends Error {
  override readonly name = 'NobodyListening'

  constructor(path: string, cause: unknown) {
    super(`No server takes commands at ${path}.`, { cause })
  }
}

/** In the data directory. @returns null where there is none, since anybody can open the store */
export const controlSocketPath = ({ databaseUrl, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>): string | null =>
  databaseUrl === null && dataDir !== MEMORY ? join(dataDir, 'control.sock') : null

/**
 * Takes commands from processes of the same user. A command whose caller goes away is carried out to
 * its end all the same. Close it before the directory's lock is released.
 *
 * @param path of the socket, which gets mode 0600. One that is there already is left over from a killed
 *   server and removed: the caller holds the directory's lock.
 * @throws when the path is too long for a socket, or something else is in its place
 */
export async function listenForCommands({ path, run }: { path: string; run: Run }): Promise<CommandServer> {
  const address = socketAddress(path)
  removeLeftOver(path)

  const waiting = new Set<Socket>()
  const running = new Set<Promise<void>>()
  // Half open, so that a caller that has said everything still hears the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const served = serve(socket, run, waiting).finally(() => running.delete(served))
    running.add(served)
  })
  await listenPrivately(server, address)

  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of waiting) socket.destroy()
      await Promise.all(running)
      await closed
    },
  }
}

/**
 * Has the server run a command.
 *
 * @param write hears what the command says, piece by piece
 * @returns the command's exit code
 * @throws {NobodyListening} when no server is there; nothing was done
 * @throws when the server goes away in between; what it did until then is unknown
 */
export async function sendCommand({
  path,
  argv,
  write,
}: {
  path: string
  argv: readonly string[]
  write: (text: string) => void
}): Promise<number> {
  const request = `${JSON.stringify({ argv })}\n`
  if (Buffer.byteLength(request) > REQUEST_LIMIT) throw new Error(TOO_LARGE)

  const socket = await reach(path)
  socket.write(request)
  try {
    for await (const line of linesOf(socket)) {
      const { out, exit } = JSON.parse(line) as { out?: string; exit?: number }
      if (out !== undefined) write(out)
      if (exit !== undefined) return exit
    }
  } finally {
    socket.destroy()
  }
  throw new Error(WENT_AWAY)
}

/** Bytes, the line's end included. */
const REQUEST_LIMIT = 64 * 1024
const TOO_LARGE = 'The command is larger than 64 kB.'
const WENT_AWAY = 'The server went away before the command had ended. It may have been carried out in part.'

/** How long a silent caller is waited for, to ask or to take its answer. Milliseconds. */
const PATIENCE = 5_000

/** Bytes. The kernel's structure has 108 on Linux and 104 on macOS, and a final zero. */
const PATH_LIMIT = 100

/**
 * The shortest address of a socket at that path.
 *
 * @throws {SocketUnusable} when that is too long all the same
 */
export function socketAddress(path: string): string {
  if (Buffer.byteLength(path) <= PATH_LIMIT) return path
  const shorter = relative(process.cwd(), path)
  if (Buffer.byteLength(shorter) <= PATH_LIMIT) return shorter
  throw new SocketUnusable(
    `${path} is too long for a socket: it may have ${PATH_LIMIT} bytes. Choose a data directory with a shorter ` +
      'path (HALLPASS_DATA_DIR), or start in a directory near it.',
  )
}

function removeLeftOver(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket())
    throw new SocketUnusable(`${path} is in the way: it is no socket and was not made by Hallpass.`)
  rmSync(path)
}

/** Between its making and a later chmod anybody could connect; so it is made private. */
function listenPrivately(server: Server, address: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  const umask = process.umask(0o177)
  try {
    // The socket is bound before this returns; only the event comes later.
    server.listen(address, resolve)
  } finally {
    process.umask(umask)
  }
  return promise
}

async function serve(socket: Socket, run: Run, waiting: Set<Socket>): Promise<void> {
  const answer = (line: { out: string } | { exit: number }) => {
    if (socket.writable) socket.write(`${JSON.stringify(line)}\n`)
  }
  // A caller that goes away changes nothing for the command; it only is not answered.
  socket.on('error', () => undefined)
  socket.setTimeout(PATIENCE, () => socket.destroy())
  try {
    waiting.add(socket)
    const request = await requestFrom(socket).finally(() => waiting.delete(socket))
    const argv = parse(request)
    socket.setTimeout(0)
    answer({ exit: await run(argv, (out) => answer({ out })) })
  } catch (error) {
    answer({ out: `${error instanceof Error ? error.message : String(error)}\n` })
    answer({ exit: 1 })
  }
  socket.setTimeout(PATIENCE)
  socket.end()
}

function requestFrom(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let received = Buffer.alloc(0)
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    const end = received.indexOf('\n')
    const length = end === -1 ? received.length : end + 1
    if (length <= REQUEST_LIMIT && end === -1) return
    // What follows is read and dropped: unread bytes would reset the connection and lose the answer.
    socket.off('data', onData).resume()
    if (length > REQUEST_LIMIT) reject(new Error(TOO_LARGE))
    else resolve(received.toString('utf8', 0, end))
  }
  const onGone = () => reject(new Error('The request ended in the middle.'))
  socket.on('data', onData).once('end', onGone).once('close', onGone)
  return promise
}

function parse(request: string): string[] {
  const { argv } = (JSON.parse(request) ?? {}) as { argv?: unknown }
  if (!Array.isArray(argv) || !argv.every((word) => typeof word === 'string')) {
    throw new Error('The request is not understood: it has to be {"argv": ["word", ...]}.')
  }
  return argv
}

function reach(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect(socketAddress(path))
  socket.once('connect', () => resolve(socket))
  socket.once('error', (error: NodeJS.ErrnoException) => {
    const isNobody = error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
    reject(isNobody ? new NobodyListening(path, error) : error)
  })
  return promise
}

/** Not readline's lines: those end at U+2028 too, which JSON leaves as it is. */
async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let pieces: string[] = []
  socket.setEncoding('utf8')
  try {
    for await (const chunk of socket as AsyncIterable<string>) {
      const [first = '', ...others] = chunk.split('\n')
      pieces.push(first)
      for (const other of others) {
        yield pieces.join('')
        pieces = [other]
      }
    }
  } catch (error) {
    throw new Error(WENT_AWAY, { cause: error })
  }
}
