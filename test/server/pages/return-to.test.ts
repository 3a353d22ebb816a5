import { expect } from 'chai'
import { createAllowedOrigins } from '../../../src/server/http/allowed-origins.ts'
import { readReturnTo } from '../../../src/server/pages/return-to.ts'

const ALLOWED = createAllowedOrigins({
  configured: ['https://app.example', 'http://localhost:*'],
  clients: { known: () => new Map() },
})
const read = (wanted: string | undefined): string | null => readReturnTo(wanted, ALLOWED)

describe('Where to return to', () => {
  it('is a path of this service', () => {
    for (const path of [
      '/',
      '/devices',
      '/a/b?c=/d&e=%2F%2F#f',
      '/a//b',
      '/%5Cevil.example',
      '/?https://evil.example',
    ]) {
      expect(read(path), path).to.equal(path)
    }
  })

  it('is a URL of an allowed origin', () => {
    for (const url of ['https://app.example/', 'https://app.example/a?b=c#d', 'http://localhost:5173/inbox']) {
      expect(read(url), url).to.equal(url)
    }
    expect(read('https://app.example')).to.equal('https://app.example/')
    expect(read('HTTPS://APP.EXAMPLE/a')).to.equal('https://app.example/a')
  })

  it('is nothing that leads elsewhere, in whichever way it is written', () => {
    for (const wanted of [
      '//evil.example',
      '///evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      '/\t/evil.example',
      '/\n/evil.example',
      ' //evil.example',
      '/.//evil.example',
      '/a/..//evil.example',
      '/%2e//evil.example',
      'https://evil.example',
      'https://app.example.evil.example/',
      'https://app.example@evil.example/',
      'https://app.example:pass@evil.example/',
      'https://user@app.example/',
      'https://app.example:8443/',
      'http://app.example/',
      'https:app.example',
      'https:/app.example/',
      'https:\\\\app.example',
      'https://evil.example\\@app.example/',
      'https://localhost:5173/',
      'http://localhost:5173.evil.example/',
      'javascript:alert(1)',
      'data:text/html,x',
      'blob:https://app.example/1',
      'evil.example',
      '?a',
      '#a',
      '',
      ' ',
      '/a b',
      '/\u0000',
      '/\u00e9',
      '/\u2028',
    ]) {
      expect(read(wanted), JSON.stringify(wanted)).to.equal(null)
    }
    expect(read(undefined)).to.equal(null)
  })
})
