/** For WebSockets in Node: `server.on('upgrade', upgradeWithToken(verifier, ({ request, socket, head, token }) => ...))`. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { authorizationOf } from './authorization.ts'
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
  async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const giveUp = (): void => void socket.destroy()
    socket.once('error', giveUp)
    try {
      const token = await verifier.verify(authorizationOf(request) ?? tokenInProtocols(request), options)
      accept({ request, socket, head, token })
      socket.off('error', giveUp)
    } catch (error) {
      const { status, headers, body } = verifier.answer(error)
      const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}`)
      socket.end([`HTTP/1.1 ${status}`, ...lines, '', body].join('\r\n'))
    }
  }

/** Browsers can send no header here: the token comes as one more subprotocol, `bearer.<token>`, after the real one. */
const tokenInProtocols = ({ headers }: IncomingMessage): string | undefined =>
  headers['sec-websocket-protocol']
    ?.split(/\s*,\s*/)
    .find((each) => each.startsWith('bearer.'))
    ?.slice('bearer.'.length)
