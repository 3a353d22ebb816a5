import { expect } from 'chai'
import { memoryStorage, type Client, type SessionState } from 'hallpass/client'
import { paths } from '../../src/protocol/paths.ts'
import { useFakePage } from '../support/fake-page.ts'
import { useFakeTime } from '../support/fake-time.ts'
import { ADA, aClient, aSignedInDevice, codeOf, MINUTE, SECOND, type Device } from './clients.ts'
import { createNotebook, type Notebook } from './notebook.ts'
import {
  createScriptedService,
  fail,
  hang,
  loseAnswer,
  overBecauseOf,
  refusal,
  say,
  type Reply,
} from './scripted-service.ts'

/** Everything that may come back instead of a decision. */
const NO_DECISIONS: Record<string, Reply> = {
  'no network': fail,
  'an answer that breaks off': loseAnswer,
  'no answer at all': hang,
  '401': say(401, { error: 'invalid_client' }),
  '403 of a firewall': say(403, '<h1>Forbidden</h1>'),
  '404 of a wrong address': say(404, '<h1>Not Found</h1>'),
  '429': say(429, { error: 'rate_limited' }),
  '500': say(500, { error: 'server_error' }),
  '502 of a proxy': say(502, '<h1>Bad Gateway</h1>'),
  '503': say(503, { error: 'temporarily_unavailable' }),
  'a hotel’s page': say(200, '<title>Welcome</title>'),
  'a cached answer without a token': say(200, { status: 'ok' }),
  'an answer without the next refresh token': say(200, { access_token: 'a', expires_in: 300, session_id: 's' }),
  'a list': say(200, []),
  'an empty answer': () => new Response(null, { status: 200 }),
  '400 that does not say terminal': say(400, { error: 'invalid_grant', reason: 'signed_out' }),
  'a key that the service does not know yet': () => refusal('unknown_key', false),
  'a word for terminal that is not true': say(400, { error: 'invalid_grant', reason: 'x', terminal: 'true' }),
}

const NOBODY = { status: 'signed_out', sessionId: null, reason: null }

