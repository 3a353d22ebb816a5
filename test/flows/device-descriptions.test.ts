import { expect } from 'chai'
import { expectProblem } from '../support/expectations.ts'
import { PASSWORD, refresh, register, send, signIn } from '../support/people.ts'
import { onBothStores } from '../support/server.ts'

const MAC_SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15'
const WINDOWS_CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'
const ANDROID_CHROME =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36'
const IPHONE_SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'

describe('What a person reads of a device', () => {
  onBothStores(
    (server) => {
      let email: string
      beforeEach(async () => {
        email = await register(server().url)
      })

      /** The device as the list shows it after a sign-in with these headers. */
      const shown = async (
        headers: Record<string, string>,
        deviceName?: string,
      ): Promise<{ device: Record<string, unknown>; ip: string | null }> => {
        const { accessToken, sessionId } = await signIn(server().url, email, {
          headers,
          ...(deviceName === undefined ? {} : { body: { device_name: deviceName } }),
        })
        const { body } = await send<{ sessions: { id: string; device: Record<string, unknown>; ip: string | null }[] }>(
          `${server().url}/v1/sessions`,
          { token: accessToken },
        )
        const session = body.sessions.find(({ id }) => id === sessionId)
        if (session === undefined) throw new Error('the new session is not in the list')
        return session
      }

      it('who signed in on a laptop: the browser and the system, and no version that is frozen', async () => {
        expect((await shown({ 'user-agent': MAC_SAFARI })).device).to.deep.equal({
          name: null,
          label: 'Safari on macOS',
          type: 'desktop',
          browser: { name: 'Safari', version: '18.5' },
          os: { name: 'macOS', version: null },
          model: null,
        })
        expect((await shown({ 'user-agent': WINDOWS_CHROME })).device).to.include({ label: 'Chrome on Windows' })
      })

      it('who signed in on a laptop with client hints: Windows 11, and Brave where it says so', async () => {
        const { device } = await shown({
          'user-agent': WINDOWS_CHROME,
          'sec-ch-ua': '"Brave";v="141", "Not?A_Brand";v="8", "Chromium";v="141"',
          'sec-ch-ua-full-version-list':
            '"Brave";v="141.0.0.0", "Not?A_Brand";v="8.0.0.0", "Chromium";v="141.0.7390.55"',
          'sec-ch-ua-platform': '"Windows"',
          'sec-ch-ua-platform-version': '"15.0.0"',
          'sec-ch-ua-mobile': '?0',
        })
        expect(device).to.include({ label: 'Brave on Windows 11', type: 'desktop' })
        expect(device['os']).to.deep.equal({ name: 'Windows', version: '11' })
      })

      it('who signed in on a phone: its model where hints give one, none where Chrome says "K"', async () => {
        const hinted = await shown({
          'user-agent': ANDROID_CHROME,
          'sec-ch-ua': '"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"',
          'sec-ch-ua-platform': '"Android"',
          'sec-ch-ua-platform-version': '"16.0.0"',
          'sec-ch-ua-model': '"Pixel 9"',
          'sec-ch-ua-mobile': '?1',
        })
        expect(hinted.device).to.include({ label: 'Chrome on Pixel 9', type: 'mobile', model: 'Pixel 9' })
        expect(hinted.device['os']).to.deep.equal({ name: 'Android', version: '16' })
        const bare = await shown({ 'user-agent': ANDROID_CHROME })
        expect(bare.device).to.include({ label: 'Chrome on Android', type: 'mobile', model: null })
        const iPhone = await shown({ 'user-agent': IPHONE_SAFARI })
        expect(iPhone.device).to.include({ label: 'Safari on iPhone', type: 'mobile', model: 'iPhone' })
      })

      it('who signed in by an app: what the app says of itself and the device, above all else', async () => {
        const { device } = await shown(
          {
            'user-agent': 'okhttp/4.12.0',
            'hallpass-client': '"Acme"; version="2.3.1"; os="Android"; os-version="14"; model="Pixel 8"; type=mobile',
          },
          'Ada’s phone',
        )
        expect(device).to.deep.equal({
          name: 'Ada’s phone',
          label: 'Acme 2.3.1 on Pixel 8',
          type: 'mobile',
          browser: { name: 'okhttp', version: '4.12.0' },
          os: { name: 'Android', version: '14' },
          model: 'Pixel 8',
        })
      })

      it('is harmless, whatever the client sent', async () => {
        const { device } = await shown(
          { 'user-agent': `<script>${'x'.repeat(8000)}`, 'hallpass-client': '"<b>"; os=((', 'sec-ch-ua': '"\\' },
          '\u202eenohp s\u2019adA\u0000'.replace('\u0000', '\n'),
        )
        expect(device['name']).to.equal('enohp s\u2019adA')
        expect((device['label'] as string).length).to.be.at.most(128)
      })

      it('has a name of at most 100 characters', async () => {
        const body = { email, password: PASSWORD, device_name: 'x'.repeat(101) }
        expectProblem(await send(`${server().url}/v1/sessions`, { body }), 400, 'invalid_request')
      })

      it('has the address that the nearest trusted proxies vouch for, and no other', async () => {
        const ipBehind = async (forwardedFor: string): Promise<string | null> =>
          (await shown({ 'x-forwarded-for': forwardedFor })).ip
        expect(await ipBehind('198.51.100.7')).to.equal('198.51.100.7')
        expect(await ipBehind('203.0.113.9, 198.51.100.7, 10.1.2.3')).to.equal('198.51.100.7')
        expect(await ipBehind('[2001:db8::1]:443')).to.equal('2001:db8::1')
        expect(await ipBehind('203.0.113.9, garbage')).to.equal('127.0.0.1')
        expect(await ipBehind('203.0.113.9, garbage, 10.1.2.3')).to.equal('10.1.2.3')
        expect((await shown({})).ip).to.equal('127.0.0.1')
      })

      it('has the address of the last use', async () => {
        const device = await signIn(server().url, email, { headers: { 'x-forwarded-for': '198.51.100.7' } })
        await refresh(server().url, device.refreshToken)
        const { body } = await send(`${server().url}/v1/sessions/current`, { token: device.accessToken })
        expect(body['ip']).to.equal('127.0.0.1')
      })
    },
    { HALLPASS_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' },
  )
})
