import { expect } from 'chai'
import { writeMessage } from '../../../src/server/webhooks/message.ts'
import { PATIENCE, post } from '../../../src/server/webhooks/post.ts'
import { startReceiver, type Receiver } from '../../support/webhooks.ts'

const EVENT = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  type: 'ping',
  created_at: '2026-03-04T14:05:09.123456+02:00',
}
const MESSAGE = writeMessage(EVENT, [Buffer.alloc(32)], new Date())

describe('An attempt to deliver', () => {
  let receiver: Receiver
  const stopping = new AbortController()
  const attempt = (patience?: number, signal = stopping.signal) =>
    post(receiver.url, MESSAGE, { stopping: signal, ...(patience === undefined ? {} : { patience }) })

  beforeEach(async () => {
    receiver = await startReceiver()
  })
  afterEach(() => receiver.stop())

  it('is a success for every 2xx, and for no other status', async () => {
    const failures: Record<number, string | null> = {}
    for (const status of [200, 202, 299, 301, 304, 308, 400, 404, 410, 429, 500, 503]) {
      receiver.answer = status
      failures[status] = (await attempt()).failure
    }
    expect(failures).to.deep.equal({
      200: null,
      202: null,
      299: null,
      301: 'redirect',
      304: 'redirect',
      308: 'redirect',
      400: 'status',
      404: 'status',
      410: 'gone',
      429: 'status',
      500: 'status',
      503: 'status',
    })
  })

  it('waits for no answer that does not come', async () => {
    receiver.answer = () => undefined
    expect(await attempt(50)).to.include({ status: null, failure: 'timeout' })
  })

  it('has succeeded with the status, although the rest does not come', async () => {
    receiver.answer = (_request, response) => response.writeHead(200).write('and')
    expect(await attempt(200)).to.include({ status: 200, failure: null })
  })

  it('reads little of a long answer', async () => {
    receiver.answer = (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      }
      response.writeHead(200).on('drain', more)
      more()
    }
    const outcome = await attempt()
    expect(outcome).to.include({ status: 200, failure: null })
    expect(outcome.duration, 'it would never end').to.be.below(PATIENCE)
  })

  it('says in a word why nobody could be reached, without where', async () => {
    receiver.answer = (request) => request.socket.destroy()
    expect(await attempt()).to.include({ status: null, failure: 'UND_ERR_SOCKET' })
    await receiver.stop()
    expect(await attempt()).to.include({ status: null, failure: 'ECONNREFUSED' })
    const nowhere = await post('http://receiver.invalid/?key=hunter2', MESSAGE, { stopping: stopping.signal })
    expect(nowhere.failure).to.match(/^E[A-Z_]+$/)
  })

  it('is given up when the process ends', async () => {
    const ending = new AbortController()
    receiver.answer = () => ending.abort()
    expect(await attempt(undefined, ending.signal)).to.include({ status: null, failure: 'network' })
  })

  it('writes the time as RFC 3339 in UTC, and of an event only what is meant for others', () => {
    const { body } = writeMessage({ ...EVENT, user_id: 'somebody', hash: 'secret' }, [], new Date())
    expect(JSON.parse(body)).to.deep.equal({
      type: 'ping',
      timestamp: '2026-03-04T12:05:09.123Z',
      data: { user_id: 'somebody' },
    })
  })
})
