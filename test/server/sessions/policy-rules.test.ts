import { expect } from 'chai'
import fc from 'fast-check'
import { describeDevice, deviceEvidence } from '../../../src/server/sessions/device.ts'
import { POLICY_RULES, type PolicyRule } from '../../../src/server/sessions/policy.ts'
import { POLICY_COMPARISONS, type Refreshing, type Sight } from '../../../src/server/sessions/policy-rules.ts'
import { seenOf } from '../../../src/server/sessions/seen.ts'
import { isBelow, wentDown } from '../../../src/server/sessions/versions.ts'

const AT = new Date('2026-03-04T14:05:09Z')

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)'
const chrome = (version: string, system = WINDOWS) => `${system} Chrome/${version} Safari/537.36`
const firefox = (version: string, system = 'Windows NT 10.0; Win64; x64') =>
  `Mozilla/5.0 (${system}; rv:${version}) Gecko/20100101 Firefox/${version}`
const safari = (version: string, system = 'Macintosh; Intel Mac OS X 10_15_7') =>
  `Mozilla/5.0 (${system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Safari/605.1.15`

function sight(headers: Record<string, string>, others: Partial<Sight> = {}): Sight {
  const evidence = deviceEvidence(headers, null)
  const device = describeDevice(evidence)
  const { browser, os } = device
  return { userAgent: evidence.userAgent, browser, os: os.name, country: null, ip: null, ...others }
}
const from = (userAgent: string, others: Partial<Sight> = {}): Sight => sight({ 'user-agent': userAgent }, others)

const refreshing = (before: Sight, now: Sight, others: Partial<Refreshing> = {}): Refreshing => ({
  before,
  now,
  lastUsedAt: AT,
  at: AT,
  idleAfter: 60,
  appVersion: null,
  minAppVersion: null,
  ...others,
})

const tripped = (given: Refreshing): PolicyRule[] => POLICY_RULES.filter((rule) => POLICY_COMPARISONS[rule](given))

const userAgent = fc.oneof(
  fc.constantFrom(chrome('130.0.0.0'), firefox('131.0'), safari('17.5'), 'okhttp/4.12.0', 'Acme/2.3.1', ''),
  fc.string({ maxLength: 60 }),
)
const ip = fc.option(fc.oneof(fc.ipV4(), fc.ipV6()))
const country = fc.option(fc.constantFrom('PT', 'NO', 'JP'))
const anySight = fc
  .record({ userAgent, ip, country, brands: fc.option(fc.constantFrom('"Brave";v="130"', '"Chromium";v="130"')) })
  .map(({ userAgent: agent, brands, ...others }) =>
    sight({ 'user-agent': agent, ...(brands === null ? {} : { 'sec-ch-ua': brands }) }, others),
  )
const parts = fc.array(fc.nat({ max: 200_000 }), { minLength: 1, maxLength: 4 })
const sameLength = fc
  .integer({ min: 1, max: 4 })
  .chain((length) =>
    fc.tuple(...[0, 1, 2].map(() => fc.array(fc.nat({ max: 3 }), { minLength: length, maxLength: length }))),
  )

