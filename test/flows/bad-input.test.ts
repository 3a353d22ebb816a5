import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { expectNoInsides } from '../support/expectations.ts'
import { aSignedInPerson, PASSWORD, refresh, register, type SignedIn } from '../support/people.ts'
import { sendRawRequest, type RawAnswer } from '../support/raw-request.ts'
import { onBothStores } from '../support/server.ts'

const NOT_JSON = [
  '',
  '{',
  '}',
  '{"email":',
  "{'email':'x'}",
  '{"email":"x",}',
  'null',
  '1',
  '"x"',
  '[]',
  '[{}]',
  'NaN',
  '{}x',
]
const WRONG_TYPES: unknown[] = [null, true, 0, -1, 1e308, [], ['x'], {}, { $ne: null }, { toString: 'x' }]

describe('Bad input', () => {
  onBothStores((server) => {
    let device: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
    })

    /** Everything that takes JSON, with a body that would be right. */
    const endpoints = () =>
      [
        { method: 'POST', path: '/v1/users', good: { email: 'ada@example.com', password: PASSWORD } },
        {
          method: 'POST',
          path: '/v1/sessions',
          good: {
            email: device.email,
            password: PASSWORD,
            client_id: 'default',
            device_name: 'Phone',
            transport: 'body',
            remember: true,
          },
        },
        { method: 'PATCH', path: '/v1/sessions/current', good: { device_name: 'Phone' } },
        {
          method: 'POST',
          path: '/v1/sessions/current/reauthentication',
          good: { password: PASSWORD, refresh_token: device.refreshToken },
        },
      ] as const

    const post = (
      { method, path }: { method: string; path: string },
      body: string | Uint8Array,
      headers: Record<string, string> = {},
    ): Promise<RawAnswer> =>
      sendRawRequest(server().url, {
        method,
        path,
        body,
        headers: {
          'content-type': 'application/json',
          ...(path.endsWith('current') ? { authorization: `Bearer ${device.accessToken}` } : {}),
          ...headers,
        },
      })

    const expectRefused = (answer: RawAnswer, status: number, what: string): void => {
      expect(answer.status, what).to.equal(status)
      expect(JSON.parse(answer.text), what).to.include.all.keys('type', 'title', 'status', 'detail', 'code')
      expectNoInsides(answer.text)
    }

    const expectUnharmed = async (): Promise<void> => {
      expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
    }

    it('of JSON that is none, or no object, is 400', async () => {
      for (const endpoint of endpoints()) {
        for (const text of NOT_JSON) expectRefused(await post(endpoint, text), 400, `${endpoint.path} ${text}`)
      }
      await expectUnharmed()
    })

    it('of a wrong type in any member is 400', async () => {
      for (const endpoint of endpoints()) {
        for (const member of Object.keys(endpoint.good)) {
          for (const value of WRONG_TYPES) {
            const isRight = (member === 'device_name' && value === null) || (member === 'remember' && value === true)
            if (isRight) continue
            const text = JSON.stringify({ ...endpoint.good, [member]: value })
            expectRefused(await post(endpoint, text), 400, `${endpoint.path} ${text}`)
          }
        }
      }
      await expectUnharmed()
    })

    it('of characters that no text may hold is 400, in values and in names', async () => {
      for (const endpoint of endpoints()) {
        for (const bad of ['\\u0000', 'x\\u0000y', '\\ud800', 'x\\udc00y', '\\udc00\\ud800']) {
          for (const member of [...Object.keys(endpoint.good), bad]) {
            const { [member]: _, ...rest } = endpoint.good as Record<string, unknown>
            const text = JSON.stringify(rest).replace(
              /}$/,
              `${Object.keys(rest).length > 0 ? ',' : ''}"${member}":"${bad}"}`,
            )
            expectRefused(await post(endpoint, text), 400, `${endpoint.path} ${text}`)
          }
        }
      }
      await expectUnharmed()
    })

    it('of raw control characters or bytes that are no UTF-8 is 400', async () => {
      for (const endpoint of endpoints()) {
        const [start, end] = ['{"email":"', '@example.com"}'].map((text) => Buffer.from(text)) as [Buffer, Buffer]
        for (const bytes of [
          [0x00],
          [0xff],
          [0xc0, 0x80],
          [0xed, 0xa0, 0x80],
          [0xf5, 0x80, 0x80, 0x80],
          [0xe2, 0x82],
        ]) {
          const body = Buffer.concat([start, Buffer.from(bytes), end])
          expectRefused(await post(endpoint, body), 400, `${endpoint.path} ${body.toString('hex')}`)
        }
        const utf16 = Buffer.from(JSON.stringify(endpoint.good), 'utf16le')
        expectRefused(await post(endpoint, utf16), 400, `${endpoint.path} in UTF-16`)
      }
    })

    it('that nests deeply is 400, or 413 where ten thousand levels take more than 16 kB', async () => {
      for (const endpoint of endpoints()) {
        const nested = (levels: number, open = '[', close = ']') => open.repeat(levels) + close.repeat(levels)
        expectRefused(await post(endpoint, `{"email":${nested(8_000)}}`), 400, endpoint.path)
        expectRefused(
          await post(endpoint, `{"email":${nested(2_500, '{"a":', '}').replace(':}', ':1}')}}`),
          400,
          endpoint.path,
        )
        expectRefused(await post(endpoint, '['.repeat(10_000)), 400, endpoint.path)
        expectRefused(await post(endpoint, nested(10_000)), 413, endpoint.path)
      }
      await expectUnharmed()
    })

    it('that is compressed is 415, whatever it would unpack to', async () => {
      for (const endpoint of endpoints()) {
        const bomb = gzipSync(JSON.stringify({ email: 'x'.repeat(1_000_000) }))
        for (const encoding of ['gzip', 'br', 'deflate', 'x']) {
          expectRefused(await post(endpoint, bomb, { 'content-encoding': encoding }), 415, endpoint.path)
        }
      }
    })

    it('of very long texts is refused, never stored', async () => {
      const long = 'x'.repeat(15_000)
      expectRefused(
        await post(endpoints()[0], JSON.stringify({ email: `${long}@example.com`, password: PASSWORD })),
        400,
        'email',
      )
      expectRefused(
        await post(endpoints()[0], JSON.stringify({ email: 'a@b.example', password: long })),
        400,
        'password',
      )
      const credentials = { email: device.email, password: PASSWORD }
      expectRefused(
        await post(endpoints()[1], JSON.stringify({ ...credentials, device_name: long })),
        400,
        'device_name',
      )
      expectRefused(await post(endpoints()[1], JSON.stringify({ ...credentials, client_id: long })), 400, 'client_id')
      expectRefused(await post(endpoints()[1], JSON.stringify({ ...credentials, password: long })), 401, 'password')
    })

    it('in the headers of a sign-in does not get in its way', async () => {
      const email = await register(server().url)
      for (const text of [
        '\u00ff\u0080',
        '"',
        '\\',
        '('.repeat(1_000),
        ',;=,;=',
        '%00',
        "'; drop table sessions; --",
      ]) {
        const { status, text: answer } = await sendRawRequest(server().url, {
          method: 'POST',
          path: '/v1/sessions',
          body: JSON.stringify({ email, password: PASSWORD }),
          headers: {
            ...Object.fromEntries(
              ['user-agent', 'hallpass-client', 'x-forwarded-for', 'referer', 'cookie', 'idempotency-key'].map(
                (name) => [name, text],
              ),
            ),
            'sec-ch-ua': text,
            'sec-ch-ua-platform': text,
            'sec-ch-ua-model': text,
            'content-type': 'application/json',
          },
        })
        expect(status, text).to.equal(201)
        expectNoInsides(answer)
      }
    })
  })
})
