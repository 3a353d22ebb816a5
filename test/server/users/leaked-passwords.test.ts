import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { pino } from 'pino'
import { createLeakedPasswords } from '../../../src/server/users/leaked-passwords.ts'
import { startRangeApi, type RangeApi } from '../../support/range-api.ts'

const LEAKED = 'correct horse battery staple'
const SHA1 = createHash('sha1').update(LEAKED).digest('hex').toUpperCase()

describe('leaked passwords', () => {
  let api: RangeApi
  let lines: string[]
  beforeEach(async () => {
    api = await startRangeApi([LEAKED, 'caf\u00e9 au lait et croissant'])
    lines = []
  })
  afterEach(() => api.close())

  const has = (password: string, { url = api.url, timeout = 1000 } = {}): Promise<boolean> => {
    const log = pino({ base: null }, { write: (line: string) => void lines.push(line) })
    return createLeakedPasswords({ url, log, timeout }).has(password)
  }

  it('are those that the service has a count for', async () => {
    expect(await has(LEAKED)).to.equal(true)
    expect(await has('another horse battery staple')).to.equal(false)
    expect(await has('caf\u00e9 au lait et croissant')).to.equal(true)
    expect(lines).to.be.empty
  })

  it('are not those of the padding, whose count is 0', async () => {
    api.answer = (response) => response.end(`${SHA1.slice(5)}:0\r\n${'0'.repeat(35)}:7`)
    expect(await has(LEAKED)).to.equal(false)
    expect(lines).to.be.empty
  })

  it('are found in whatever case and with whatever line ends a mirror answers', async () => {
    for (const body of [`${SHA1.slice(5).toLowerCase()}:3\n`, `${'F'.repeat(35)}:1\r\n${SHA1.slice(5)}:3\r\n`]) {
      api.answer = (response) => response.end(body)
      expect(await has(LEAKED)).to.equal(true)
    }
  })

  it('are asked for by five digits of the hash, with padding', async () => {
    await has(LEAKED)
    expect(api.requests.map(({ url, method }) => [method, url])).to.deep.equal([
      ['GET', `/range/${SHA1.slice(0, 5)}?mode=sha1`],
    ])
    const { headers } = api.requests[0]!
    expect(headers).to.include({ 'add-padding': 'true', 'user-agent': 'Hallpass' })
    expect(JSON.stringify(headers)).to.not.include(SHA1.slice(5, 15))
  })

  it('may be asked for at a mirror under a path', async () => {
    await has(LEAKED, { url: `${api.url}/mirror` })
    expect(api.requests[0]?.url).to.equal(`/mirror/range/${SHA1.slice(0, 5)}?mode=sha1`)
  })

  describe('keep nobody from signing up when the service', () => {
    const expectOneLine = (failure: string): void => {
      expect(lines).to.have.length(1)
      const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
      expect(line).to.have.property('failure', failure)
      expect(line).to.have.property('msg', 'could not ask whether a password was leaked, and let it pass')
      for (const secret of [LEAKED, SHA1.slice(0, 5), SHA1.slice(5)]) expect(lines[0]).to.not.include(secret)
    }

    it('is not there', async () => {
      await api.close()
      expect(await has(LEAKED)).to.equal(false)
      expectOneLine('TypeError')
      expect(lines[0]).to.include('"code":"ECONNREFUSED"')
    })

    it('does not answer in time', async () => {
      api.answer = () => undefined
      expect(await has(LEAKED, { timeout: 20 })).to.equal(false)
      expectOneLine('TimeoutError')
    })

    it('begins to answer and does not end in time', async () => {
      api.answer = (response) => response.write(`${SHA1.slice(5)}:3\r\n`)
      expect(await has(LEAKED, { timeout: 50 })).to.equal(false)
      expectOneLine('TimeoutError')
    })

    it('breaks off', async () => {
      api.answer = (response) =>
        response.writeHead(200, { 'content-length': 1000 }).write('0', () => response.destroy())
      expect(await has(LEAKED)).to.equal(false)
      expectOneLine('TypeError')
    })

    for (const status of [400, 403, 404, 429, 500, 503]) {
      it(`answers ${status}`, async () => {
        api.answer = (response, request) => response.writeHead(status).end(`what you asked for: ${request.url}`)
        expect(await has(LEAKED)).to.equal(false)
        expectOneLine('Error')
      })
    }

    for (const [what, body] of Object.entries({
      'a page': '<!doctype html>\n<title>Sign in to the network: please</title>',
      nothing: '',
      'hashes without counts': SHA1.slice(5),
      'a count that is no number': `${SHA1.slice(5)}:many`,
      'hashes of another length': `${SHA1}:3`,
      'a row among garbage': `${SHA1.slice(5)}:3\nError: 1`,
    })) {
      it(`answers ${what}`, async () => {
        api.answer = (response) => response.end(body)
        expect(await has(LEAKED)).to.equal(false)
        expectOneLine('WrongAnswer')
      })
    }
  })
})
