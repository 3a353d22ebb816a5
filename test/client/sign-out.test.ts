import { expect } from 'chai'
import type { Client, SessionState } from 'hallpass/client'
import { paths } from '../../src/protocol/paths.ts'
import { useFakeTime } from '../support/fake-time.ts'
import { aClient, ADA, aSignedInDevice, codeOf, MINUTE, SECOND, type Device } from './clients.ts'
import { createNotebook } from './notebook.ts'
import { createScriptedService, fail, hang, hold, loseAnswer, refusal, say, type Reply } from './scripted-service.ts'

const SIGNED_OUT = { status: 'signed_out', sessionId: null, reason: 'signed_out' }

describe('Signing out', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let device: Device
  let seen: SessionState['status'][]
  beforeEach(async () => {
    service = createScriptedService()
    device = await aSignedInDevice(service)
    seen = []
    watch(device.client)
  })

  const watch = (client: Client): void => void client.onChange(({ status }) => seen.push(status))

  /** Whatever happens later, nobody is signed in again. */
  async function staysSignedOut(client = device.client): Promise<void> {
    expect(client.state).to.deep.equal(SIGNED_OUT)
    client.wake()
    await time.pass(20 * MINUTE)
    client.wake()
    await time.settle()
    expect(client.state).to.deep.equal(SIGNED_OUT)
    expect(await codeOf(client.getAccessToken())).to.equal('signed_out')
    expect(device.storage.text).to.equal(null)
    expect(service.live).to.be.empty
    expect(seen).not.to.include('signed_in')
    expect(await device.restart().ready()).to.include({ status: 'signed_out' })
  }

  it('shows at once, and the service hears of it', async () => {
    const answer = hold()
    service.always(paths.revoke, answer.reply)
    const out = device.client.signOut()
    expect(device.client.state).to.deep.equal(SIGNED_OUT)
    expect(await codeOf(device.client.getAccessToken())).to.equal('signed_out')
    answer.release()
    expect(await out).to.equal(true)
    expect(service.ended.get(device.sid)).to.equal('signed_out')
    expect(service.refreshes).to.be.empty
    await staysSignedOut()
  })

  it('of nobody asks nobody', async () => {
    const client = aClient(service, { storage: createNotebook() })
    await client.ready()
    const before = service.asked.length
    expect(await client.signOut()).to.equal(true)
    expect(service.asked).to.have.length(before)
  })

  it('is the first thing that an app may do', async () => {
    const client = device.restart()
    watch(client)
    expect(await client.signOut()).to.equal(true)
    await time.settle()
    await staysSignedOut(client)
  })

  it('twice is no different', async () => {
    expect(await Promise.all([device.client.signOut(), device.client.signOut()])).to.deep.equal([true, true])
    await staysSignedOut()
  })

  it('of a session that is over is done', async () => {
    service.end(device.sid, 'revoked_by_user')
    expect(await device.client.signOut()).to.equal(true)
    await staysSignedOut()
  })

  describe('while a refresh is under way', () => {
    /** Until it asks. */
    async function refreshBegins(reply: Reply): Promise<void> {
      service.next(paths.token, reply)
      while (service.refreshes.length === 0) await time.pass(SECOND)
    }

    it('wins over its answer, which comes too late', async () => {
      const late = hold()
      await refreshBegins(late.reply)
      const out = device.client.signOut()
      await time.settle()
      late.release()
      expect(await out).to.equal(true)
      await staysSignedOut()
    })

    it('wins over an answer that never comes', async () => {
      await refreshBegins(hang)
      const out = device.client.signOut()
      expect(device.client.state).to.deep.equal(SIGNED_OUT)
      await time.pass(11 * SECOND)
      expect(await out).to.equal(true)
      await staysSignedOut()
    })

    it('wins over an answer that comes while the service is told', async () => {
      const [late, told] = [hold(), hold()]
      // It is given up, and there all the same.
      await refreshBegins((asked, onward) => Promise.race([late.reply(asked, onward), hang(asked, onward)]))
      service.next(paths.revoke, told.reply)
      const out = device.client.signOut()
      await time.pass(9.9 * SECOND)
      late.release()
      await time.settle()
      expect(told.isAsked()).to.equal(true)
      told.release()
      expect(await out).to.equal(true)
      await staysSignedOut()
    })

    it('wins over an answer that is just being written, on a slow storage', async () => {
      let release = (): void => undefined
      device.storage.slow = new Promise((resolve) => (release = resolve))
      while (service.refreshes.length === 0) await time.pass(SECOND)
      const out = device.client.signOut()
      await time.settle()
      expect(device.client.state).to.deep.equal(SIGNED_OUT)
      release()
      expect(await out).to.equal(true)
      await staysSignedOut()
    })

    it('wins over a refusal, and keeps its own reason', async () => {
      const late = hold()
      await refreshBegins((asked, onward) =>
        Promise.resolve(late.reply(asked, onward)).then(() => refusal('revoked_by_admin')),
      )
      const out = device.client.signOut()
      late.release()
      await out
      await staysSignedOut()
    })
  })

  describe('without a network', () => {
    beforeEach(async () => {
      service.always(paths.revoke, fail)
      service.always(paths.token, fail)
      expect(await device.client.signOut()).to.equal(false)
    })

    const networkIsBack = (): void => {
      service.always(paths.revoke)
      service.always(paths.token)
    }

    it('shows all the same', () => {
      expect(device.client.state).to.deep.equal(SIGNED_OUT)
      expect(service.live).to.deep.equal([device.sid])
    })

    it('is told later, by itself', async () => {
      await time.pass(10 * MINUTE)
      expect(device.client.state).to.deep.equal(SIGNED_OUT)
      networkIsBack()
      await time.pass(2 * MINUTE)
      expect(service.ended.get(device.sid)).to.equal('signed_out')
      await staysSignedOut()
    })

    it('is told when somebody is back', async () => {
      networkIsBack()
      device.client.wake()
      await time.settle()
      expect(service.live).to.be.empty
      await staysSignedOut()
    })

    it('is remembered by the app that starts next, which tells it', async () => {
      const offline = device.restart()
      watch(offline)
      expect(await offline.ready()).to.deep.equal(SIGNED_OUT)
      expect(await codeOf(offline.getAccessToken())).to.equal('signed_out')
      networkIsBack()
      const online = device.restart()
      watch(online)
      expect(await online.ready()).to.deep.equal(SIGNED_OUT)
      await time.pass(MINUTE)
      expect(service.ended.get(device.sid)).to.equal('signed_out')
      await staysSignedOut(online)
    })

    it('is told again where nobody knows whether it arrived', async () => {
      networkIsBack()
      service.next(paths.revoke, loseAnswer)
      await time.pass(3 * MINUTE)
      expect(service.askedAt(paths.revoke)).to.have.length(3)
      await staysSignedOut()
    })

    it('does not hammer the service', async () => {
      await time.pass(60 * MINUTE)
      expect(service.asked.length).to.be.within(50, 150)
      for (const { path } of service.asked.slice(1)) expect(path).to.equal(paths.revoke)
    })

    it('is told before somebody signs in again, whose session lives', async () => {
      networkIsBack()
      const { id } = await device.client.signIn(ADA)
      expect(service.ended.get(device.sid)).to.equal('signed_out')
      expect(service.live).to.deep.equal([id])
      expect(device.client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
      await time.pass(20 * MINUTE)
      expect(service.live).to.deep.equal([id])
    })
  })

  describe('with a storage that cannot be written now', () => {
    it('does not bring the session back', async () => {
      device.storage.fails = 'writing'
      await device.client.signOut()
      device.storage.fails = null
      await time.pass(2 * SECOND)
      await staysSignedOut()
    })

    it('does not bring it back when somebody looks, either', async () => {
      device.storage.fails = 'writing'
      await device.client.signOut()
      device.storage.fails = null
      device.client.wake()
      await time.settle()
      await staysSignedOut()
    })

    for (const fails of ['reading', 'writing'] as const) {
      it(`is shown at once and done by itself, as soon as ${fails} works again`, async () => {
        device.storage.fails = fails
        expect(await device.client.signOut()).to.equal(false)
        expect(device.client.state).to.deep.equal(SIGNED_OUT)
        await time.pass(10 * MINUTE)
        expect(device.client.state).to.deep.equal(SIGNED_OUT)
        device.storage.fails = null
        await time.pass(MINUTE + SECOND)
        expect(service.ended.get(device.sid)).to.equal('signed_out')
        await staysSignedOut()
      })
    }

    for (const transport of ['body', 'cookie'] as const) {
      it(`is done before somebody signs in again, who stays signed in (${transport})`, async () => {
        const { client, storage, sid } = await aSignedInDevice(service, { transport, storage: createNotebook() })
        storage.fails = 'writing'
        await client.signOut()
        storage.fails = null
        const { id } = await client.signIn(ADA)
        expect(service.ended.get(sid)).to.equal('signed_out')
        await time.pass(20 * MINUTE)
        expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
        expect(service.live).to.include(id)
      })
    }

    it('is not made up for where somebody could sign in again all the same', async () => {
      device.storage.fails = 'writing'
      await device.client.signOut()
      service.next(paths.sessions, (_, onward) => {
        device.storage.fails = null
        return onward()
      })
      const { id } = await device.client.signIn(ADA)
      await time.pass(20 * MINUTE)
      expect(device.client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
      expect(service.live).to.include(id)
    })
  })

  it('ends the session by its access token where somebody has cleared the storage', async () => {
    device.storage.text = null
    expect(await device.client.signOut()).to.equal(true)
    const asked = service.asked.at(-1)
    expect(asked).to.include({ method: 'DELETE', path: paths.currentSession })
    expect(asked?.headers.get('authorization')).to.include(device.sid)
    expect(service.ended.get(device.sid)).to.equal('signed_out')
    await staysSignedOut()
  })

  describe('in a browser', () => {
    let browser: Device
    beforeEach(async () => {
      device.client.close()
      service.end(device.sid, 'signed_out')
      browser = await aSignedInDevice(service, { transport: 'cookie', storage: createNotebook() })
      seen = []
    })

    it('ends the session by its access token', async () => {
      const before = service.asked.length
      expect(await browser.client.signOut()).to.equal(true)
      const [asked, ...more] = service.asked.slice(before)
      expect(asked).to.include({ method: 'DELETE', path: paths.currentSession })
      expect(asked?.headers.get('authorization')).to.include(browser.sid)
      expect(more).to.be.empty
      expect(service.live).to.be.empty
      expect(browser.storage.text).to.equal(null)
    })

    for (const fails of ['reading', 'writing'] as const) {
      it(`where ${fails} what is kept fails: it is done by itself later`, async () => {
        browser.storage.fails = fails
        expect(await browser.client.signOut()).to.equal(false)
        expect(browser.client.state).to.deep.equal(SIGNED_OUT)
        browser.storage.fails = null
        await time.pass(2 * SECOND)
        expect(service.ended.get(browser.sid)).to.equal('signed_out')
        expect(browser.client.state).to.deep.equal(SIGNED_OUT)
      })
    }

    it('is not forgotten where it comes while the first look writes its key, on a slow storage', async () => {
      const storage = createNotebook()
      let release = (): void => undefined
      storage.slow = new Promise((resolve) => (release = resolve))
      const client = aClient(service, { transport: 'cookie', storage })
      void client.ready()
      await time.settle()
      const out = client.signOut()
      await time.settle()
      release()
      expect(await out).to.equal(true)
      expect(service.live).to.be.empty
      client.wake()
      await time.pass(MINUTE)
      expect(client.state).to.deep.equal(SIGNED_OUT)
    })

    it('ends the session also where somebody has cleared what was kept', async () => {
      browser.storage.text = ''
      expect(await browser.client.signOut()).to.equal(true)
      expect(service.live).to.be.empty
    })

    for (const [name, age] of [
      ['that is too old', 6 * MINUTE],
      ['that an API refuses', 0],
    ] as const) {
      it(`gets another access token in place of one ${name}`, async () => {
        service.always(paths.token, fail)
        await time.pass(age)
        service.always(paths.token)
        service.next(paths.currentSession, say(401, { code: 'invalid_access_token' }))
        if (age > 0) await service.fetch(`https://auth.example${paths.currentSession}`) // uses that up
        expect(await browser.client.signOut()).to.equal(true)
        expect(service.live).to.be.empty
        expect(browser.client.state).to.deep.equal(SIGNED_OUT)
      })
    }

    it('without a network, then closed: it is told at the next start, after a refresh', async () => {
      service.always(paths.currentSession, fail)
      service.always(paths.token, fail)
      expect(await browser.client.signOut()).to.equal(false)
      service.always(paths.currentSession)
      service.always(paths.token)
      const before = service.asked.length
      const client = browser.restart()
      watch(client)
      expect(await client.ready()).to.deep.equal(SIGNED_OUT)
      expect(service.asked.slice(before).map(({ path }) => path)).to.deep.equal([paths.token, paths.currentSession])
      expect(service.live).to.be.empty
      expect(seen).not.to.include('signed_in')
      expect(browser.storage.text).to.equal(null)
    })

    it('then ends nobody else’s session: who signed in since, on a page of the service, stays', async () => {
      service.always(paths.currentSession, fail)
      service.always(paths.token, fail)
      await browser.client.signOut()
      service.always(paths.currentSession)
      service.always(paths.token)
      const other = service.signInOnAPage()
      const client = browser.restart()
      await client.ready()
      await time.settle()
      expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: other })
      expect(service.live).to.include(other)
    })
  })
})
