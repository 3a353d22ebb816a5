import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { onStore } from '../support/server.ts'

describe('A client that never finishes its request', () => {
  onStore('embedded', (server) => {
    it('is answered 408 and cut off, so that it holds no connection for ever', async function () {
      this.timeout(60_000)
      const socket = connect(Number(new URL(server().url).port), '127.0.0.1')
      socket.write('POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\n')
      expect(await text(socket)).to.match(/^HTTP\/1\.1 408 /)
    })
  })
})