describe('The state of a client', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let device: Device
  beforeEach(async () => {
    service = createScriptedService()
    device = await aSignedInDevice(service)
  })

  /** What a client says once it can say something. */
  async function readyIn(client: Client, milliseconds = 0): Promise<SessionState> {
    const ready = client.ready()
    await time.pass(milliseconds)
    return ready
  }

  it('is unknown before anything was asked', () => {
    const client = device.restart()
    expect(client.state).to.deep.equal({ status: 'unknown', because: 'starting', sessionId: null })
    expect(service.refreshes).to.be.empty
  })

  it('is signed in when the service says so', async () => {
    const state = await readyIn(device.restart())
    expect(state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
  })

  it('is signed out, without asking, when nothing was kept', async () => {
    const client = aClient(service, { storage: memoryStorage() })
    expect(await readyIn(client)).to.deep.equal(NOBODY)
    expect(await codeOf(client.getAccessToken())).to.equal('signed_out')
    expect(service.refreshes).to.be.empty
  })

  describe('when the service says that it is over', () => {
    const over = overBecauseOf('revoked_by_user')
    let client: Client
    beforeEach(async () => {
      service.end(device.sid, 'revoked_by_user')
      client = device.restart()
      expect(await readyIn(client)).to.deep.equal(over)
    })

    it('is signed out, with the reason and its words, and no token is kept', () => {
      expect(JSON.parse(device.storage.text ?? ''))
        .to.have.all.keys('key', 'end')
        .and.include({ key: '' })
    })

    it('says why after a restart as well, without asking again', async () => {
      for (let times = 0; times < 2; times += 1) expect(await readyIn(device.restart())).to.deep.equal(over)
      await time.pass(20 * MINUTE)
      expect(service.refreshes, 'asked once').to.have.length(1)
    })

    it('tells whoever wants a token, too', async () => {
      const error = await device
        .restart()
        .getAccessToken()
        .catch((reason: unknown) => reason)
      expect(error).to.include({ code: 'signed_out' })
      expect(error).to.have.property('details').that.includes({ reason: 'revoked_by_user', message: 'It is over.' })
    })

    it('says so until the next sign-in, and never after it', async () => {
      await client.signIn(ADA)
      expect(device.storage.text).not.to.include('over')
      await client.signOut()
      expect(client.state).to.deep.equal({ ...NOBODY, reason: 'signed_out' })
      expect(await readyIn(device.restart())).to.deep.equal(NOBODY)
    })

    it('forgets it when the person signs out all the same', async () => {
      expect(await client.signOut()).to.equal(true)
      expect(device.storage.text).to.equal(null)
      expect(await readyIn(device.restart())).to.deep.equal(NOBODY)
    })

    it('is as signed out where that cannot be written', async () => {
      const other = await aSignedInDevice(service)
      service.end(other.sid, 'revoked_by_user')
      other.storage.fails = 'writing'
      expect(await readyIn(other.restart())).to.deep.equal(over)
    })
  })

  describe('while the service wants to know who it is', () => {
    const ASKS = 'insufficient_user_authentication'
    beforeEach(() => service.always(paths.token, () => refusal(ASKS, false)))

    /** By the refresh token that is kept, since no access token is good any more. */
    function expectProof(kept: string | null): void {
      service.next(paths.reauthentication, ({ body, headers }) => {
        expect(body).to.deep.equal({ password: ADA.password, refresh_token: JSON.parse(kept ?? '{}').token })
        expect(headers.get('authorization')).to.equal(null)
        return Response.json({ access_token: `access.${device.sid}.proved`, expires_in: 300 })
      })
    }

    it('is unknown because of that, keeps what it has, asks now and then, and is signed in by the proof', async () => {
      const kept = device.storage.text
      const client = device.restart()
      expect(await readyIn(client)).to.deep.equal({ status: 'unknown', because: ASKS, sessionId: device.sid })
      await time.pass(10 * MINUTE)
      expect(service.refreshes.length, 'in ten minutes').to.be.within(2, 30)
      expect(device.storage.text).to.equal(kept)

      expectProof(kept)
      await client.reauthenticate({ password: ADA.password })
      expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
      expect(await client.getAccessToken()).to.include('proved')
      service.always(paths.token)
      await time.pass(6 * MINUTE)
      expect(await client.getAccessToken(), 'refreshed with the same token').not.to.include('proved')
    })

    it('stays signed in where it was, and whoever needs a token is told what to do', async () => {
      const { client } = device
      await time.pass(10 * MINUTE)
      const error = await client.getAccessToken().catch((cause: unknown) => cause)
      expect(error).to.deep.include({ status: 400 }).and.to.have.nested.property('details.reason', ASKS)
      expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
      expectProof(device.storage.text)
      await client.reauthenticate({ password: ADA.password })
      expect(await client.getAccessToken()).to.include('proved')
    })
  })

  it('is another object after every change and the same otherwise', async () => {
    const client = device.restart()
    const before = client.state
    expect(client.state).to.equal(before)
    await readyIn(client)
    const after = client.state
    expect(after).not.to.equal(before)
    await time.pass(MINUTE)
    expect(client.state).to.equal(after)
  })

  it('is told to all who listen, until they stop', async () => {
    const client = device.restart()
    const seen: SessionState[] = []
    const stop = client.onChange((state) => void seen.push(state))
    await time.settle()
    expect(seen.map(({ status }) => status)).to.deep.equal(['unknown', 'signed_in'])
    stop()
    await client.signOut()
    expect(seen).to.have.length(2)
  })

  for (const [name, reply] of Object.entries(NO_DECISIONS)) {
    describe(`when the answer is: ${name}`, () => {
      it('is unknown at the start, names the session, and is signed in as soon as the service answers', async () => {
        service.next(paths.token, reply)
        const client = device.restart()
        const state = await readyIn(client, 11 * SECOND)
        if (state.status === 'unknown')
          expect(state).to.include({ sessionId: device.sid }).and.not.include({ because: 'starting' })
        else expect(state.status, 'asked again meanwhile').to.equal('signed_in')
        await time.pass(20 * SECOND)
        expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
      })

      it('stays signed in, however long it goes on', async () => {
        service.always(paths.token, reply)
        await time.pass(60 * MINUTE)
        expect(device.client.state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
        const code = codeOf(device.client.getAccessToken())
        await time.pass(11 * SECOND)
        expect(await code).not.to.be.oneOf([null, 'signed_out'])
        service.always(paths.token)
        await time.pass(2 * MINUTE)
        expect(await codeOf(device.client.getAccessToken())).to.equal(null)
        expect(service.live).to.deep.equal([device.sid])
      })
    })
  }

  describe('when the storage cannot be read', () => {
    it('is unknown, for that reason, and known as soon as it can', async () => {
      const client = device.restart()
      device.storage.fails = 'reading'
      expect(await readyIn(client)).to.deep.equal({ status: 'unknown', because: 'storage_failed', sessionId: null })
      expect(await codeOf(client.getAccessToken())).to.equal('storage_failed')
      device.storage.fails = null
      client.wake()
      await time.settle()
      expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
    })

    it('is looked at again, by itself', async () => {
      const client = device.restart()
      device.storage.fails = 'reading'
      await readyIn(client)
      device.storage.fails = null
      await time.pass(2 * SECOND)
      expect(client.state.status).to.equal('signed_in')
    })

    it('stays signed in where it was', async () => {
      device.storage.fails = 'reading'
      await time.pass(60 * MINUTE)
      expect(device.client.state.status).to.equal('signed_in')
      expect(await codeOf(device.client.getAccessToken())).to.equal('storage_failed')
    })
  })

  describe('in a browser', () => {
    const page = useFakePage()
    let storage: Notebook
    let client: Client
    let seen: SessionState['status'][]
    beforeEach(() => {
      device.client.close()
      storage = createNotebook()
      client = aClient(service, { transport: 'cookie', storage, follow: false })
      seen = []
    })
    afterEach(() => client.close())

    async function isFoundSignedIn(): Promise<string> {
      const sid = service.signInOnAPage()
      expect(await client.ready()).to.deep.equal({ status: 'signed_in', sessionId: sid })
      client.onChange(({ status }) => seen.push(status))
      return sid
    }
    async function somebodyLooks(): Promise<void> {
      page.show(false)
      page.show(true)
      await time.pass(SECOND)
    }

    for (const text of ['', null]) {
      it(`is signed in also where somebody has cleared what was kept (${JSON.stringify(text)}): the cookie is there`, async () => {
        const sid = await isFoundSignedIn()
        for (let times = 0; times < 3; times += 1) {
          storage.text = text
          await somebodyLooks()
          expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: sid })
          await time.pass(10 * MINUTE)
        }
        expect(seen, 'all the time').to.be.empty
        expect(service.live).to.include(sid)
      })
    }

    it('keeps the reason of the end, however often somebody looks', async () => {
      const sid = await isFoundSignedIn()
      service.end(sid, 'revoked_by_user')
      await time.pass(5 * MINUTE)
      const ended = overBecauseOf('revoked_by_user')
      expect(client.state).to.deep.equal(ended)
      service.always(paths.token, () => refusal('no_token')) // the service has taken the cookie back
      const before = service.refreshes.length
      for (let times = 0; times < 3; times += 1) await somebodyLooks()
      expect(service.refreshes).to.have.length(before + 3)
      expect(client.state).to.deep.equal(ended)
      expect(seen).to.deep.equal(['signed_out'])
    })

    it('is signed in all the time where the person signs in anew on a page of the service', async () => {
      const before = await isFoundSignedIn()
      service.next(paths.token, () => {
        service.end(before, 'replaced')
        return refusal('replaced')
      })
      while (service.refreshes.length < 2) await time.pass(SECOND / 10)
      expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: before })
      const next = service.signInOnAPage()
      await time.pass(2 * SECOND)
      expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: next })
      expect(await client.getAccessToken()).to.include(next)
      expect(seen).to.deep.equal(['signed_in'])
      await time.pass(20 * MINUTE)
      expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: next })
    })

    it('is signed out at the start of a page whose session was replaced, when no other cookie is there', async () => {
      const sid = service.signInOnAPage()
      service.end(sid, 'replaced')
      expect(await client.ready()).to.deep.equal(overBecauseOf('replaced'))
      await time.pass(20 * MINUTE)
      expect(service.refreshes, 'asked once').to.have.length(1)
    })
  })

  it('is unknown with a storage whose text nobody understands: it holds nothing', async () => {
    for (const text of ['', 'null', '{}', '"x"', '{"token":"x"}', 'garbage', '7']) {
      const storage = createNotebook()
      storage.text = text
      const client = aClient(service, { storage })
      expect(await readyIn(client), text).to.deep.equal(NOBODY)
    }
  })
})

