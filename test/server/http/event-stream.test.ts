import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { expect } from 'chai'
import Koa from 'koa'
import type { Context } from '../../../src/server/http/context.ts'
import { openEventStream, type EventStream } from '../../../src/server/http/event-stream.ts'
import { eventually } from '../../support/revocation-feed.ts'

const PIECE = 'x'.repeat(64 * 1024)

describe('a stream of events', () => {
  const errors: unknown[] = []
  let server: ReturnType<Koa['listen']>
  let socket: Socket
  /** What the next request waits for before its stream is opened. */
  let opening: (ctx: Context) => Promise<void>
  let opened: Promise<{ stream: EventStream; response: ServerResponse }>

  beforeEach(async () => {
    errors.length = 0
    opening = () => Promise.resolve()
    const app = new Koa()
    app.on('error', (error) => errors.push(error))
    opened = new Promise((resolve) => {
      app.use(async (ctx) => {
        await opening(ctx as unknown as Context)
        resolve({ stream: openEventStream(ctx as unknown as Context), response: ctx.res })
      })
    })
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  })
  afterEach(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })

  /** As much as the system keeps for a reader who takes nothing, and a little of ours. */
  const fill = async (stream: EventStream, response: ServerResponse): Promise<void> => {
    socket.pause()
    const bytes = Buffer.from(PIECE)
    while (response.writableLength < 4 * bytes.length) {
      stream.send(bytes)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('is over for whoever goes away before it is opened', async () => {
    opening = async (ctx) => {
      socket.destroy()
      await once(ctx.res, 'close')
    }
    const { stream } = await opened
    let isEnded = false
    stream.onEnd(() => (isEnded = true))
    expect(stream.isOver).to.equal(true)
    expect(isEnded).to.equal(true)
    await stream.sendAll('nobody hears it')
    stream.send(Buffer.from('nobody hears it'))
    stream.end()
  })

  it('is over for whoever goes away later, and that is no error of ours', async () => {
    const { stream } = await opened
    const ended = new Promise<void>((resolve) => stream.onEnd(resolve))
    await once(socket, 'data')
    socket.resetAndDestroy()
    await ended
    expect(stream.isOver).to.equal(true)
    expect(errors).to.be.empty
  })

  it('waits for its reader as often as it has to, and leaves nothing behind', async () => {
    const { stream, response } = await opened
    const listeners = (): number[] => ['close', 'drain', 'error'].map((event) => response.listenerCount(event))
    const before = listeners()
    let read = 0
    socket.on('data', (chunk: Buffer) => (read += chunk.length))
    for (let count = 0; count < 100; count += 1) await stream.sendAll(PIECE)
    expect(listeners()).to.deep.equal(before)
    await eventually(() => read >= 100 * PIECE.length)
  })

  it('waits no longer when its reader goes away', async () => {
    const { stream, response } = await opened
    await fill(stream, response)
    const waiting = stream.sendAll(PIECE)
    socket.destroy()
    await waiting
    expect(stream.isOver).to.equal(true)
  })

  it('drops a reader who takes nothing, before much is kept for it', async () => {
    const { stream, response } = await opened
    socket.pause()
    let most = 0
    while (!stream.isOver) {
      stream.send(Buffer.from(PIECE))
      most = Math.max(most, response.writableLength)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(most).to.be.below(2 * 1024 * 1024)
  })

  it('ends also for a reader who takes nothing', async () => {
    const { stream, response } = await opened
    const ended = new Promise<void>((resolve) => stream.onEnd(resolve))
    await fill(stream, response)
    stream.end()
    expect(stream.isOver).to.equal(true)
    stream.send(Buffer.from('too late'))
    await ended
  })

  it('ends with everything that was sent', async () => {
    const { stream } = await opened
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    await stream.sendAll(PIECE)
    await stream.sendAll('the last word')
    stream.end()
    await eventually(() => text.endsWith('0\r\n\r\n'))
    expect(text).to.include(PIECE).and.include('the last word')
  })
})
