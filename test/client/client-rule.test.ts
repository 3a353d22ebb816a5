import { expect } from 'chai'
import { paths } from '../../src/protocol/paths.ts'
import { useFakeTime } from '../support/fake-time.ts'
import { aClient, aSignedInDevice, codeOf, MINUTE, SECOND, type Device } from './clients.ts'
import { createNotebook } from './notebook.ts'
import { createScriptedService, fail, hang, hold, loseAnswer, refusal, say } from './scripted-service.ts'

/** docs/refresh.md, "The client rule". The service of these stories has no grace: only keys help. */
describe('The client rule', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let device: Device
  beforeEach(async () => {
    service = createScriptedService()
    device = await aSignedInDevice(service)
  })

  /** The last token is too old; the next one is asked for, and asked again until it is there. */
  async function refreshSomehow(client = device.client): Promise<void> {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      client.wake()
      await time.settle()
      const code = codeOf(client.getAccessToken())
      await time.pass(11_000)
      if ((await code) === null) return
    }
    throw new Error('it was not refreshed')
  }
  const tokenAges = (): Promise<void> => time.pass(5 * MINUTE)
  const presented = (): string[] => service.refreshes.map(({ token, key }) => `${token as string} ${key}`)
  const isFine = (): void => {
    expect(service.live, JSON.stringify([...service.ended])).to.deep.equal([device.sid])
    expect(device.client.state.status).to.equal('signed_in')
  }

  for (const [name, reply] of Object.entries({
    'the request was lost': fail,
    'the answer was lost': loseAnswer,
    'no answer came': hang,
    'the service was away': say(503, { error: 'temporarily_unavailable' }),
    'a proxy answered': say(502, '<h1>Bad Gateway</h1>'),
    'a hotel answered': say(200, '<p>Accept our terms.'),
  })) {
    it(`repeats token and key unchanged where ${name}, as often as it takes`, async () => {
      service.next(paths.token, reply, reply, reply)
      await tokenAges()
      await refreshSomehow()
      const [first, ...others] = presented().slice(0, 4)
      expect(others).to.deep.equal([first, first, first])
      isFine()
    })
  }

  it('repeats them after the app was killed before it heard the answer, and after that again', async () => {
    await tokenAges()
    service.always(paths.token, loseAnswer)
    for (let times = 0; times < 3; times += 1) {
      const client = device.restart()
      await client.ready()
      client.close()
    }
    service.always(paths.token)
    await device.restart().ready()
    const [first, ...others] = presented().slice(-4)
    expect(others).to.deep.equal([first, first, first])
    expect(service.live).to.deep.equal([device.sid])
  })

  it('makes a new key for each new token, in the same write', async () => {
    for (let times = 0; times < 5; times += 1) {
      await tokenAges()
      await refreshSomehow()
    }
    const asked = service.refreshes
    expect(new Set(asked.map(({ key }) => key)).size).to.equal(asked.length)
    expect(new Set(asked.map(({ token }) => token)).size).to.equal(asked.length)
    for (const { token, key } of asked) {
      const written = device.storage.written.filter((text) => text?.includes(`"${token as string}"`))
      expect(written, 'written once').to.have.length(1)
      expect(written[0]).to.include(key ?? 'a key')
      expect(key).to.match(/^[\w.-]{16,}$/)
    }
    isFine()
  })

  it('presents what was written, before it presents anything else', async () => {
    for (let times = 0; times < 3; times += 1) {
      await tokenAges()
      await refreshSomehow()
    }
    const written = device.storage.written.slice(0, -1)
    for (const [index, { token, key }] of service.refreshes.entries()) {
      expect(written[index]).to.include(token).and.include(key)
    }
  })

  it('repeats the old pair where the new one could not be written, and has an access token all the same', async () => {
    device.storage.fails = 'writing'
    for (let times = 0; times < 3; times += 1) {
      await tokenAges()
      expect(await codeOf(device.client.getAccessToken())).to.equal(null)
    }
    expect(new Set(presented()).size).to.equal(1)
    device.storage.fails = null
    await tokenAges()
    await tokenAges()
    isFine()
  })

  it('goes on with what stands there where nobody knows whether it was written', async () => {
    device.storage.fails = 'after writing'
    for (let times = 0; times < 3; times += 1) {
      await tokenAges()
      expect(await codeOf(device.client.getAccessToken())).to.equal(null)
    }
    device.storage.fails = null
    await tokenAges()
    isFine()
  })

  it('repeats the pair where the storage could not be read when the answer came', async () => {
    const answer = hold()
    service.next(paths.token, answer.reply)
    await tokenAges()
    device.storage.fails = 'reading'
    answer.release()
    await time.settle()
    device.storage.fails = null
    await refreshSomehow()
    const [first, second] = presented()
    expect(second).to.equal(first)
    isFine()
  })

  describe('where somebody else was faster', () => {
    /** The client waits for an answer; meanwhile another one on the same storage refreshes. */
    async function overtake(reply: ReturnType<typeof hold>): Promise<string | null> {
      service.next(paths.token, reply.reply)
      await time.pass(4.5 * MINUTE)
      expect(reply.isAsked()).to.equal(true)
      const other = aClient(service, { storage: device.storage })
      await other.getAccessToken()
      other.close()
      return device.storage.text
    }

    it('drops the answer, and uses what is kept', async () => {
      const late = hold()
      const kept = await overtake(late)
      late.release()
      await time.settle()
      expect(device.storage.written, 'and does not write over it').to.include(kept)
      expect(service.refreshes.at(-1)?.key).to.satisfy((key: string) => kept?.includes(key))
      isFine()
    })

    it('drops a refusal, too', async () => {
      const late = hold()
      await overtake({
        ...late,
        reply: (asked, onward) => Promise.resolve(late.reply(asked, onward)).then(() => refusal('token_reuse')),
      })
      late.release()
      await time.settle()
      isFine()
    })

    it('writes the same key for the same token: whoever presents the one that was there goes on', async () => {
      const first = device.restart()
      let write = (): void => undefined
      const isWritten = new Promise<void>((resolve) => (write = resolve))
      const slow = {
        read: () => device.storage.read(),
        async write(text: string | null) {
          await isWritten
          await device.storage.write(text)
        },
      }
      const second = aClient(service, { storage: slow })
      // Both ask with what they read, and are answered alike; one writes at once, the other one a refresh later.
      void second.ready()
      await first.ready()
      expect(new Set(presented())).to.have.length(1)
      expect(presented()).to.have.length(2)
      const kept = device.storage.text
      const late = hold()
      service.next(paths.token, late.reply)
      while (!late.isAsked()) await time.pass(SECOND)
      write()
      await time.settle()
      expect(device.storage.text).to.equal(kept)
      late.release()
      await time.pass(20 * MINUTE)
      for (const client of [first, second]) {
        expect(client.state, JSON.stringify([...service.ended])).to.deep.equal({
          status: 'signed_in',
          sessionId: device.sid,
        })
      }
    })

    it('and what is kept changes each time, gives up after a few, and comes again', async () => {
      const { text } = device.storage
      let count = 0
      service.always(paths.token, () => {
        device.storage.text = `${text?.replace(/"key":"[^"]*"/, `"key":"${(count += 1)}"`)}`
        return Response.json({ access_token: 'a', refresh_token: 'r', expires_in: 300, session_id: device.sid })
      })
      await time.pass(4.5 * MINUTE)
      expect(count).to.be.within(2, 40)
      expect(device.client.state.status).to.equal('signed_in')
    })
  })

  it('asks once for all who want an access token at once', async () => {
    const client = device.restart()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => client.getAccessToken()))
    expect(new Set(tokens).size).to.equal(1)
    expect(service.refreshes).to.have.length(1)
  })

  it('names the application, where it has a name, and the device', async () => {
    const storage = createNotebook()
    const named = await aSignedInDevice(service, { storage, clientId: 'shop', app: '"Shop"; version="2"' })
    await named.restart().ready()
    for (const path of [paths.sessions, paths.token]) {
      const asked = service.askedAt(path).at(-1)
      expect(asked?.body).to.include({ client_id: 'shop' })
      expect(asked?.headers.get('hallpass-client')).to.equal('"Shop"; version="2"')
    }
  })

  describe('with a cookie, whose token nobody sees', () => {
    let browser: Device
    beforeEach(async () => {
      browser = await aSignedInDevice(service, { transport: 'cookie', storage: createNotebook() })
      device.client.close()
    })

    it('keeps the key alone', async () => {
      const client = browser.restart()
      await client.ready()
      await time.pass(20 * MINUTE)
      for (const text of browser.storage.written) expect(text).not.to.match(/session-\d+\.\d/)
      for (const { token } of service.refreshes) expect(token).to.equal(undefined)
      const keys = service.refreshes.map(({ key }) => key)
      expect(new Set(keys).size).to.equal(keys.length)
      expect(service.live).to.include(browser.sid)
    })

    it('repeats the key until there is an answer', async () => {
      const before = service.refreshes.length
      service.next(paths.token, loseAnswer, loseAnswer)
      const client = browser.restart()
      await refreshSomehow(client)
      const [first, ...others] = service.refreshes.map(({ key }) => key).slice(before, before + 3)
      expect(others).to.deep.equal([first, first])
      expect(client.state).to.include({ status: 'signed_in', sessionId: browser.sid })
    })

    it('finds a session that began on a page of the service, with nothing kept', async () => {
      const sid = service.signInOnAPage()
      const client = aClient(service, { transport: 'cookie', storage: createNotebook() })
      expect(await client.ready()).to.deep.equal({ status: 'signed_in', sessionId: sid })
    })

    it('is signed out where there is no cookie', async () => {
      await browser.client.signOut()
      const client = aClient(service, { transport: 'cookie', storage: createNotebook() })
      expect(await client.ready()).to.deep.equal({ status: 'signed_out', sessionId: null, reason: null })
    })
  })
})
