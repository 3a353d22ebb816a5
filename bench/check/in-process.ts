/** HTTP without a network: a server's connections lead to whoever asks in the same process. */
import { createServer, type RequestListener } from 'node:http'
import { duplexPair, type Duplex } from 'node:stream'
import { readAnswer } from '../load/connection.ts'
import type { Answer, Scenario } from '../load/scenario.ts'

export interface InProcess {
  /** So many requests on connections that stay open. @throws where an answer is not what it should be */
  ask(requests: number): Promise<void>
}

const CONNECTIONS = 32

export function inProcess(listener: RequestListener, scenario: Scenario): InProcess {
  const server = createServer(listener)
  const connections = Array.from({ length: CONNECTIONS }, () => connect((side) => server.emit('connection', side)))

  return {
    async ask(requests) {
      let left = requests
      const goOn = async (connection: Connection): Promise<void> => {
        while (left > 0) {
          left -= 1
          const { request, take } = scenario.next()
          const fault = take(await connection.send(request))
          if (fault !== null) throw new Error(fault)
        }
      }
      await Promise.all(connections.map(goOn))
    },
  }
}

interface Connection {
  send(request: string): Promise<Answer>
}

function connect(accept: (side: Duplex) => void): Connection {
  const [near, far] = duplexPair()
  let rest: Buffer = Buffer.alloc(0)
  let resolve: (answer: Answer) => void
  near.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const answer = readAnswer(rest)
    if (answer === null) return
    rest = Buffer.alloc(0)
    resolve(answer)
  })
  accept(Object.assign(far, { remoteAddress: '127.0.0.1' }))
  return {
    send: (request) =>
      new Promise((settle) => {
        resolve = settle
        near.write(request, 'latin1')
      }),
  }
}