describe('What policies compare', () => {
  it('never trips where nothing changed', () =>
    fc.assert(fc.property(anySight, (same) => tripped(refreshing(same, { ...same })).length === 0)))

  it('never trips by what is not known on either side', () => {
    const unknown: Sight = { ...from(''), ip: null, country: null }
    fc.assert(
      fc.property(anySight, (known) => {
        expect(tripped(refreshing(known, unknown))).to.be.empty
        expect(tripped(refreshing(unknown, known))).to.be.empty
      }),
    )
  })

  it('trips both ways or not at all, but for a version', () =>
    fc.assert(
      fc.property(anySight, anySight, (one, other) => {
        for (const rule of ['browser', 'os', 'country', 'network'] as const) {
          const [there, back] = [refreshing(one, other), refreshing(other, one)].map(POLICY_COMPARISONS[rule])
          expect(there && { from: there.to, to: there.from }).to.deep.equal(back)
        }
      }),
    ))

  it('never trips by an update, however far', () =>
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const [older, newer] = [one, other].toSorted((a, b) => compare(a, b)).map((each) => each.join('.'))
        for (const browser of [chrome, firefox, safari]) {
          const given = refreshing(from(browser(older ?? '')), from(browser(newer ?? '')))
          expect(tripped(given)).to.be.empty
        }
      }),
    ))

  it('trips by a browser that is older than it was', () => {
    for (const [before, now, difference] of [
      [chrome('130.0.0.0'), chrome('129.0.0.0'), { from: 'Chrome 130', to: 'Chrome 129' }],
      [firefox('131.0'), firefox('99.0'), { from: 'Firefox 131.0', to: 'Firefox 99.0' }],
      [safari('17.10'), safari('17.9'), { from: 'Safari 17.10', to: 'Safari 17.9' }],
    ] as const) {
      const given = refreshing(from(before), from(now))
      expect(POLICY_COMPARISONS.browser_downgrade(given)).to.deep.equal(difference)
      expect(tripped(given)).to.deep.equal(['browser_downgrade'])
    }
  })

  it('does not trip by a version that is known less exactly, or more, or is that of a program', () => {
    const exact = sight({
      'user-agent': chrome('130.0.0.0'),
      'sec-ch-ua-full-version-list': '"Google Chrome";v="130.0.6723.58", "Chromium";v="130.0.6723.58"',
    })
    const hidden = sight({
      'user-agent': chrome('130.0.0.0'),
      'sec-ch-ua-full-version-list': '"Chromium";v="130.0.0.0"',
    })
    expect(exact.browser.version).to.equal('130.0.6723.58')
    const reduced = from(chrome('130.0.0.0'))
    for (const [before, now] of [
      [exact, reduced],
      [reduced, exact],
      [exact, { ...hidden, browser: { name: 'Chrome', version: '130.0.0.0' } }],
      [from('okhttp/4.12.0'), from('okhttp/4.9.3')],
    ] as const) {
      expect(tripped(refreshing(before, now))).to.be.empty
    }
  })

  it('tells browsers apart, and a browser from what is none', () => {
    for (const [before, now, difference] of [
      [chrome('130.0.0.0'), firefox('131.0'), { from: 'Chrome', to: 'Firefox' }],
      [
        safari('17.5'),
        chrome('130.0.0.0', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)'),
        { from: 'Safari', to: 'Chrome' },
      ],
      [chrome('130.0.0.0'), `${chrome('130.0.0.0')} Edg/130.0.0.0`, { from: 'Chrome', to: 'Edge' }],
      [chrome('130.0.0.0'), 'curl/8.5.0', { from: 'Chrome', to: 'not a browser' }],
    ] as const) {
      expect(POLICY_COMPARISONS.browser(refreshing(from(before), from(now)))).to.deep.equal(difference)
    }
  })

  it('takes what one device says of itself at different times for one', () => {
    const android = (system: string) =>
      chrome('130.0.0.0', `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko)`)
    const brave = { 'user-agent': chrome('130.0.0.0'), 'sec-ch-ua': '"Brave";v="130", "Chromium";v="130"' }
    for (const [name, before, now] of [
      ['hints that tell the brand, and none', sight(brave), from(chrome('130.0.0.0'))],
      ['desktop site on an iPad', from(safari('17.5', 'iPad; CPU OS 17_5 like Mac OS X')), from(safari('17.5'))],
      ['desktop site on Android', from(android('Linux; Android 10; K')), from(android('X11; Linux x86_64'))],
      [
        'desktop site in Firefox',
        from(firefox('131.0', 'Android 14; Mobile')),
        from(firefox('131.0', 'X11; Linux x86_64')),
      ],
      ['an app with another library', from('okhttp/4.12.0'), from('ktor-client')],
      ['an app that was updated', from('Acme/2.3.1'), from('Acme/2.4.0 (com.acme; Android 15)')],
    ] as const) {
      expect(tripped(refreshing(before, now)), name).to.be.empty
    }
  })

  it('tells systems apart that no switch turns into each other', () => {
    const mac = from(firefox('131.0', 'Macintosh; Intel Mac OS X 10.15'))
    const linux = from(firefox('131.0', 'X11; Linux x86_64'))
    expect(POLICY_COMPARISONS.os(refreshing(mac, linux))).to.deep.equal({ from: 'Apple', to: 'Linux' })
    expect(POLICY_COMPARISONS.os(refreshing(from(firefox('131.0')), linux))).to.deep.equal({
      from: 'Windows',
      to: 'Linux',
    })
  })

  it('takes addresses of one /24, and of one /48, for one network, and no others', () => {
    const at = (address: string): Sight => from('', { ip: address })
    const network = (one: string, other: string) => POLICY_COMPARISONS.network(refreshing(at(one), at(other)))
    fc.assert(
      fc.property(fc.ipV4(), fc.nat({ max: 255 }), (address, last) => {
        const neighbour = address.replace(/\d+$/, String(last))
        expect(network(address, neighbour)).to.equal(null)
        expect(network(address, `::ffff:${neighbour}`)).to.equal(null)
        const stranger = address.replace(/\.(\d+)\.\d+$/, (_, third) => `.${(Number(third) + 1) % 256}.${last}`)
        expect(network(address, stranger)?.to).to.match(/\.0\/24$/)
      }),
    )
    const group = fc.nat({ max: 0xffff }).map((value) => value.toString(16))
    fc.assert(
      fc.property(fc.array(group, { minLength: 7, maxLength: 7 }), group, (groups, other) => {
        const prefix = groups.slice(0, 2)
        const address = ['2001', ...prefix, ...groups.slice(2)].join(':')
        expect(network(address, ['2001', ...prefix, other, '1', '2', '3', '4'].join(':'))).to.equal(null)
        expect(network(address, ['2002', ...prefix, ...groups.slice(2)].join(':'))?.from).to.match(/\/48$/)
      }),
    )
    expect(network('203.0.113.7', '2001:db8::1')).to.deep.equal({ from: '203.0.113.0/24', to: '2001:db8::/48' })
  })

  it('trips by a time without use, from the second that is too long', () => {
    const after = (seconds: number) =>
      POLICY_COMPARISONS.idle(refreshing(from(''), from(''), { lastUsedAt: new Date(AT.getTime() - seconds * 1000) }))
    expect(after(59)).to.equal(null)
    expect(after(60)).to.deep.equal({ from: '2026-03-04T14:04:09.000Z', to: '2026-03-04T14:05:09.000Z' })
  })

  it('trips by an app that is older than its client asks for', () => {
    const app = (appVersion: string | null, minAppVersion: string | null) =>
      POLICY_COMPARISONS.app_version(refreshing(from(''), from(''), { appVersion, minAppVersion }))
    expect(app('2.9.9', '2.10')).to.deep.equal({ from: '2.10', to: '2.9.9' })
    for (const [version, minimum] of [
      ['2.10', '2.10.0'],
      ['3', '2.10'],
      [null, '2.10'],
      ['2.9', null],
      ['beta', '2'],
    ] as const) {
      expect(app(version, minimum), `${version} and ${minimum}`).to.equal(null)
    }
  })
})

