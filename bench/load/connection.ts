/**
 * One keep-alive connection with one request under way at a time, on the bare socket: node:http as a client takes
 * more processor time for a request than a fast server does.
 */
import { connect, type Socket } from 'node:net'
import type { Answer } from './scenario.ts'

export interface Connection {
  send(request: string): void
  close(): void
}

export interface ConnectionDependencies {
  readonly host: string
  readonly port: number
  readonly onAnswer: (answer: Answer) => void
  /** It broke or was closed by the other side; nothing more comes. */
  readonly onEnd: (cause: string) => void
}

const BUFFER_BYTES = 64 * 1024

/** Resolves when it is open. */
export function openConnection({ host, port, onAnswer, onEnd }: ConnectionDependencies): Promise<Connection> {
  let rest: Buffer | null = null
  let cause = 'closed by the server'
  let isOurs = false

  function take(length: number, buffer: Uint8Array): boolean {
    const read = Buffer.from(buffer.buffer, buffer.byteOffset, length)
    const bytes: Buffer = rest === null ? read : Buffer.concat([rest, read])
    const answer = readAnswer(bytes)
    // The socket's buffer is used again for what comes next.
    rest = answer === null ? (rest === null ? Buffer.from(read) : bytes) : null
    if (answer !== null) onAnswer(answer)
    return true
  }

  return new Promise((resolve, reject) => {
    const onread = { buffer: Buffer.alloc(BUFFER_BYTES), callback: take }
    const socket: Socket = connect({ host, port, noDelay: true, onread })
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve({
        send: (request) => void socket.write(request, 'latin1'),
        close() {
          isOurs = true
          socket.destroy()
        },
      })
    })
    socket.once('error', reject)
    socket.on('error', (error) => (cause = error.message))
    socket.on('close', () => isOurs || onEnd(cause))
  })
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n')

/** @returns null while more has to come */
export function readAnswer(bytes: Buffer): Answer | null {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd < 0) return null
  const head = bytes.toString('latin1', 0, headEnd)
  const body = bytes.subarray(headEnd + HEAD_END.length)
  return isWhole(head, body) ? { status: Number(head.slice(9, 12)), body } : null
}

function isWhole(head: string, body: Buffer): boolean {
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? []
  if (length !== undefined) return body.length >= Number(length)
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return true
  const end = body.subarray(-LAST_CHUNK.length)
  return end.equals(LAST_CHUNK) || body.equals(LAST_CHUNK.subarray(2))
}
