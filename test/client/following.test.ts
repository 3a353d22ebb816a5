import { expect } from 'chai'
import type { SessionState } from 'hallpass/client'
import { paths } from '../../src/protocol/paths.ts'
import { useFakePage } from '../support/fake-page.ts'
import { useFakeTime } from '../support/fake-time.ts'
import { aSignedInDevice, codeOf, MINUTE, SECOND, type Device } from './clients.ts'
import { createScriptedService, fail, overBecauseOf, say, type Reply } from './scripted-service.ts'

/** `GET /v1/sessions/current/events`, as the service writes it. */
describe('A client that follows its session', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let device: Device
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined

  const opens: Reply = ({ signal }) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        stream = controller
        signal?.addEventListener('abort', () => {
          if (stream === controller) stream = undefined
          controller.error(new DOMException('', 'AbortError'))
        })
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  beforeEach(async () => {
    service = createScriptedService()
    service.always(paths.sessionEvents, opens)
    stream = undefined
    device = await aSignedInDevice(service, { follow: true })
    await time.settle()
  })
  afterEach(() => device.client.close())

  const write = async (...texts: string[]): Promise<void> => {
    for (const text of texts) stream?.enqueue(new TextEncoder().encode(text))
    await time.settle()
  }
  const opened = () => service.askedAt(paths.sessionEvents)
  /** As the service does every 15 seconds. */
  async function passWithSigns(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 15) {
      await time.pass(15 * SECOND)
      await write(': \n\n')
    }
  }

  it('opens one stream, with its access token', async () => {
    const [asked, ...more] = opened()
    expect(more).to.be.empty
    expect(asked?.method).to.equal('GET')
    expect(asked?.headers.get('authorization')).to.equal(`Bearer ${await device.client.getAccessToken()}`)
    expect(asked?.headers.get('accept')).to.equal('text/event-stream')
    await passWithSigns(10 * 60)
    expect(opened(), 'and keeps it').to.have.length(1)
  })

  it('is signed out as soon as the session ends, with the reason', async () => {
    const seen: SessionState[] = []
    device.client.onChange((state) => void seen.push(state))
    service.end(device.sid, 'revoked_by_user')
    await write('event: ended\ndata: {"reason":"revoked_by_user"}\n\n')
    expect(seen, 'in the words of the refusal').to.deep.equal([overBecauseOf('revoked_by_user')])
    await time.pass(20 * MINUTE)
    expect(opened()).to.have.length(1)
  })

  it('believes the refresh, not the stream: who says ended and is wrong signs nobody out', async () => {
    await write('event: ended\ndata: {"reason":"revoked_by_user"}\n\n')
    expect(service.refreshes).to.have.length(1)
    expect(device.client.state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
  })

  it('is not signed out where it hears of the end and then gets no answer', async () => {
    service.always(paths.token, fail)
    await write('event: ended\ndata: {"reason":"revoked_by_user"}\n\n')
    expect(device.client.state.status).to.equal('signed_in')
    service.end(device.sid, 'revoked_by_user')
    service.always(paths.token)
    await time.pass(3 * SECOND)
    expect(device.client.state).to.include({ status: 'signed_out', reason: 'revoked_by_user' })
  })

  describe('and its account’s other devices', () => {
    let changes: number
    let stop: () => void
    beforeEach(() => {
      changes = 0
      stop = device.client.sessions.onChange(() => void (changes += 1))
    })

    it('hears of each change', async () => {
      await write('event: sessions_changed\ndata: {}\n\n')
      expect(changes).to.equal(1)
      await write('event: sessions_changed\ndata: {}\n\n')
      expect(changes).to.equal(2)
      stop()
      await write('event: sessions_changed\ndata: {}\n\n')
      expect(changes).to.equal(2)
      expect(service.refreshes).to.be.empty
    })

    it('understands what comes in pieces, and nothing else', async () => {
      await write('retry: 1000\n\n', ': a sign of life\n\n', 'event: something_new\ndata: {"event: ended":1}\n\n')
      await write('data: event: sessions_changed\n\n')
      expect(changes).to.equal(0)
      await write('event: sess', 'ions_ch', 'anged', '\nda', 'ta: {}\n', '\n')
      expect(changes).to.equal(1)
      expect(service.refreshes).to.be.empty
    })

    it('looks once after every interruption: nobody knows what was missed', async () => {
      stream?.close()
      await time.pass(2 * SECOND)
      expect(opened()).to.have.length(2)
      expect(changes).to.equal(1)
    })
  })

  it('comes again when a stream ends, within a second', async () => {
    for (let times = 1; times < 6; times += 1) {
      await passWithSigns(15)
      stream?.close()
      await time.pass(1.1 * SECOND)
      expect(opened()).to.have.length(times + 1)
    }
    expect(device.client.state.status).to.equal('signed_in')
  })

  for (const [name, reply] of Object.entries({
    'nobody is there': fail,
    'the service is away': say(503, {}),
    'a proxy answers': say(502, '<h1>Bad Gateway</h1>'),
    'it is not there': say(404, {}),
    'a stream ends before it says anything': () => new Response(new ReadableStream({ start: (own) => own.close() })),
  })) {
    it(`comes again with growing waits, a minute at most, where ${name}`, async () => {
      service.always(paths.sessionEvents, reply)
      stream?.close()
      const before = opened().length
      await time.pass(15 * MINUTE)
      const times = opened()
        .slice(before)
        .map(({ at }) => at)
      expect(times.length).to.be.within(15, 35)
      for (const [index, at] of times.slice(1).entries()) {
        const most = Math.min(SECOND * 2 ** (index + 1), MINUTE)
        expect(at - times[index]!, `wait ${index}`).to.be.within(most / 2 - 1, most + 1)
      }
      expect(device.client.state.status).to.equal('signed_in')
      expect(service.refreshes.length).to.be.below(6)
      service.always(paths.sessionEvents, opens)
      await passWithSigns(75)
      service.end(device.sid, 'revoked_by_admin')
      await write('event: ended\ndata: {}\n\n')
      expect(device.client.state).to.include({ reason: 'revoked_by_admin' })
    })
  }

  it('takes forty seconds of silence for a dead connection', async () => {
    await passWithSigns(30)
    await time.pass(39 * SECOND)
    expect(opened()).to.have.length(1)
    await time.pass(3 * SECOND)
    expect(opened()).to.have.length(2)
    expect(opened()[0]?.signal?.aborted).to.equal(true)
  })

  it('that is refused learns from a refresh whether the session is over', async () => {
    service.end(device.sid, 'revoked_by_user')
    service.always(paths.sessionEvents, say(401, { code: 'invalid_access_token' }))
    stream?.close()
    await time.pass(3 * SECOND)
    expect(device.client.state).to.include({ status: 'signed_out', reason: 'revoked_by_user' })
  })

  it('that is always refused, though the session lives, does not hammer the service', async () => {
    service.always(paths.sessionEvents, say(401, { code: 'invalid_access_token' }))
    stream?.close()
    await time.pass(10 * MINUTE)
    expect(service.refreshes.length).to.be.below(25)
    expect(opened().length).to.be.below(50)
    expect(device.client.state.status).to.equal('signed_in')
  })

  it('follows no more where fetch gives no streams, and does everything else', async () => {
    service.always(paths.sessionEvents, () => {
      const response = new Response('')
      return Object.defineProperty(response, 'body', { value: undefined })
    })
    stream?.close()
    await time.pass(60 * MINUTE)
    expect(opened()).to.have.length(2)
    expect(device.client.state.status).to.equal('signed_in')
    expect(service.refreshes.length).to.be.within(13, 16)
  })

  it('ends it when the person signs out', async () => {
    await device.client.signOut()
    await time.settle()
    expect(opened()[0]?.signal?.aborted).to.equal(true)
    await time.pass(20 * MINUTE)
    expect(opened()).to.have.length(1)
  })

  it('follows the next session after the next sign-in', async () => {
    await device.client.signOut()
    await time.pass(MINUTE)
    const { id } = await device.client.signIn({ magicLinkToken: 'x' })
    await time.settle()
    expect(opened()).to.have.length(2)
    expect(opened()[1]?.headers.get('authorization')).to.include(id)
  })

  it('follows who is signed in: another one is followed anew, and the one before no more', async () => {
    const { id } = await device.client.signIn({ magicLinkToken: 'x' })
    await time.settle()
    expect(opened()).to.have.length(2)
    expect(opened()[0]?.signal?.aborted).to.equal(true)
    expect(opened()[1]?.headers.get('authorization')).to.include(id)
    await passWithSigns(10 * 60)
    expect(opened(), 'and keeps it').to.have.length(2)
    service.end(device.sid, 'revoked_by_user')
    await time.settle()
    expect(device.client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
    service.end(id, 'revoked_by_admin')
    await write('event: ended\ndata: {"reason":"revoked_by_admin"}\n\n')
    expect(device.client.state).to.include({ status: 'signed_out', reason: 'revoked_by_admin' })
  })

  /** React Native's adds `_=` and the time to the address where it is told not to use a cache. */
  it('leaves caches alone, with all that it asks: the service says what may be cached', async () => {
    device.client.close()
    const given: (RequestInit | undefined)[] = []
    device = await aSignedInDevice(service, {
      follow: true,
      fetch(input, init) {
        given.push(init)
        return service.fetch(input, init)
      },
    })
    await passWithSigns(5 * 60)
    await codeOf(device.client.sessions.list())
    await device.client.signOut()
    expect(given.length).to.be.above(4)
    for (const init of given) expect(init).not.to.have.property('cache')
  })

  it('that is closed lets go of everything', async () => {
    device.client.close()
    expect(opened()[0]?.signal?.aborted).to.equal(true)
    await time.pass(60 * MINUTE)
    expect(opened()).to.have.length(1)
    expect(service.refreshes).to.be.empty
    expect(time.timers()).to.equal(0)
  })

  it('that is closed while it waits to come again does not come again', async () => {
    service.always(paths.sessionEvents, fail)
    stream?.close()
    await time.pass(5 * MINUTE)
    const before = service.asked.length
    device.client.close()
    await time.pass(60 * MINUTE)
    expect(service.asked).to.have.length(before)
    expect(time.timers()).to.equal(0)
  })

  describe('in a page', () => {
    const page = useFakePage()
    beforeEach(async () => {
      device.client.close()
      device = await aSignedInDevice(service)
      await time.settle()
    })

    it('does so without being told to', () => {
      expect(opened()).to.have.length(2)
      expect(opened()[1]?.headers.get('authorization')).to.include(device.sid)
    })

    it('does so while somebody looks', async () => {
      page.show(false)
      expect(opened()[1]?.signal?.aborted).to.equal(true)
      await time.pass(20 * MINUTE)
      expect(opened()).to.have.length(2)
      page.show(true)
      await time.settle()
      expect(opened()).to.have.length(3)
      expect(opened()[2]?.headers.get('authorization')).to.equal(`Bearer ${await device.client.getAccessToken()}`)
    })

    it('opens one stream however often somebody leaves and comes back', async () => {
      for (let times = 0; times < 20; times += 1) {
        page.show(false)
        page.show(true)
        page.fire('online')
      }
      await time.pass(5 * SECOND)
      const open = opened().filter(({ signal }) => signal?.aborted === false)
      expect(open).to.have.length(1)
    })

    it('is told at once, when somebody comes back, of what happened meanwhile', async () => {
      page.show(false)
      await time.pass(MINUTE)
      service.end(device.sid, 'revoked_by_user')
      service.always(paths.sessionEvents, say(401, { code: 'invalid_access_token' }))
      page.show(true)
      await time.settle()
      expect(device.client.state).to.include({ status: 'signed_out', reason: 'revoked_by_user' })
    })
  })

  it('is not followed outside of pages, unless told to', async () => {
    device.client.close()
    device = await aSignedInDevice(service)
    await time.pass(MINUTE)
    expect(opened()).to.have.length(1)
  })
})
