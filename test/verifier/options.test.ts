import { expect } from 'chai'
import { paths } from '../../src/protocol/paths.ts'
import { createVerifier, type VerifierOptions } from '../../src/verifier/index.ts'
import { createTestIssuer } from '../../src/verifier/testing/index.ts'

/** Nobody is asked for anything here. */
const isolated = { fetch: () => new Promise<never>(() => undefined) }
const GOOD = { issuer: 'https://id.example', audience: 'https://api.example', ...isolated }
const API_KEY = { id: '0198c2a0-1111-7222-8333-444455556666', key: `hpak_${'k'.repeat(43)}` }

/** As it comes from JavaScript, or from an environment: anything. */
const create = (options: Record<string, unknown>): void =>
  createVerifier({ ...GOOD, ...options } as unknown as VerifierOptions).close()

describe('The options of a verifier', () => {
  describe('are refused, by name, when', () => {
    const BAD: [name: string, says: string, options: Record<string, unknown>][] = [
      ['the issuer is missing', 'issuer', { issuer: undefined }],
      ['the issuer is no URL', 'issuer', { issuer: 'id.example' }],
      ['the issuer is of another protocol', 'issuer', { issuer: 'ftp://id.example', allowHttp: true }],
      ['the issuer has a query', 'issuer', { issuer: 'https://id.example/?tenant=1' }],
      ['the issuer has a fragment', 'issuer', { issuer: 'https://id.example/#top' }],
      ['the issuer has a password', 'issuer', { issuer: 'https://user:password@id.example' }],
      ['serviceUrl is no URL', 'serviceUrl', { serviceUrl: '/internal' }],
      ['serviceUrl has a query', 'serviceUrl', { serviceUrl: 'https://inside.example?x' }],
      ['the issuer is asked over http', 'allowHttp', { issuer: 'http://id.example' }],
      ['the service is asked over http', 'allowHttp', { serviceUrl: 'http://10.0.0.7:3000' }],
      [
        'the service is asked over http, and its name only looks local',
        'allowHttp',
        { serviceUrl: 'http://localhost.example' },
      ],
      [
        'the service is asked over http, and allowHttp is false',
        'allowHttp',
        { serviceUrl: 'http://h', allowHttp: false },
      ],
      ['there is no audience', 'audience', { audience: undefined }],
      ['the audience is empty', 'audience', { audience: '' }],
      ['there is no audience in the list', 'audience', { audience: [] }],
      ['one audience of several is empty', 'audience', { audience: ['https://api.example', ''] }],
      ['the audience is something else', 'audience', { audience: { name: 'api' } }],
      ['the API key is its id alone', 'apiKey', { apiKey: { id: API_KEY.id } }],
      ['the API key is a string', 'apiKey', { apiKey: API_KEY.key }],
      ['the API key has no id', 'apiKey', { apiKey: { key: API_KEY.key } }],
      ['the API key is too short to be one', 'apiKey', { apiKey: { id: 'api', key: 'secret' } }],
      ['the API key is of letters that no header carries', 'apiKey', { apiKey: { id: 'api', key: 'ключ'.repeat(10) } }],
      ['the id of the API key has a colon', 'apiKey', { apiKey: { ...API_KEY, id: 'a:b' } }],
      ['follow is another word', 'follow', { apiKey: API_KEY, follow: 'webhook' }],
      ['follow is told without a key to follow with', 'follow', { follow: 'poll' }],
      ['follow is told without a key: also the usual way', 'follow', { follow: 'stream' }],
      ['onStale is another word', 'onStale', { apiKey: API_KEY, onStale: 'refuse' }],
      ['onStale is told without a key to know it by', 'onStale', { onStale: 'reject' }],
      ['onStale is to ask, without a key to ask with', 'onStale', { onStale: 'introspect' }],
      ['clockTolerance is negative', 'clockTolerance', { clockTolerance: -1 }],
      ['clockTolerance is more than a minute', 'clockTolerance', { clockTolerance: 61 }],
      ['clockTolerance is no number', 'clockTolerance', { clockTolerance: Number.NaN }],
      ['cacheSize is negative', 'cacheSize', { cacheSize: -1 }],
      ['cacheSize is no number', 'cacheSize', { cacheSize: Number.NaN }],
      ['the realm ends its own quotes', 'realm', { realm: 'api" error="none' }],
      ['the realm has a line break', 'realm', { realm: 'api\r\nset-cookie: a=b' }],
      ['the realm has a backslash', 'realm', { realm: 'api\\' }],
      ['the realm is empty', 'realm', { realm: '' }],
      ['resourceMetadata has a line break', 'resourceMetadata', { resourceMetadata: 'https://api.example\n' }],
      ['snapshotSecret is short', 'snapshotSecret', { snapshotSecret: 'x'.repeat(31) }],
    ]
    for (const name of ['pollInterval', 'maxStaleness', 'keepKeysFor']) {
      for (const value of [0, -1, Infinity, Number.NaN]) {
        BAD.push([`${name} is ${value}`, name, { apiKey: API_KEY, [name]: value }])
      }
    }
    for (const [name, says, options] of BAD) {
      it(name, () => expect(() => create(options)).to.throw(TypeError, says))
    }

    it('it is a secret, without repeating it', () => {
      for (const options of [{ snapshotSecret: 'hunter2' }, { apiKey: { id: 'api', key: 'hunter2' } }])
        expect(() => create(options))
          .to.throw(TypeError)
          .with.property('message')
          .that.does.not.include('hunter2')
    })
  })

  describe('are fine when', () => {
    const FINE: [name: string, options: Record<string, unknown>][] = [
      ['they are the least that is needed', {}],
      ['there are several audiences', { audience: ['https://api.example', 'orders'] }],
      ['the service is on this machine, over http', { serviceUrl: 'http://localhost:3000' }],
      ['the issuer is on this machine, by its number', { issuer: 'http://127.0.0.1:3000' }],
      ['the issuer is on this machine, by its other number', { issuer: 'http://[::1]:3000' }],
      ['the service has a name of its own on this machine', { serviceUrl: 'http://id.localhost:3000' }],
      ['the service is asked over http, and that is allowed', { serviceUrl: 'http://id.internal', allowHttp: true }],
      [
        'the issuer is written as http and reached by https',
        { issuer: 'http://id.example', serviceUrl: 'https://x.example' },
      ],
      ['the issuer has a path', { issuer: 'https://example.com/auth' }],
      ['onStale says what it is anyway', { onStale: 'accept' }],
      ['nothing is remembered, and clocks are perfect', { cacheSize: 0, clockTolerance: 0 }],
      [
        'they are there and undefined, as read from an environment',
        {
          apiKey: undefined,
          realm: undefined,
          fetch: isolated.fetch,
          ...Object.fromEntries(
            [
              'follow',
              'pollInterval',
              'maxStaleness',
              'onStale',
              'keepKeysFor',
              'clockTolerance',
              'cacheSize',
              'resourceMetadata',
              'snapshotSecret',
              'serviceUrl',
              'allowHttp',
              'onFailure',
              'clock',
            ].map((name) => [name, undefined]),
          ),
        },
      ],
      [
        'all of them are said',
        {
          apiKey: API_KEY,
          follow: 'on-demand',
          pollInterval: 1,
          maxStaleness: 1,
          onStale: 'introspect',
          keepKeysFor: 1,
          clockTolerance: 60,
          cacheSize: 1,
          realm: 'orders',
          resourceMetadata: 'https://api.example/.well-known/oauth-protected-resource',
          snapshotSecret: 'x'.repeat(32),
          onFailure: () => undefined,
        },
      ],
    ]
    for (const [name, options] of FINE) it(name, () => create(options))
  })

  describe('say where the service is', () => {
    const CASES = [
      { issuer: 'https://id.example', asked: 'https://id.example' },
      { issuer: 'https://id.example/', asked: 'https://id.example' },
      { issuer: 'https://example.com/auth', asked: 'https://example.com/auth' },
      { issuer: 'https://example.com/auth/', asked: 'https://example.com/auth' },
      { issuer: 'https://id.example', serviceUrl: 'http://localhost:3000//', asked: 'http://localhost:3000' },
      { issuer: 'https://id.example', serviceUrl: 'https://inside.example/id/', asked: 'https://inside.example/id' },
    ]
    for (const { issuer, serviceUrl, asked } of CASES) {
      it(`${serviceUrl ?? issuer}${serviceUrl === undefined ? '' : `, for ${issuer}`}`, async () => {
        const kit = await createTestIssuer({ issuer })
        const urls: string[] = []
        const verifier = kit.createVerifier({
          ...(serviceUrl === undefined ? {} : { serviceUrl }),
          fetch: (url, init) => {
            urls.push(url.replace(/\?.*/, ''))
            return kit.fetch(url.replace(asked, issuer.replace(/\/+$/, '')), init)
          },
        })
        const token = await kit.signTestToken()
        expect(await verifier.verify(token)).to.include({ iss: issuer })
        await kit.clock.advance(0)
        expect(new Set(urls)).to.deep.equal(new Set([`${asked}${paths.jwks}`, `${asked}${paths.revocations}`]))
      })
    }
  })

  it('compare the issuer character by character', async () => {
    const issuer = await createTestIssuer({ issuer: 'https://id.example/' })
    const verifier = issuer.createVerifier()
    for (const iss of [
      'https://id.example',
      'https://ID.example/',
      'https://id.example:443/',
      'https://id.example//',
    ]) {
      const error = await verifier.verify(await issuer.signTestToken({ iss })).catch((e: unknown) => e)
      expect(error, iss).to.include({ code: 'token_issuer' })
    }
    expect(await verifier.verify(await issuer.signTestToken())).to.include({ iss: 'https://id.example/' })
  })

  it('without an apiKey leave nobody waiting for the end of a session that is never heard of', () => {
    const verifier = createVerifier(GOOD)
    const token = {} as Parameters<typeof verifier.onEnd>[0]
    expect(() => verifier.onEnd(token, () => undefined)).to.throw(TypeError, 'apiKey')
    verifier.close()
  })
})
