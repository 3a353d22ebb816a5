import { expect } from 'chai'
import { isAllowedOrigin } from '../../../src/server/http/allowed-origins.ts'

describe('allowed origins', () => {
  describe('an exact entry', () => {
    const allowed = ['https://auth.example.com', 'https://app.example.com', 'https://staging.example.com:8443']

    it('lets the origin in that it names', () => {
      for (const origin of allowed) expect(isAllowedOrigin(allowed, origin), origin).to.equal(true)
    })

    const hostile: Record<string, string> = {
      'our origin as the beginning of a longer host': 'https://app.example.com.evil.test',
      'our origin as the beginning of a longer last label': 'https://app.example.community',
      'our host as the end of a longer name': 'https://evil-app.example.com',
      'our host after a letter': 'https://xapp.example.com',
      'a sub-domain of ours': 'https://evil.app.example.com',
      'the domain above ours': 'https://example.com',
      'another port': 'https://app.example.com:8443',
      'the default port spelt out': 'https://app.example.com:443',
      'no port where one is named': 'https://staging.example.com',
      'a longer port': 'https://staging.example.com:84430',
      'another scheme': 'http://app.example.com',
      'a scheme that ends like ours': 'xhttps://app.example.com',
      'our host as a user name': 'https://app.example.com@evil.test',
      'our origin as user name and password': 'https://app.example.com:443@evil.test',
      'a user name before our host': 'https://evil@app.example.com',
      'capital letters': 'https://APP.example.com',
      'a capital scheme': 'HTTPS://app.example.com',
      'a slash at the end': 'https://app.example.com/',
      'a path': 'https://app.example.com/evil',
      'a dot at the end of the host': 'https://app.example.com.',
      'a space at the end': 'https://app.example.com ',
      'a line break': 'https://app.example.com\n',
      'a second origin behind ours': 'https://app.example.com https://evil.test',
      'a second origin before ours': 'https://evil.test,https://app.example.com',
      'a host without scheme': 'app.example.com',
      'any character where the name has a dot': 'https://appxexample.com',
      'a look-alike letter': 'https://аpp.example.com',
      'a percent-encoded dot': 'https://app%2Eexample.com',
      'a backslash': 'https://app.example.com\\@evil.test',
      'an asterisk': '*',
      'an empty header': '',
      'the origin of sandboxes': 'null',
    }
    for (const [what, origin] of Object.entries(hostile)) {
      it(`keeps out ${what}: ${JSON.stringify(origin)}`, () => {
        expect(isAllowedOrigin(allowed, origin)).to.equal(false)
      })
    }
  })

  describe('an entry http://localhost:*', () => {
    const allowed = ['http://localhost:*']

    it('lets every port of localhost in', () => {
      for (const origin of [
        'http://localhost',
        'http://localhost:1',
        'http://localhost:5173',
        'http://localhost:65535',
      ]) {
        expect(isAllowedOrigin(allowed, origin), origin).to.equal(true)
      }
    })

    const hostile = [
      'http://localhost:*',
      'https://localhost:5173',
      'http://localhost:',
      'http://localhost:0',
      'http://localhost:05173',
      'http://localhost:65536',
      'http://localhost:5173/',
      'http://localhost:5173\n',
      'http://localhost:5173@evil.test',
      'http://localhost:5173.evil.test',
      'http://localhost.evil.test:5173',
      'http://localhost.evil.test',
      'http://app.localhost:5173',
      'http://evil-localhost:5173',
      'http://evil@localhost:5173',
      'http://LOCALHOST:5173',
      'http://127.0.0.1:5173',
      'http://[::1]:5173',
      'null',
    ]
    for (const origin of hostile) {
      it(`keeps out ${JSON.stringify(origin)}`, () => {
        expect(isAllowedOrigin(allowed, origin)).to.equal(false)
      })
    }

    it('is its own scheme only', () => {
      expect(isAllowedOrigin(['https://localhost:*'], 'https://localhost:5173')).to.equal(true)
      expect(isAllowedOrigin(['https://localhost:*'], 'http://localhost:5173')).to.equal(false)
    })
  })

  it('never lets null in, even if somebody lists it', () => {
    expect(isAllowedOrigin(['null'], 'null')).to.equal(false)
  })

  it('knows no asterisk but the port of localhost', () => {
    expect(isAllowedOrigin(['*'], 'https://evil.test')).to.equal(false)
    expect(isAllowedOrigin(['https://*.example.com'], 'https://app.example.com')).to.equal(false)
    expect(isAllowedOrigin(['https://example.com:*'], 'https://example.com:8443')).to.equal(false)
    expect(isAllowedOrigin(['https://example.com:*'], 'https://example.com:*')).to.equal(false)
  })

  it('lets nobody in where nothing is allowed', () => {
    expect(isAllowedOrigin([], 'https://app.example.com')).to.equal(false)
    expect(isAllowedOrigin([], '')).to.equal(false)
  })
})
