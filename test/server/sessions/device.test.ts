import { expect } from 'chai'
import fc from 'fast-check'
import { ACCEPT_CH, type Device, describeDevice, deviceEvidence } from '../../../src/server/sessions/device.ts'

const describeRequest = (headers: Record<string, string>, deviceName: string | null = null): Device =>
  describeDevice(deviceEvidence(headers, deviceName))

/** `name version` in one word, so that tables stay readable. */
const brief = ({ label, type, browser, os, model, app }: Device) => ({
  label,
  type,
  browser: words(browser),
  os: words(os),
  model,
  app: words(app),
})
const words = ({ name, version }: Device['os']): string | null => (version === null ? name : `${name} ${version}`)

const mozilla = 'Mozilla/5.0'
const blink = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const webkit = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
const chromeOnWindows = `${mozilla} (Windows NT 10.0; Win64; x64) ${blink} Chrome/128.0.0.0 Safari/537.36`
const chromeOnAndroid = `${mozilla} (Linux; Android 10; K) ${blink} Chrome/128.0.0.0 Mobile Safari/537.36`
const chromeOnMac = `${mozilla} (Macintosh; Intel Mac OS X 10_15_7) ${blink} Chrome/128.0.0.0 Safari/537.36`

const windowsHints = (platformVersion: string) => ({
  'user-agent': chromeOnWindows,
  'sec-ch-ua': '"Chromium";v="128", "Not;A=Brand";v="24", "Google Chrome";v="128"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Windows"',
  'sec-ch-ua-platform-version': platformVersion,
})

