import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { onStore } from '../../support/server.ts'

describe('a request target', () => {
  onStore('embedded', (server) => {
    const answerTo = async (target: string): Promise<string> => {
      const socket = connect(Number(new URL(server().url).port), '127.0.0.1')
      socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
      return text(socket)
    }

    for (const target of ['http://[', 'javascript:1', 'ftp://evil.example/v1/users/me', 'x', '?', '%']) {
      it(`that is no path is 400: ${target}`, async () => {
        expect(await answerTo(target)).to.match(/^HTTP\/1\.1 400 /)
      })
    }

    for (const target of [
      '/v1/sessions/%E0%A4%A',
      '/%',
      '//evil.example/v1/users/me',
      'http://evil.example/v1/users/me',
      '/v1/..%2f..',
      '/\\',
    ]) {
      it(`that nobody knows is 4xx, whatever it is made of: ${target}`, async () => {
        expect(await answerTo(target)).to.match(/^HTTP\/1\.1 40[014] /)
      })
    }
  })
})