describe('A client that got no answer', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let client: Client
  beforeEach(async () => {
    service = createScriptedService()
    const device = await aSignedInDevice(service)
    client = device.restart()
  })

  const begin = async (): Promise<void> => {
    await client.ready()
    await time.settle()
  }
  const waits = (): number[] => service.refreshes.slice(1).map(({ at }, index) => at - service.refreshes[index]!.at)

  it('asks again by itself, after a wait that doubles up to a minute', async () => {
    service.always(paths.token, fail)
    await begin()
    await time.pass(15 * MINUTE)
    expect(waits().length).to.be.within(15, 35)
    for (const [index, wait] of waits().entries()) {
      const most = Math.min(SECOND * 2 ** index, MINUTE)
      expect(wait, `wait ${index}`).to.be.within(most / 2, most + 100)
    }
    expect(new Set(waits()).size, 'not all devices at once').to.be.above(10)
  })

  it('asks no sooner, however often an access token is wanted', async () => {
    service.always(paths.token, fail)
    await begin()
    for (let times = 0; times < 50; times += 1) expect(await codeOf(client.getAccessToken())).to.equal('unavailable')
    expect(service.refreshes).to.have.length(1)
  })

  it('asks at once when somebody is back', async () => {
    service.always(paths.token, fail)
    await begin()
    await time.pass(5 * MINUTE)
    const before = service.refreshes.length
    service.always(paths.token)
    client.wake()
    await time.settle()
    expect(service.refreshes).to.have.length(before + 1)
    expect(client.state.status).to.equal('signed_in')
  })

  it('begins with short waits again after an answer', async () => {
    service.always(paths.token, fail)
    await begin()
    await time.pass(5 * MINUTE)
    service.always(paths.token)
    client.wake()
    await time.settle()
    service.always(paths.token, fail)
    await time.pass(4.5 * MINUTE)
    const [first = 0, second = 0] = service.refreshes.filter(({ at }) => at > 5.5 * MINUTE).map(({ at }) => at)
    expect(second - first).to.be.within(500, 1_100)
  })

  for (const status of [429, 503]) {
    it(`comes when ${status} says, and no sooner: not for who is back, nor for who wants a token`, async () => {
      service.next(paths.token, say(status, { error: 'later' }, { 'retry-after': '30' }))
      await begin()
      for (let seconds = 0; seconds < 29; seconds += 1) {
        client.wake()
        await codeOf(client.getAccessToken())
        await time.pass(SECOND)
      }
      expect(service.refreshes).to.have.length(1)
      await time.pass(8 * SECOND)
      expect(waits()).to.have.length(1)
      expect(waits()[0]).to.be.within(30 * SECOND, 36.1 * SECOND)
      expect(client.state.status).to.equal('signed_in')
    })
  }

  for (const value of ['-60', '-0.001', '0', 'soon', 'Thu, 01 Jan 2026 00:00:00 GMT']) {
    it(`takes a Retry-After of ${value} for none, and waits as ever`, async () => {
      service.always(paths.token, say(503, {}, { 'retry-after': value }))
      await begin()
      for (let seconds = 0; seconds < 60; seconds += 1) {
        for (let times = 0; times < 10; times += 1) await codeOf(client.getAccessToken())
        await time.pass(SECOND)
      }
      expect(service.refreshes.length).to.be.within(5, 9)
      for (const [index, wait] of waits().entries()) {
        const most = Math.min(SECOND * 2 ** index, MINUTE)
        expect(wait, `wait ${index}`).to.be.within(most / 2, most + SECOND)
      }
    })
  }

  it('gives up an answer after ten seconds', async () => {
    service.next(paths.token, hang)
    const ready = client.ready()
    await time.pass(9.9 * SECOND)
    expect(client.state).to.include({ because: 'starting' })
    await time.pass(0.2 * SECOND)
    expect(await ready).to.include({ because: 'unavailable' })
  })

  it('says what the service said', async () => {
    service.always(paths.token, say(503, { error: 'temporarily_unavailable', error_description: 'Come later.' }))
    await begin()
    const error = await client.getAccessToken().catch((cause: unknown) => cause)
    expect(error).to.include({
      name: 'HallpassError',
      code: 'temporarily_unavailable',
      status: 503,
      message: 'Come later.',
    })
  })
})
