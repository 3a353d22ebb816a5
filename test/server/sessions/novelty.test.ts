import { expect } from 'chai'
import { v7 as uuidv7 } from 'uuid'
import type { Device } from '../../../src/server/sessions/device.ts'
import { findNovelties, type Novelty } from '../../../src/server/sessions/novelty.ts'
import type { Session } from '../../../src/server/sessions/session.ts'

const NOW = new Date('2026-03-31T12:00:00Z')
const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * 24 * 60 * 60 * 1000)

const OSLO = { city: 'Oslo', country: 'Norway' }
const BERGEN = { city: 'Bergen', country: 'Norway' }
const nothing = { name: null, version: null }
const CHROME_ON_WINDOWS: Device = {
  name: null,
  label: 'Chrome on Windows',
  type: 'desktop',
  browser: { name: 'Chrome', version: '128' },
  os: { name: 'Windows', version: '11' },
  model: null,
  app: nothing,
}
const CHROME_ON_ANDROID: Device = {
  ...CHROME_ON_WINDOWS,
  label: 'Chrome on Pixel 8',
  type: 'mobile',
  os: { name: 'Android', version: '14' },
  model: 'Pixel 8',
}
const FIREFOX_ON_WINDOWS: Device = {
  ...CHROME_ON_WINDOWS,
  label: 'Firefox on Windows',
  browser: { name: 'Firefox', version: '140' },
}

interface Given {
  readonly day: number
  readonly device?: Device
  readonly ipFirst?: string | null
  readonly ip?: string | null
  readonly location?: Session['location']
  readonly revokedReason?: string | null
}

/** A session that began so many days ago; by default in one place, with one kind of device, in one network. */
const session = ({ day, ipFirst = '192.0.2.1', ...given }: Given): Session => ({
  id: uuidv7(),
  userId: uuidv7(),
  status: 'active',
  clientId: 'default',
  transport: 'cookie',
  createdAt: daysAgo(day),
  authenticatedAt: daysAgo(day),
  lastUsedAt: NOW,
  idleExpiresAt: NOW,
  expiresAt: NOW,
  revokedAt: null,
  revokedReason: null,
  amr: ['pwd'],
  device: CHROME_ON_WINDOWS,
  ip: ipFirst,
  ipFirst,
  location: OSLO,
  data: {},
  ...given,
})

/** What is new about the last of them. */
function newIn(...given: Given[]): readonly Novelty[] {
  const sessions = given.map(session)
  return findNovelties(sessions.toReversed(), NOW).get(sessions.at(-1)?.id ?? '') ?? []
}

