/** WebSockets, which are closed when their session ends. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { upgradeWithToken, type Upgrade } from 'hallpass/verifier/websocket'
import { verifier } from './verifier.ts'

const sockets = new WebSocketServer({ noServer: true })
const server = createServer()
server.on('upgrade', upgradeWithToken(verifier, accept))
server.listen(process.env['PORT'] ?? 8080)

function accept({ request, socket, head, token }: Upgrade): void {
  sockets.handleUpgrade(request, socket, head, (open) => {
    const stop = verifier.onEnd(token, () => open.close(4401, 'signed out'))
    open.on('close', stop)
    open.send(`Hello ${token.sub}`)
  })
}
