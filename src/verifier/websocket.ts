/** For WebSockets in Node: `server.on('upgrade', upgradeWithToken(verifier, ({ request, socket, head, token }) => ...))`. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { authorizationOf, tokenInProtocols } from './authorization.ts'
import { Refused } from './refused.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly token: AccessTokenClaims
}

/** Calls `accept` where the token is good, and answers otherwise. Close what is open by `verifier.onEnd(token, ...)`. */
export const upgradeWithToken =
  (verifier: Verifier, accept: (upgrade: Upgrade) => void, options: VerifyOptions = {}) =>
  (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.once('error', () => socket.destroy()) // which nobody else may hear yet, and that would end the process
    const check = async (): Promise<AccessTokenClaims> =>
      verifier.verify(authorizationOf(request) ?? tokenInProtocols(request), options)
    void check().then(
      (token) => void (socket.destroyed || accept({ request, socket, head, token })),
      (error: unknown) => {
        refuse(socket, error instanceof Refused ? verifier.answer(error) : { status: 500, headers: {}, body: '' })
        if (!(error instanceof Refused)) throw error
      },
    )
  }

function refuse(socket: Duplex, { status, headers, body }: { status: number; headers: object; body: string }): void {
  const all = { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' }
  socket.once('finish', () => socket.destroy()) // whether or not the other side hangs up, too
  socket.end([`HTTP/1.1 ${status} `, ...Object.entries(all).map((each) => each.join(': ')), '', body].join('\r\n'))
}