describe('What is new about a device', () => {
  it('is nothing where it is like one before', () => {
    expect(newIn({ day: 9 }, { day: 1 })).to.deep.equal([])
  })

  it("is nothing for an account's first device", () => {
    expect(newIn({ day: 1 })).to.deep.equal([])
    expect(newIn({ day: 1 }, { day: 2, device: CHROME_ON_ANDROID, location: BERGEN })).to.deep.equal([])
  })

  it('is a place that was never seen, by its name', () => {
    expect(newIn({ day: 9 }, { day: 1, location: BERGEN })).to.deep.equal([{ of: 'place', location: BERGEN }])
    expect(newIn({ day: 99 }, { day: 50, location: BERGEN }, { day: 1, location: BERGEN })).to.deep.equal([])
  })

  it('is no place while no place was ever known', () => {
    expect(newIn({ day: 9, location: null }, { day: 1 })).to.deep.equal([])
    expect(newIn({ day: 9 }, { day: 1, location: null })).to.deep.equal([])
  })

  it('is a system that was never seen', () => {
    expect(newIn({ day: 9 }, { day: 1, device: CHROME_ON_ANDROID })).to.deep.equal([{ of: 'system', name: 'Android' }])
  })

  it('is a browser or an app that was never seen', () => {
    expect(newIn({ day: 9 }, { day: 1, device: FIREFOX_ON_WINDOWS })).to.deep.equal([
      { of: 'program', name: 'Firefox' },
    ])
    const app = { ...CHROME_ON_WINDOWS, app: { name: 'Acme', version: '1' } }
    expect(newIn({ day: 9 }, { day: 1, device: app })).to.deep.equal([{ of: 'program', name: 'Acme' }])
  })

  it('is what was never seen together', () => {
    const firefoxOnAndroid = { ...CHROME_ON_ANDROID, browser: FIREFOX_ON_WINDOWS.browser }
    const before = [
      { day: 99, device: CHROME_ON_ANDROID },
      { day: 98, device: FIREFOX_ON_WINDOWS },
    ]
    expect(newIn(...before, { day: 1, device: firefoxOnAndroid })).to.deep.equal([{ of: 'combination' }])
    expect(newIn(...before, { day: 1, device: { ...CHROME_ON_ANDROID, model: 'Pixel 9' } })).to.deep.equal([
      { of: 'combination' },
    ])
  })

  it('is not a newer version of the same', () => {
    const updated = { ...CHROME_ON_WINDOWS, browser: { name: 'Chrome', version: '129' } }
    expect(newIn({ day: 9 }, { day: 1, device: updated })).to.deep.equal([])
  })

  for (const [ip, isNear] of [
    ['192.0.2.254', true],
    ['::ffff:192.0.2.77', true],
    ['192.0.3.1', false],
    ['2001:db8:1::1', false],
    [null, true],
    ['somewhere', true],
  ] as const) {
    it(`is ${isNear ? 'not ' : ''}the network of ${ip} after 192.0.2.1`, () => {
      expect(newIn({ day: 9 }, { day: 1, ipFirst: ip })).to.deep.equal(isNear ? [] : [{ of: 'network' }])
    })
  }

  it('takes an IPv6 /48 for one network', () => {
    const before = { day: 9, ipFirst: '2001:db8:1:2::3' }
    expect(newIn(before, { day: 1, ipFirst: '2001:db8:1:ffff::1' })).to.deep.equal([])
    expect(newIn(before, { day: 1, ipFirst: '2001:db8:2:2::3' })).to.deep.equal([{ of: 'network' }])
  })

  it('is not a network to which an older device has moved', () => {
    expect(newIn({ day: 9, ip: '198.51.100.1' }, { day: 1, ipFirst: '198.51.100.2' })).to.deep.equal([])
  })

  it('is the place rather than its network, and the kind besides', () => {
    const far = { day: 1, location: BERGEN, ipFirst: '198.51.100.1', device: CHROME_ON_ANDROID }
    expect(newIn({ day: 9 }, far)).to.deep.equal([
      { of: 'place', location: BERGEN },
      { of: 'system', name: 'Android' },
    ])
  })

  it('is told for thirty days', () => {
    expect(newIn({ day: 99 }, { day: 29.9, location: BERGEN })).to.have.lengthOf(1)
    expect(newIn({ day: 99 }, { day: 30, location: BERGEN })).to.deep.equal([])
  })

  it('does not become familiar while it is new, however the device that brought it ended', () => {
    const theirs = { location: BERGEN, device: CHROME_ON_ANDROID, ipFirst: '198.51.100.1' }
    for (const revokedReason of ['signed_out', 'revoked_by_user', 'not_me', 'replaced', null]) {
      expect(newIn({ day: 99 }, { ...theirs, day: 5, revokedReason }, { ...theirs, day: 1 })).to.have.lengthOf(2)
      expect(newIn({ day: 99 }, { ...theirs, day: 29, revokedReason }, { ...theirs, day: 1 })).to.have.lengthOf(2)
    }
  })

  it('becomes familiar after thirty days, but not by a device that its owner did not know', () => {
    const theirs = { location: BERGEN, device: CHROME_ON_ANDROID, ipFirst: '198.51.100.1' }
    const isFamiliarAfter = (revokedReason: string | null): boolean =>
      newIn({ day: 99 }, { ...theirs, day: 31, revokedReason }, { ...theirs, day: 1 }).length === 0
    for (const revokedReason of ['signed_out', 'expired_idle', null]) expect(isFamiliarAfter(revokedReason)).to.be.true
    for (const revokedReason of ['not_me', 'token_reuse']) expect(isFamiliarAfter(revokedReason)).to.be.false
  })

  it('leaves the given order as it is', () => {
    const sessions = [session({ day: 1 }), session({ day: 9 })]
    const before = [...sessions]
    findNovelties(sessions, NOW)
    expect(sessions).to.deep.equal(before)
  })
})
