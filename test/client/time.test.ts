import { expect } from 'chai'
import { randomUUID } from 'node:crypto'
import { paths } from '../../src/protocol/paths.ts'
import { useFakePage } from '../support/fake-page.ts'
import { useFakeTime } from '../support/fake-time.ts'
import { aSignedInDevice, codeOf, MINUTE, SECOND, type Device } from './clients.ts'
import { createNotebook } from './notebook.ts'
import { createScriptedService, fail, hang, hold, say } from './scripted-service.ts'

const YEAR = 365 * 24 * 60 * MINUTE

describe('As time passes, a client', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let device: Device
  beforeEach(async () => {
    service = createScriptedService()
    device = await aSignedInDevice(service)
  })

  const refreshes = (): number => service.refreshes.length
  const hasToken = async (): Promise<boolean> => (await codeOf(device.client.getAccessToken())) === null

  it('refreshes ahead, when three quarters of the life of an access token are over, not all devices at once', async () => {
    await time.pass(60 * MINUTE)
    const times = [0, ...service.refreshes.map(({ at }) => at - 1_000)]
    const waits = times.slice(1).map((at, index) => at - times[index]!)
    expect(waits.length).to.be.within(14, 16)
    for (const wait of waits) expect(wait / (5 * MINUTE)).to.be.within(0.75, 0.851)
    expect(new Set(waits).size).to.be.above(10)
  })

  it('gives the same access token meanwhile, and asks for nothing', async () => {
    const token = await device.client.getAccessToken()
    for (let minutes = 0; minutes < 3; minutes += 1) {
      await time.pass(MINUTE)
      expect(await device.client.getAccessToken()).to.equal(token)
    }
    expect(refreshes()).to.equal(0)
  })

  it('gives no access token that would be too old when it arrives', async () => {
    service.always(paths.token, fail)
    await time.pass(4 * MINUTE)
    expect(await hasToken()).to.equal(true)
    await time.pass(55 * SECOND)
    expect(await codeOf(device.client.getAccessToken())).to.equal('unavailable')
  })

  it('counts the life of a token from when it asked, not from when it was answered', async () => {
    const answer = hold()
    service.next(paths.token, answer.reply)
    service.life = 60
    while (!answer.isAsked()) await time.pass(SECOND)
    await time.pass(8 * SECOND)
    answer.release()
    await time.pass(MINUTE)
    const [first, second] = service.refreshes.map(({ at }) => at)
    expect(second! - first!).to.be.within(45 * SECOND, 51.1 * SECOND)
  })

  for (const life of [1, 0.001]) {
    it(`asks once a second at most for tokens that live ${life} s`, async () => {
      service.life = life
      await time.pass(5 * MINUTE)
      const before = refreshes()
      for (let seconds = 0; seconds < 60; seconds += 1) {
        for (let times = 0; times < 10; times += 1) await hasToken()
        await time.pass(SECOND)
      }
      expect(refreshes() - before).to.be.within(20, 62)
    })
  }

  for (const life of [0, -5, Number.NaN, 'soon']) {
    it(`takes a life of ${life} for no answer, and waits before it asks again`, async () => {
      service.life = life as number
      await time.pass(4.5 * MINUTE)
      expect(refreshes()).to.be.within(1, 8)
      for (let times = 0; times < 100; times += 1) void (await Promise.race([hasToken(), time.settle()]))
      expect(refreshes()).to.be.within(1, 8)
      expect(device.client.state.status).to.equal('signed_in')
    })
  }

  describe('whose clock is set', () => {
    for (const [name, by] of [
      ['forward by years', 10 * YEAR],
      ['forward by an hour', 60 * MINUTE],
      ['back by years', -10 * YEAR],
      ['back by an hour', -60 * MINUTE],
    ] as const) {
      it(`${name}, refreshes once more at most, and signs nobody out`, async () => {
        await time.pass(MINUTE)
        time.setWallClock(by)
        expect(await hasToken()).to.equal(true)
        device.client.wake()
        await time.pass(MINUTE)
        expect(await hasToken()).to.equal(true)
        expect(refreshes()).to.be.most(1)
        await time.pass(60 * MINUTE)
        expect(refreshes()).to.be.within(13, 17)
        expect(device.client.state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
      })

      it(`${name} while a refresh is under way, goes on as before`, async () => {
        service.next(paths.token, async (_, onward) => {
          time.setWallClock(by)
          return onward()
        })
        await time.pass(60 * MINUTE)
        expect(refreshes()).to.be.within(13, 18)
        expect(device.client.state).to.deep.equal({ status: 'signed_in', sessionId: device.sid })
        expect(await hasToken()).to.equal(true)
      })
    }

    it('again and again, asks for no more than it was set', async () => {
      for (let times = 0; times < 20; times += 1) {
        time.setWallClock(times % 2 === 0 ? YEAR : -YEAR)
        expect(await hasToken()).to.equal(true)
        await time.pass(SECOND)
      }
      expect(refreshes()).to.be.most(20)
      expect(device.client.state.status).to.equal('signed_in')
    })
  })

  describe('that slept', () => {
    it('refreshes before it gives an access token, though its own clock stood still', async () => {
      const before = await device.client.getAccessToken()
      time.sleep(8 * 60 * MINUTE)
      expect(await device.client.getAccessToken()).not.to.equal(before)
      expect(refreshes()).to.equal(1)
    })

    it('refreshes when somebody is back', async () => {
      time.sleep(8 * 60 * MINUTE)
      device.client.wake()
      await time.settle()
      expect(refreshes()).to.equal(1)
    })

    it('is signed in where it wakes without a network, and until there is one has no access token', async () => {
      service.always(paths.token, fail)
      time.sleep(8 * 60 * MINUTE)
      expect(await codeOf(device.client.getAccessToken())).to.equal('unavailable')
      expect(device.client.state.status).to.equal('signed_in')
      service.always(paths.token)
      await time.pass(2 * SECOND)
      expect(await hasToken()).to.equal(true)
    })

    it('waits no longer than Retry-After for having slept', async () => {
      service.next(paths.token, say(503, {}, { 'retry-after': '600' }))
      await time.pass(4.5 * MINUTE)
      time.sleep(20 * MINUTE)
      device.client.wake()
      await time.settle()
      expect(refreshes()).to.equal(2)
    })
  })

  it('that is woken has nothing to do before a refresh is due', async () => {
    await time.pass(2 * MINUTE)
    for (let times = 0; times < 10; times += 1) device.client.wake()
    await time.settle()
    expect(refreshes()).to.equal(0)
  })

  describe('in a page', () => {
    const page = useFakePage()
    beforeEach(async () => {
      device.client.close() // which began without one
      device = await aSignedInDevice(service, { follow: false })
    })

    it('does nothing while nobody looks, and refreshes when somebody does', async () => {
      page.show(false)
      await time.pass(60 * MINUTE)
      expect(refreshes()).to.equal(0)
      page.show(true)
      await time.settle()
      expect(refreshes()).to.equal(1)
    })

    it('does not ask again while nobody looks, though nobody answered', async () => {
      service.always(paths.token, fail)
      await time.pass(4.5 * MINUTE)
      page.show(false)
      const before = refreshes()
      await time.pass(60 * MINUTE)
      expect(refreshes()).to.equal(before)
      service.always(paths.token)
      page.show(true)
      await time.settle()
      expect(refreshes()).to.equal(before + 1)
    })

    for (const event of ['pageshow', 'online', 'visibilitychange']) {
      it(`looks at ${event}`, async () => {
        service.always(paths.token, hang)
        await time.pass(6 * MINUTE)
        service.always(paths.token, fail)
        await time.pass(11 * SECOND)
        const before = refreshes()
        service.always(paths.token)
        page.fire(event)
        await time.settle()
        expect(refreshes()).to.equal(before + 1)
      })
    }

    it('listens to nothing any more after it was closed', () => {
      expect(page.listeners()).to.be.above(0)
      device.client.close()
      expect(page.listeners()).to.equal(0)
    })
  })

  describe('that was closed', () => {
    it('has no timers, and asks for nothing', async () => {
      device.client.close()
      await time.pass(60 * MINUTE)
      expect(refreshes()).to.equal(0)
      expect(time.timers()).to.equal(0)
    })

    it('in the middle of a request, begins no other, and changes nothing any more', async () => {
      service.next(paths.token, async (_, onward) => {
        const answer = onward()
        await new Promise((resolve) => void setTimeout(resolve, 3 * SECOND))
        return answer
      })
      await time.pass(4 * MINUTE + 15 * SECOND)
      device.client.close()
      const { state } = device.client
      await time.pass(60 * MINUTE)
      expect(refreshes()).to.equal(1)
      expect(device.client.state).to.equal(state)
      expect(time.timers()).to.equal(0)
    })

    it('in the middle of a request, with a storage that fails, does not try again', async () => {
      const answer = hold()
      service.next(paths.token, answer.reply)
      while (!answer.isAsked()) await time.pass(SECOND)
      device.storage.fails = 'reading'
      device.client.close()
      answer.release()
      await time.pass(60 * MINUTE)
      expect(refreshes()).to.equal(1)
      expect(time.timers()).to.equal(0)
    })

    it('while another tab had the lock, asks for nothing when that is done', async () => {
      device.client.close()
      const storage = createNotebook(`hallpass ${randomUUID()}`)
      const { client } = await aSignedInDevice(service, { storage })
      let letGo = (): void => undefined
      const other = navigator.locks.request(storage.name!, () => new Promise<void>((resolve) => (letGo = resolve)))
      time.sleep(10 * MINUTE)
      const token = codeOf(client.getAccessToken())
      await time.pass(5 * SECOND)
      client.close()
      const { length } = service.asked
      letGo()
      await other
      await time.pass(60 * MINUTE)
      expect(await token).to.equal('unavailable')
      expect(service.asked).to.have.length(length)
      expect(time.timers()).to.equal(0)
    })

    it('while it waited to ask again, waits no more', async () => {
      service.always(paths.token, fail)
      await time.pass(5 * MINUTE)
      const before = refreshes()
      device.client.close()
      device.client.wake()
      await time.pass(60 * MINUTE)
      expect(refreshes()).to.equal(before)
      expect(time.timers()).to.equal(0)
    })
  })
})