describe('A device', () => {
  describe('described by the User-Agent of a browser', () => {
    const desktop = { type: 'desktop', model: null, app: null }
    const phone = { type: 'mobile', model: null, app: null }
    for (const [userAgent, expected] of [
      [chromeOnWindows, { ...desktop, label: 'Chrome on Windows', browser: 'Chrome 128', os: 'Windows' }],
      [
        `${chromeOnWindows} Edg/128.0.0.0`,
        { ...desktop, label: 'Edge on Windows', browser: 'Edge 128', os: 'Windows' },
      ],
      [
        `${chromeOnWindows} OPR/114.0.0.0`,
        { ...desktop, label: 'Opera on Windows', browser: 'Opera 114', os: 'Windows' },
      ],
      [
        `${mozilla} (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0`,
        { ...desktop, label: 'Firefox on Windows', browser: 'Firefox 128.0', os: 'Windows' },
      ],
      [
        `${mozilla} (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko`,
        { ...desktop, label: 'Internet Explorer on Windows 7', browser: 'Internet Explorer 11.0', os: 'Windows 7' },
      ],
      [
        `${mozilla} (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Version/17.6 Safari/605.1.15`,
        { ...desktop, label: 'Safari on macOS', browser: 'Safari 17.6', os: 'macOS' },
      ],
      [chromeOnMac, { ...desktop, label: 'Chrome on macOS', browser: 'Chrome 128', os: 'macOS' }],
      [
        `${mozilla} (Macintosh; Intel Mac OS X 10.15; rv:128.0) Gecko/20100101 Firefox/128.0`,
        { ...desktop, label: 'Firefox on macOS', browser: 'Firefox 128.0', os: 'macOS' },
      ],
      [
        `${mozilla} (X11; Linux x86_64) ${blink} Chrome/128.0.0.0 Safari/537.36`,
        { ...desktop, label: 'Chrome on Linux', browser: 'Chrome 128', os: 'Linux' },
      ],
      [
        `${mozilla} (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0`,
        { ...desktop, label: 'Firefox on Ubuntu', browser: 'Firefox 128.0', os: 'Ubuntu' },
      ],
      [
        `${mozilla} (X11; CrOS x86_64 14541.0.0) ${blink} Chrome/128.0.0.0 Safari/537.36`,
        { ...desktop, label: 'Chrome on ChromeOS', browser: 'Chrome 128', os: 'ChromeOS' },
      ],
      [
        `${mozilla} (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) ${webkit} Version/17.6 Mobile/15E148 Safari/604.1`,
        { ...phone, label: 'Safari on iPhone', browser: 'Safari 17.6', os: 'iOS 17.6.1', model: 'iPhone' },
      ],
      [
        `${mozilla} (iPhone; CPU iPhone OS 17_6 like Mac OS X) ${webkit} CriOS/128.0.6613.98 Mobile/15E148 Safari/604.1`,
        { ...phone, label: 'Chrome on iPhone', browser: 'Chrome 128.0.6613.98', os: 'iOS 17.6', model: 'iPhone' },
      ],
      [
        `${mozilla} (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) ${webkit} Mobile/15E148`,
        { ...phone, label: 'iPhone', browser: null, os: 'iOS 17.6.1', model: 'iPhone' },
      ],
      [
        `${mozilla} (iPad; CPU OS 16_6 like Mac OS X) ${webkit} Version/16.6 Mobile/15E148 Safari/604.1`,
        {
          label: 'Safari on iPad',
          type: 'tablet',
          browser: 'Safari 16.6',
          os: 'iPadOS 16.6',
          model: 'iPad',
          app: null,
        },
      ],
      [chromeOnAndroid, { ...phone, label: 'Chrome on Android', browser: 'Chrome 128', os: 'Android' }],
      [
        `${mozilla} (Linux; Android 10; K) ${blink} Chrome/128.0.0.0 Safari/537.36`,
        { ...phone, label: 'Chrome on Android', type: 'tablet', browser: 'Chrome 128', os: 'Android' },
      ],
      [
        `${mozilla} (Linux; Android 13; Pixel 7) ${blink} Chrome/108.0.5359.128 Mobile Safari/537.36`,
        { ...phone, label: 'Chrome on Pixel 7', browser: 'Chrome 108.0.5359.128', os: 'Android 13', model: 'Pixel 7' },
      ],
      [
        `${mozilla} (Linux; Android 14; Pixel 8 Build/UD1A.230803.041; wv) ${blink} Version/4.0 Chrome/128.0.6613.88 Mobile Safari/537.36`,
        {
          ...phone,
          label: 'Android WebView on Pixel 8',
          browser: 'Android WebView 128.0.6613.88',
          os: 'Android 14',
          model: 'Pixel 8',
        },
      ],
      [
        `${mozilla} (Linux; Android 13; SAMSUNG SM-S918B) ${blink} SamsungBrowser/21.0 Chrome/110.0.5481.154 Mobile Safari/537.36`,
        {
          ...phone,
          label: 'Samsung Internet on SM-S918B',
          browser: 'Samsung Internet 21.0',
          os: 'Android 13',
          model: 'SM-S918B',
        },
      ],
      [
        `${mozilla} (Linux; Android 10; K) ${blink} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36`,
        { ...phone, label: 'Samsung Internet on Android', browser: 'Samsung Internet 26.0', os: 'Android' },
      ],
      [
        `${mozilla} (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0`,
        { ...phone, label: 'Firefox on Android 14', browser: 'Firefox 128.0', os: 'Android 14' },
      ],
      [
        `${mozilla} (Linux; Android 9; AFTMM Build/PS7633) ${blink} Silk/112.5.1 like Chrome/112.0.5615.213 Safari/537.36`,
        { label: 'Silk on Fire TV', type: 'tv', browser: 'Silk 112.5.1', os: 'Android 9', model: 'Fire TV', app: null },
      ],
      [
        `${mozilla} (PlayStation; PlayStation 5/6.50) ${webkit} Version/15.4 Safari/605.1.15`,
        {
          label: 'Safari on PlayStation 5',
          type: 'console',
          browser: 'Safari 15.4',
          os: 'PlayStation 5',
          model: 'PlayStation 5',
          app: null,
        },
      ],
      [
        `${mozilla} (Linux; Android 13; Quest 3) ${blink} OculusBrowser/32.0 Chrome/124.0.0.0 VR Safari/537.36`,
        {
          label: 'Oculus Browser on Quest 3',
          type: 'wearable',
          browser: 'Oculus Browser 32.0',
          os: 'Android 13',
          model: 'Quest 3',
          app: null,
        },
      ],
    ] as const) {
      it(`is "${expected.label}" for ${userAgent}`, () => {
        expect(brief(describeRequest({ 'user-agent': userAgent }))).to.deep.equal(expected)
      })
    }

    it('claims no version for a system whose version browsers have frozen', () => {
      for (const userAgent of [
        chromeOnWindows,
        chromeOnMac,
        chromeOnAndroid,
        `${mozilla} (Android 10; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0`,
        `${mozilla} (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${webkit} Version/26.0 Mobile/15E148 Safari/604.1`,
        `${mozilla} (iPhone; CPU iPhone OS 18_7 like Mac OS X) ${webkit} Version/26.2 Mobile/15E148 Safari/604.1`,
        `${mozilla} (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${webkit} Mobile/15E148`,
      ]) {
        expect(describeRequest({ 'user-agent': userAgent }).os.version, userAgent).to.equal(null)
      }
    })

    it('claims the version of a system where the same words are the truth', () => {
      const iOS = `${mozilla} (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) ${webkit} Version/18.6 Mobile/15E148 Safari/604.1`
      expect(describeRequest({ 'user-agent': iOS }).os.version).to.equal('18.6.2')
      const android = `${mozilla} (Linux; Android 10; SM-G960F) ${blink} Chrome/96.0.4664.104 Mobile Safari/537.36`
      expect(describeRequest({ 'user-agent': android }).os.version).to.equal('10')
    })
  })

  describe('described by User-Agent Client Hints', () => {
    for (const [platformVersion, version] of [
      ['"19.0.0"', '11'],
      ['"15.0.0"', '11'],
      ['"13.0.0"', '11'],
      ['"10.0.0"', '10'],
      ['"1.0.0"', '10'],
      ['"0.3.0"', '8.1'],
      ['"0.2.0"', '8'],
      ['"0.1.0"', '7'],
      ['"0.0.0"', null],
      ['""', null],
      ['"newest"', null],
      ['15.0.0', null],
    ] as const) {
      it(`is on Windows ${version ?? 'of no known version'} for the platform version ${platformVersion}`, () => {
        const { label, os } = describeRequest(windowsHints(platformVersion))
        expect(os).to.deep.equal({ name: 'Windows', version })
        expect(label).to.equal(version === null ? 'Chrome on Windows' : `Chrome on Windows ${version}`)
      })
    }

    it('has the full version of its browser', () => {
      const device = describeRequest({
        ...windowsHints('"15.0.0"'),
        'sec-ch-ua-full-version-list':
          '"Chromium";v="128.0.6613.138", "Not;A=Brand";v="24.0.0.0", "Google Chrome";v="128.0.6613.138"',
      })
      expect(device.browser).to.deep.equal({ name: 'Chrome', version: '128.0.6613.138' })
      expect(device.type).to.equal('desktop')
    })

    it('has the model and the system of an Android phone whose User-Agent is reduced', () => {
      const device = describeRequest({
        'user-agent': chromeOnAndroid,
        'sec-ch-ua': '"Chromium";v="128", "Not;A=Brand";v="24", "Google Chrome";v="128"',
        'sec-ch-ua-mobile': '?1',
        'sec-ch-ua-platform': '"Android"',
        'sec-ch-ua-platform-version': '"14.0.0"',
        'sec-ch-ua-model': '"Pixel 8"',
        'sec-ch-ua-form-factors': '"Mobile"',
      })
      expect(brief(device)).to.deep.equal({
        label: 'Chrome on Pixel 8',
        type: 'mobile',
        browser: 'Chrome 128',
        os: 'Android 14',
        model: 'Pixel 8',
        app: null,
      })
    })

    it('has the real version of macOS', () => {
      const device = describeRequest({
        'user-agent': chromeOnMac,
        'sec-ch-ua-platform': '"macOS"',
        'sec-ch-ua-platform-version': '"14.6.1"',
        'sec-ch-ua-model': '""',
      })
      expect(device).to.deep.include({
        label: 'Chrome on macOS 14',
        model: null,
        os: { name: 'macOS', version: '14.6.1' },
      })
    })

    it("does not take the kernel's version for one of Linux", () => {
      const { os } = describeRequest({ 'sec-ch-ua-platform': '"Linux"', 'sec-ch-ua-platform-version': '"6.5.0"' })
      expect(os).to.deep.equal({ name: 'Linux', version: null })
    })

    for (const [brand, brands] of [
      ['Chrome', '"Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"'],
      ['Edge', '"Microsoft Edge";v="128", "Chromium";v="128", "Microsoft Edge WebView2";v="128", "Not;A=Brand";v="24"'],
      ['Brave', '"Chromium";v="128", "Not;A=Brand";v="24", "Brave";v="128"'],
      ['Opera', '"Chromium";v="128", "Not;A=Brand";v="24", "Opera";v="114"'],
      ['Vivaldi', '"Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126", "Vivaldi";v="6.8"'],
      ['Samsung Internet', '"Not?A_Brand";v="99", "Samsung Internet";v="26.0", "Chromium";v="122"'],
      ['Yandex', '"Chromium";v="124", "YaBrowser";v="24.6", "Not-A.Brand";v="99", "Yowser";v="2.5"'],
      ['Acme Browser', '"Chromium";v="128", "Acme Browser";v="3", "Not;A=Brand";v="24"'],
      ['Chromium', '"Not;A=Brand";v="24", "Chromium";v="128"'],
    ] as const) {
      it(`is ${brand} for the brands ${brands}`, () => {
        expect(describeRequest({ 'user-agent': chromeOnWindows, 'sec-ch-ua': brands }).browser.name).to.equal(brand)
      })
    }

    for (const grease of [
      ' Not A;Brand',
      ';Not A Brand',
      '(Not(A:Brand',
      'Not A(Brand',
      'Not.A/Brand',
      'Not/A)Brand',
      'Not)A;Brand',
      'Not?A_Brand',
      'Not=A?Brand',
      'Not:A-Brand',
      'Not_A Brand',
      'Not;A=Brand',
      '\\\\Not\\"A;Brand',
    ]) {
      it(`never shows the made-up brand "${grease}"`, () => {
        const { browser } = describeRequest({ 'sec-ch-ua': `"${grease}";v="99", "Chromium";v="128"` })
        expect(browser).to.deep.equal({ name: 'Chromium', version: '128' })
        expect(describeRequest({ 'sec-ch-ua': `"${grease}";v="99"` }).browser.name).to.equal(null)
      })
    }

    it('is the app that the User-Agent names when the hints know only the engine', () => {
      const device = describeRequest({
        'user-agent': `${mozilla} (X11; Linux x86_64) ${blink} Acme/2.3.1 Chrome/126.0.6478.183 Electron/31.3.1 Safari/537.36`,
        'sec-ch-ua': '"Not/A)Brand";v="8", "Chromium";v="126"',
        'sec-ch-ua-platform': '"Linux"',
      })
      expect(device.label).to.equal('Electron on Linux')
    })

    it('is a tablet, a watch or a headset where form factors say so', () => {
      const typeFor = (formFactors: string) =>
        describeRequest({ 'sec-ch-ua-mobile': '?1', 'sec-ch-ua-form-factors': formFactors }).type
      expect(typeFor('"Tablet"')).to.equal('tablet')
      expect(typeFor('"Watch"')).to.equal('wearable')
      expect(typeFor('"Unheard", "XR"')).to.equal('wearable')
      expect(typeFor('"Automotive"')).to.equal('mobile')
    })

    it('falls back on the User-Agent where hints are malformed', () => {
      for (const malformed of [
        '',
        '"',
        'Google Chrome;v=',
        '("Chrome")',
        '\u00ff',
        '?',
        '1e9',
        '"a" "b"',
        '"x"'.repeat(999),
      ]) {
        const device = describeRequest({
          'user-agent': chromeOnWindows,
          'sec-ch-ua': malformed,
          'sec-ch-ua-full-version-list': malformed,
          'sec-ch-ua-mobile': malformed,
          'sec-ch-ua-platform': malformed,
          'sec-ch-ua-platform-version': malformed,
          'sec-ch-ua-model': malformed,
          'sec-ch-ua-form-factors': malformed,
        })
        expect(device, malformed).to.deep.equal(describeRequest({ 'user-agent': chromeOnWindows }))
      }
    })

    it('asks browsers for the hints that it reads and that they do not send unasked', () => {
      expect(ACCEPT_CH.split(', ')).to.have.members([
        'Sec-CH-UA-Full-Version-List',
        'Sec-CH-UA-Platform-Version',
        'Sec-CH-UA-Model',
        'Sec-CH-UA-Form-Factors',
      ])
    })
  })

  describe('described by the Hallpass-Client header', () => {
    const okhttp = { 'user-agent': 'okhttp/4.12.0' }

    it('is what the app says in a structured field', () => {
      const device = describeRequest({
        ...okhttp,
        'hallpass-client': '"Acme"; version="2.3.1"; os="Android"; os-version="14"; model="Pixel 8"',
      })
      expect(brief(device)).to.deep.equal({
        label: 'Acme 2.3.1 on Pixel 8',
        type: 'mobile',
        browser: 'okhttp 4.12.0',
        os: 'Android 14',
        model: 'Pixel 8',
        app: 'Acme 2.3.1',
      })
    })

    for (const [header, label] of [
      ['Acme/2.3.1', 'Acme 2.3.1'],
      ['Acme App/2.3.1', 'Acme App 2.3.1'],
      ['Acme/2.3.1; os="iOS"; os-version="17.5"', 'Acme 2.3.1 on iOS 17'],
      ['"Acme"', 'Acme'],
      ['Acme', 'Acme'],
      ['"Acme";version=2', 'Acme 2'],
      ['"Acme"; os=windows; os-version="11"', 'Acme on Windows 11'],
      ['%"Caf%c3%a9"; version="1.0"', 'Café 1.0'],
      ['"Acme"; version="1", "Other"; version="2"', 'Acme 1'],
    ] as const) {
      it(`is "${label}" for ${header}`, () => {
        expect(describeRequest({ ...okhttp, 'hallpass-client': header }).label).to.equal(label)
      })
    }

    for (const garbage of [
      '',
      ' ',
      '"',
      '"";version="1"',
      '"Acme',
      'text/html',
      '/2.3.1',
      '42',
      '("Acme")',
      '?1',
      'a'.repeat(2000),
    ]) {
      it(`ignores ${garbage.length > 20 ? 'what is too long' : `the garbage ${JSON.stringify(garbage)}`}`, () => {
        const { label, app } = describeRequest({ ...okhttp, 'hallpass-client': garbage })
        expect(label).to.equal('okhttp')
        expect(app).to.deep.equal({ name: null, version: null })
      })
    }

    it('is the kind of device that the app says, among the kinds there are', () => {
      const typeFor = (type: string) =>
        describeRequest({ 'hallpass-client': `"Acme"; os="Android"; type="${type}"` }).type
      expect(typeFor('tablet')).to.equal('tablet')
      expect(typeFor('TV')).to.equal('tv')
      expect(typeFor('bot')).to.equal('mobile')
      expect(typeFor('toaster')).to.equal('mobile')
    })

    it('wins over client hints and the User-Agent', () => {
      const device = describeRequest({
        ...windowsHints('"15.0.0"'),
        'hallpass-client': '"Acme Desktop"; version="5"; os="Linux"; model="Workstation"',
      })
      expect(device).to.deep.include({
        label: 'Acme Desktop 5 on Workstation',
        os: { name: 'Linux', version: null },
        model: 'Workstation',
      })
    })

    it('leaves to hints what the app does not say', () => {
      const device = describeRequest({ ...windowsHints('"15.0.0"'), 'hallpass-client': '"Acme"; os="Windows"' })
      expect(device.label).to.equal('Acme on Windows 11')
    })
  })

  describe('described by the User-Agent of a program', () => {
    const unknown = { type: 'unknown', browser: null, os: null, model: null, app: null }
    for (const [userAgent, expected] of [
      ['okhttp/4.12.0', { ...unknown, label: 'okhttp', browser: 'okhttp 4.12.0' }],
      ['curl/8.7.1', { ...unknown, label: 'curl', browser: 'curl 8.7.1' }],
      ['PostmanRuntime/7.41.1', { ...unknown, label: 'Postman', browser: 'Postman 7.41.1' }],
      ['python-requests/2.32.3', { ...unknown, label: 'python-requests', browser: 'python-requests 2.32.3' }],
      ['Dart/3.4 (dart:io)', { ...unknown, label: 'Dart', browser: 'Dart 3.4' }],
      ['Go-http-client/2.0', { ...unknown, label: 'Go', browser: 'Go 2.0' }],
      ['node', { ...unknown, label: 'Node.js', browser: 'Node.js' }],
      ['undici', { ...unknown, label: 'undici', browser: 'undici' }],
      [
        'App/1 CFNetwork/1490.0.4 Darwin/23.2.0',
        { ...unknown, label: 'App 1 on Apple device', browser: 'CFNetwork 1490.0.4', app: 'App 1' },
      ],
      [
        'Acme%20App/231 CFNetwork/1490.0.4 Darwin/23.2.0',
        { ...unknown, label: 'Acme App 231 on Apple device', browser: 'CFNetwork 1490.0.4', app: 'Acme App 231' },
      ],
      [
        'Acme/2.3.1 (com.acme.app; build:77; iOS 17.5.1) Alamofire/5.9.1',
        {
          ...unknown,
          label: 'Acme 2.3.1 on iOS 17',
          type: 'mobile',
          browser: 'Alamofire 5.9.1',
          os: 'iOS 17.5.1',
          app: 'Acme 2.3.1',
        },
      ],
      [
        'okhttp/4.9.3 (Android 13)',
        { ...unknown, label: 'okhttp on Android 13', type: 'mobile', browser: 'okhttp 4.9.3', os: 'Android 13' },
      ],
      [
        'Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UD1A.230803.041)',
        { ...unknown, label: 'Pixel 8', type: 'mobile', os: 'Android 14', model: 'Pixel 8' },
      ],
      ['Mozilla/5.0', { ...unknown, label: 'Unknown device' }],
      ['%%%/(((', { ...unknown, label: 'Unknown device' }],
      ['', { ...unknown, label: 'Unknown device' }],
    ] as const) {
      it(`is "${expected.label}" for ${userAgent || 'no User-Agent'}`, () => {
        expect(brief(describeRequest({ 'user-agent': userAgent }))).to.deep.equal(expected)
      })
    }

    it('is a crawler and not the phone that it dresses up as', () => {
      const dressedUp = `${mozilla} (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) ${blink} Chrome/128.0.6613.119 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)`
      for (const userAgent of [`${mozilla} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)`, dressedUp]) {
        expect(brief(describeRequest({ 'user-agent': userAgent, 'sec-ch-ua-model': '"Nexus 5X"' }))).to.deep.equal({
          ...unknown,
          label: 'Googlebot',
          type: 'bot',
          browser: 'Googlebot 2.1',
        })
      }
    })

    it('is no crawler for a phone made by Cubot', () => {
      const cubot = `${mozilla} (Linux; Android 9; CUBOT NOTE 7) ${blink} Chrome/100.0.4896.127 Mobile Safari/537.36`
      expect(describeRequest({ 'user-agent': cubot })).to.deep.include({
        label: 'Chrome on CUBOT NOTE 7',
        type: 'mobile',
      })
    })
  })

  describe('named by its app or its owner', () => {
    it('has the name beside the label, which stays what the headers say', () => {
      const device = describeRequest({ 'user-agent': chromeOnWindows }, 'Kitchen laptop')
      expect(device).to.deep.include({ name: 'Kitchen laptop', label: 'Chrome on Windows' })
    })

    for (const [given, name] of [
      ['  Anna’s Pixel\t8\n', 'Anna’s Pixel 8'],
      ['safe\u202Egnp.exe\u2066', 'safegnp.exe'],
      ['zero\u200Bwidth\uFEFF', 'zerowidth'],
      ['👩‍💻 laptop', '👩‍💻 laptop'],
      ['nul\u0000l', 'nul l'],
      ['\uD800', '\uFFFD'],
      [' \u200B\u200D\u0007 ', null],
      ['', null],
    ] as const) {
      it(`is ${JSON.stringify(name)} for ${JSON.stringify(given)}`, () => {
        expect(describeRequest({}, given).name).to.equal(name)
      })
    }

    it('has a name of at most 100 characters, none of them cut in two', () => {
      expect(describeRequest({}, '😀'.repeat(101)).name).to.equal('😀'.repeat(100))
    })
  })

  describe('described by hostile headers', () => {
    const headers = [
      'user-agent',
      'hallpass-client',
      'sec-ch-ua',
      'sec-ch-ua-full-version-list',
      'sec-ch-ua-platform',
      'sec-ch-ua-platform-version',
      'sec-ch-ua-model',
      'sec-ch-ua-mobile',
      'sec-ch-ua-form-factors',
    ]
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constantFrom(
        '"',
        ';',
        '=',
        '/',
        'v="1"',
        'Mozilla/5.0 (',
        'Android 9; ',
        'bot',
        '\u202E',
        '%"',
        'model="',
        'Windows',
      ),
    )
    const value = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))

    it('has only texts within their limits, without control and bidi override characters', () => {
      fc.assert(
        fc.property(fc.record(Object.fromEntries(headers.map((name) => [name, value]))), value, (request, name) => {
          const device = describeRequest(request, name)
          const { label, browser, os, app, model } = device
          for (const text of [
            device.name,
            label,
            model,
            ...[browser, os, app].flatMap((part) => [part.name, part.version]),
          ]) {
            if (text === null) continue
            expect(text).to.not.match(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/u)
            expect(text.isWellFormed()).to.equal(true)
            expect(text.trim()).to.have.length.above(0)
          }
          expect(Array.from(label).length).to.be.at.most(128)
          expect(Array.from(device.name ?? '').length).to.be.at.most(100)
          for (const part of [browser, os, app]) {
            expect(Array.from(part.name ?? '').length).to.be.at.most(48)
            expect(Array.from(part.version ?? '').length).to.be.at.most(24)
          }
        }),
      )
    })

    it('is described when each is 1 MB long, in which anything quadratic would be lost for minutes', () => {
      for (const text of [
        'a',
        '(',
        'bot-',
        '; ',
        '\u202e',
        'Mozilla/5.0 naver(1.',
        'Mozilla/5.0 (iPhone; os ',
        'a/1 ',
        '"a",',
      ]) {
        const long = text.repeat(Math.ceil(1_000_000 / text.length))
        const device = describeRequest(Object.fromEntries(headers.map((name) => [name, long])), long)
        expect(device.label, text).to.be.a('string').and.not.be.empty
      }
    })

    it('keeps at most 512 characters of a User-Agent as evidence', () => {
      expect(deviceEvidence({ 'user-agent': 'x'.repeat(100_000) }, null).userAgent).to.have.lengthOf(512)
      expect(deviceEvidence({}, null).userAgent).to.equal('')
    })
  })
})
