import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { WebSocket, WebSocketServer, type RawData } from 'ws'
import { requireScope, type EndReason, type Guard, type Verifier, type VerifyOptions } from 'hallpass/verifier'
import { upgradeWithToken, type Upgrade } from 'hallpass/verifier/websocket'
import { createTestIssuer, type TestIssuer } from 'hallpass/verifier/testing'

/** What the server says of a session that is over. */
const OVER = 4401

describe('WebSockets with a token', () => {
  let issuer: TestIssuer
  let verifier: Verifier
  let server: Server
  let sockets: WebSocketServer
  let port: number
  let accepted: Upgrade[]
  let ends: EndReason[]
  const clients: { terminate(): void }[] = []

  beforeEach(async () => {
    issuer = await createTestIssuer()
    verifier = issuer.createVerifier({ realm: 'chat' })
    await verifier.ready()
    ;[accepted, ends] = [[], []]
    sockets = new WebSocketServer({ noServer: true })
    server = createServer((_request, response) => response.end('an ordinary answer')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.terminate()
    for (const { socket } of accepted) socket.destroy()
    verifier.close()
    sockets.close()
    server.close()
    server.closeAllConnections()
  })

  /** As an API does it: greets, and closes what is open when its session is over. */
  function accept(upgrade: Upgrade): void {
    accepted.push(upgrade)
    const { request, socket, head, token } = upgrade
    sockets.handleUpgrade(request, socket, head, (open) => {
      const stop = verifier.onEnd(token, (reason) => {
        ends.push(reason)
        open.close(OVER, 'signed out')
      })
      open.on('close', stop)
      open.send(`hello ${token.sub}`)
    })
  }

  const serve = (options: VerifyOptions = {}) => server.on('upgrade', upgradeWithToken(verifier, accept, options))

  function open(headers: Record<string, string> = {}, protocols: string[] = [], query = ''): WebSocket {
    const client = new WebSocket(`ws://127.0.0.1:${port}/chat${query}`, protocols, { headers })
    clients.push(client.on('error', () => undefined))
    return client
  }

  const bearer = async (claims: object = {}): Promise<{ authorization: string }> => ({
    authorization: `Bearer ${await issuer.signTestToken({ ...claims })}`,
  })

  async function greetingOf(client: WebSocket): Promise<string> {
    const [data] = (await once(client, 'message')) as [RawData]
    return (data as Buffer).toString()
  }

  /** Open, as far as both sides know. */
  async function anOpenOne(claims: object = {}): Promise<WebSocket> {
    const client = open(await bearer(claims))
    await greetingOf(client)
    return client
  }

  /** How the server answers who is not let in. */
  async function refusalOf(client: WebSocket) {
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage]
    return { status: response.statusCode, headers: response.headers, body: await text(response) }
  }

  /** Over a connection of our own, byte by byte. */
  async function dial(headers: Record<string, string> = {}): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
    clients.push({ terminate: () => socket.destroy() })
    await once(socket, 'connect')
    const all = {
      host: 'localhost',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`GET /chat HTTP/1.1\r\n${lines.join('')}\r\n`)
    return socket
  }

  describe('are opened', () => {
    it('with the header, as programs send it', async () => {
      serve()
      const client = open(await bearer({ sub: 'user-7' }))
      expect(await greetingOf(client)).to.equal('hello user-7')
      expect(accepted[0]?.token).to.include({ sub: 'user-7', sid: 'session-1' })
    })

    it('with a subprotocol, as browsers have to, and answer with the real one', async () => {
      serve()
      const client = open({}, ['chat.v1', `bearer.${await issuer.signTestToken({ sub: 'user-8' })}`])
      expect(await greetingOf(client)).to.equal('hello user-8')
      expect(client.protocol).to.equal('chat.v1')
    })

    it('with a subprotocol beside a header of another scheme, which a browser adds by itself', async () => {
      serve()
      const client = open({ authorization: 'Basic dXNlcjpwYXNz' }, ['chat', `bearer.${await issuer.signTestToken()}`])
      expect(await greetingOf(client)).to.equal('hello user-1')
    })

    it('by the header, where both are sent', async () => {
      serve()
      const other = await issuer.signTestToken({ sub: 'user-2' })
      expect(await greetingOf(open(await bearer(), ['chat', `bearer.${other}`]))).to.equal('hello user-1')
    })

    it('with what came in behind the request', async () => {
      serve()
      const socket = await dial(await bearer())
      const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]) // "hi", in a mask of zeros
      socket.write(frame)
      await once(socket, 'data')
      expect(accepted).to.have.lengthOf(1)
    })
  })

  describe('are refused', () => {
    it('without a token, with an answer of HTTP', async () => {
      serve()
      const { status, headers, body } = await refusalOf(open())
      expect(status).to.equal(401)
      expect(headers).to.include({
        'www-authenticate': 'Bearer realm="chat"',
        'content-type': 'application/problem+json',
        'content-length': String(Buffer.byteLength(body)),
        'cache-control': 'no-store',
        connection: 'close',
      })
      expect(JSON.parse(body)).to.include({ status: 401, code: 'invalid_access_token' })
      expect(accepted).to.be.empty
    })

    it('by a status line that RFC 9112 knows, and a connection that closes whatever the client does', async () => {
      serve()
      const socket = await dial()
      const answer = await text(socket) // up to its end, while our half stays open
      expect(answer).to.match(/^HTTP\/1\.1 401 \r\n/)
      expect(answer.split('\r\n\r\n')).to.have.lengthOf(2)
      // A half that nobody reads any more: the system tells whoever goes on writing.
      while (!socket.destroyed) {
        socket.write('x')
        await new Promise((resolve) => setImmediate(resolve))
      }
    })

    it('with a token that is not good', async () => {
      serve()
      const revoked = await issuer.signTestToken({ sid: 'over' })
      issuer.revoke('over')
      await issuer.clock.advance(0)
      const bad: [Record<string, string>, string[]][] = [
        [{ authorization: 'Bearer garbage' }, []],
        [{ authorization: `Bearer ${revoked}` }, []],
        [{}, ['chat', 'bearer.garbage']],
        [{}, ['chat', `bearer.${revoked}`]],
      ]
      for (const [headers, protocols] of bad) {
        const refused = await refusalOf(open(headers, protocols))
        expect(refused.status).to.equal(401)
        expect(refused.headers['www-authenticate']).to.equal('Bearer realm="chat", error="invalid_token"')
      }
      expect(accepted).to.be.empty
    })

    it('with a token in the URL or in a cookie', async () => {
      serve()
      const token = await issuer.signTestToken()
      const client = open({ cookie: `access_token=${token}` }, [], `?access_token=${token}`)
      expect((await refusalOf(client)).headers['www-authenticate']).to.equal('Bearer realm="chat"')
    })

    it('without the scope, as on any route', async () => {
      serve({ guards: [requireScope('chat')] })
      expect((await refusalOf(open(await bearer()))).status).to.equal(403)
      expect(await greetingOf(open(await bearer({ scope: 'chat' })))).to.equal('hello user-1')
    })

    it('while nobody can know', async () => {
      serve({ onStale: 'reject' })
      issuer.isDown = true
      await issuer.clock.advance(60)
      const { status, headers } = await refusalOf(open(await bearer()))
      expect([status, headers['retry-after']]).to.deep.equal([503, '5'])
    })

    it('and ordinary requests of the same server go on', async () => {
      serve()
      await refusalOf(open())
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).to.equal('an ordinary answer')
    })
  })

  describe('that are open', () => {
    it('are closed when their session ends, and no others', async () => {
      serve()
      const [mine, others] = [await anOpenOne({ sid: 'mine' }), await anOpenOne({ sid: 'other' })]
      const closed = once(mine, 'close') as Promise<[number, Buffer]>
      issuer.revoke('mine')
      const [code, reason] = await closed
      expect([code, reason.toString()]).to.deep.equal([OVER, 'signed out'])
      expect(ends).to.deep.equal(['revoked'])
      expect(others.readyState).to.equal(WebSocket.OPEN)
    })

    it('are closed all together where one session has several', async () => {
      serve()
      const three = [await anOpenOne(), await anOpenOne(), await anOpenOne()]
      const closed = Promise.all(three.map((client) => once(client, 'close')))
      issuer.revoke('session-1')
      await closed
      expect(ends).to.deep.equal(['revoked', 'revoked', 'revoked'])
    })

    it('are closed even where the session ended while they were being opened', async () => {
      server.on(
        'upgrade',
        upgradeWithToken(verifier, (upgrade) => {
          issuer.revoke('session-1')
          void issuer.clock.advance(0).then(() => accept(upgrade))
        }),
      )
      const [code] = (await once(open(await bearer()), 'close')) as [number]
      expect(code).to.equal(OVER)
    })

    it('stay open when the session is merely outdated', async () => {
      serve()
      const client = await anOpenOne()
      issuer.markStale('session-1')
      await issuer.clock.advance(1)
      expect(ends).to.be.empty
      expect(client.readyState).to.equal(WebSocket.OPEN)
    })

    it('are watched no more once they are closed', async () => {
      serve()
      const client = await anOpenOne()
      const [onServer] = sockets.clients
      const closed = once(onServer as WebSocket, 'close')
      client.close()
      await closed
      issuer.revoke('session-1')
      await issuer.clock.advance(1)
      expect(ends).to.be.empty
    })
  })

  describe('whose client hangs up while the token is checked', () => {
    for (const [how, hangUp] of [
      ['politely', (socket: Socket) => socket.end()],
      ['at once', (socket: Socket) => socket.destroy()],
      ['by a reset', (socket: Socket) => socket.resetAndDestroy()],
    ] as const) {
      it(`do no harm: ${how}`, async () => {
        const gate = Promise.withResolvers<void>()
        const asked = Promise.withResolvers<void>()
        const waiting = issuer.createVerifier({
          async fetch(url, init) {
            asked.resolve()
            await gate.promise
            return issuer.fetch(url, init)
          },
        })
        clients.push({ terminate: () => waiting.close() })
        const upgrade = upgradeWithToken(waiting, accept)
        const arrived = Promise.withResolvers<Socket>()
        server.on('upgrade', (request, socket, head) => {
          upgrade(request, socket, head)
          arrived.resolve(socket as Socket)
        })
        const client = await dial(await bearer())
        const socket = await arrived.promise
        await asked.promise
        hangUp(client)
        if (how === 'by a reset') socket.destroy(new Error('read ECONNRESET'))
        gate.resolve()
        await waiting.ready()
        // Whatever became of the first, the next one is served.
        expect(await greetingOf(open(await bearer()))).to.equal('hello user-1')
      })
    }

    it('are not handed on when they are gone', async () => {
      const gate = Promise.withResolvers<void>()
      const held: Verifier = { ...verifier, verify: async (...args) => (await gate.promise, verifier.verify(...args)) }
      const upgrade = upgradeWithToken(held, accept)
      const arrived = Promise.withResolvers<Socket>()
      server.on('upgrade', (request, socket, head) => {
        upgrade(request, socket, head)
        arrived.resolve(socket as Socket)
      })
      await dial(await bearer())
      const socket = await arrived.promise
      socket.destroy(new Error('read ECONNRESET'))
      gate.resolve()
      expect(await greetingOf(open(await bearer()))).to.equal('hello user-1')
      expect(accepted).to.have.lengthOf(1)
    })

    it('or later, before anybody else listens: the process goes on', async () => {
      const handed = Promise.withResolvers<Upgrade>()
      server.on('upgrade', upgradeWithToken(verifier, handed.resolve))
      await dial(await bearer())
      const { socket } = await handed.promise
      // By hand: `once` would listen for the error itself.
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.destroy(new Error('read ECONNRESET'))
      await closed
    })
  })

  describe('of an API with a fault', () => {
    const fault = new Error('a fault of the API')

    /** What comes to where a process hears of errors that nobody caught. */
    async function uncaughtIn(run: () => Promise<unknown>): Promise<unknown> {
      const usual = process.listeners('unhandledRejection')
      process.removeAllListeners('unhandledRejection')
      try {
        const caught = once(process, 'unhandledRejection') as Promise<[unknown]>
        await run()
        return (await caught)[0]
      } finally {
        for (const listener of usual) process.on('unhandledRejection', listener)
      }
    }

    it('answer 500 where a guard throws, and swallow nothing', async () => {
      const faulty: Guard = () => {
        throw fault
      }
      serve({ guards: [faulty] })
      const client = open(await bearer())
      const error = await uncaughtIn(async () => expect((await refusalOf(client)).status).to.equal(500))
      expect(error).to.equal(fault)
      expect(accepted).to.be.empty
    })

    it('swallow nothing that is thrown where they are accepted', async () => {
      server.on(
        'upgrade',
        upgradeWithToken(verifier, ({ socket }) => {
          socket.destroy()
          throw fault
        }),
      )
      const client = open(await bearer())
      expect(await uncaughtIn(() => once(client, 'error'))).to.equal(fault)
    })
  })
})