describe('What a request shows', () => {
  const alike = (one: string | null, other: string | null): boolean => seenOf({}, one).equals(seenOf({}, other))
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('2001:db8::1', '2001:db8::ffff:1', '2001:db8:0:1::', '::1', '::ffff:192.0.2.1', '1::', '192.0.2.1'),
  )

  it('is never alike in two networks, however they are written', () =>
    fc.assert(
      fc.property(address, address, (one, other) => {
        const now = { ...from(''), ip: other }
        const differs = POLICY_COMPARISONS.network(refreshing({ ...from(''), ip: one }, now)) !== null
        expect(differs && alike(one, other)).to.equal(false)
      }),
    ))

  it('is alike from addresses side by side', () => {
    for (const [one, other] of [
      ['192.0.2.1', '192.0.2.254'],
      ['2001:db8:1::1', '2001:db8:1:2:3:4:5:6'],
      ['2001:db8::1', '2001:db8::ffff:1'],
      [null, null],
    ] as const) {
      expect(alike(one, other), `${one} and ${other}`).to.equal(true)
    }
  })

  it('is not alike when any header that tells of the device differs', () => {
    const names = ['user-agent', 'sec-ch-ua', 'sec-ch-ua-platform', 'hallpass-client'] as const
    const shown = [{}, ...names.flatMap((name) => [{ [name]: 'a' }, { [name]: 'b' }])]
    expect(new Set(shown.map((headers) => seenOf(headers, null).toString('hex'))).size).to.equal(shown.length)
    expect(seenOf({ cookie: 'a', accept: 'b' }, null)).to.deep.equal(seenOf({}, null))
  })

  it('includes what clients ask of their apps, for those that say which they are', () => {
    const app = { 'hallpass-client': 'Acme/2.3.1' }
    expect(seenOf(app, null, 'app 2.4')).not.to.deep.equal(seenOf(app, null, 'app 2.5'))
    expect(seenOf({}, null, 'app 2.4')).to.deep.equal(seenOf({}, null, 'app 2.5'))
  })
})

describe('Versions', () => {
  it('have one order, by numbers', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(isBelow(one.join('.'), other.join('.'))).to.equal(compare(one, other) < 0)
      }),
    )
    expect(isBelow('2.9', '2.10')).to.equal(true)
    expect(isBelow('2.3.1-beta+4', '2.3.2')).to.equal(true)
    expect(isBelow('99999999999999999999998', '99999999999999999999999')).to.equal(true)
  })

  it('that are as exact as each other go down or not, in one order', () =>
    fc.assert(
      fc.property(sameLength, (three) => {
        const [a = '', b = '', c = ''] = three.map((each) => each.join('.'))
        expect(wentDown(a, a)).to.equal(false)
        expect(wentDown(a, b) && wentDown(b, a)).to.equal(false)
        if (a !== b)
          expect(wentDown(a, b) || wentDown(b, a) || /^\d+\.0\.0\.0$/.test(a) || /^\d+\.0\.0\.0$/.test(b)).to.equal(
            true,
          )
        if (wentDown(a, b) && wentDown(b, c)) expect(wentDown(a, c)).to.equal(true)
      }),
    ))

  it('of which one is less exact are compared in what both have', () =>
    fc.assert(
      fc.property(parts, fc.nat({ max: 3 }), (whole, length) => {
        const [exact, short] = [whole.join('.'), whole.slice(0, length).join('.')]
        expect(wentDown(exact, short)).to.equal(false)
        expect(wentDown(short, exact)).to.equal(false)
      }),
    ))
})

function compare(one: readonly number[], other: readonly number[]): number {
  for (let index = 0; index < 4; index += 1) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
