/** Every token, presented wherever another kind of token is wanted. */
import { expect } from 'chai'
import {
  aConfirmedPerson,
  askedChange,
  askedToken,
  changeAddress,
  NEW_PASSWORD,
  signInByLink,
  use,
} from '../support/email-flows.ts'
import { tokenFor } from '../support/mail.ts'
import { anAddress, ORIGIN, refresh, register, send, sendForm, signIn } from '../support/people.ts'
import { onBothStores } from '../support/server.ts'

/** What a place says to a token that belongs there. */
interface Place {
  readonly takes: string
  readonly send: (token: string) => Promise<{ status: number }>
}

describe('A token at another token’s place', () => {
  onBothStores((server) => {
    it('opens nothing: each is good for one purpose', async () => {
      const url = server().url
      // One person holds all of them, so that nothing is refused merely because it is somebody else's.
      const moved = await aConfirmedPerson(url)
      await changeAddress(url, moved, anAddress())
      const revert = await tokenFor(moved.email, 'revert-email')
      const { body: me } = await send<{ email: string }>(`${url}/v1/users/me`, { token: moved.accessToken })
      const email = me.email
      await register(url, email) // whoever registers a taken address has a reset mailed
      const person = await signIn(url, email, { headers: { 'user-agent': 'Postcards/2.3.1' } })
      const key = await send<{ id: string; key: string }>(`${url}/v1/api-keys`, {
        token: person.accessToken,
        body: { name: 'key' },
      })
      const basic = (id: string, secret: string) => ({
        authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
      })
      const ofKey = await sendForm<{ access_token: string }>(
        `${url}/oauth/token`,
        { grant_type: 'client_credentials' },
        basic(key.body.id, key.body.key),
      )

      const stranger = await register(url)
      const tokens: Record<string, string> = {
        'access token': person.accessToken,
        'access token of a key': ofKey.body.access_token,
        'refresh token': person.refreshToken,
        'API key': key.body.key,
        confirm: await tokenFor(stranger, 'confirm'),
        magic: await askedToken(url, 'magic', email),
        reset: await askedToken(url, 'reset', email, 1),
        'change-email': await askedChange(url, person, anAddress()),
        'revert-email': revert,
        'not-me': await tokenFor(email, 'not-me'),
      }

      const page = (path: string) => async (token: string) => {
        const answer = await fetch(`${url}/${path}`, {
          method: 'POST',
          headers: { origin: new URL(server().config.issuer).origin },
          body: new URLSearchParams({ token, password: NEW_PASSWORD }),
        })
        return { status: answer.status }
      }
      const places: Record<string, Place> = {
        'a Bearer token': { takes: 'access token', send: (token) => send(`${url}/v1/users/me`, { token }) },
        'POST /oauth/token': { takes: 'refresh token', send: (token) => refresh(url, token) },
        'the cookie': {
          takes: '-',
          send: (token) =>
            sendForm(
              `${url}/oauth/token`,
              { grant_type: 'refresh_token' },
              { cookie: `hallpass=${token}`, origin: ORIGIN },
            ),
        },
        'the key of HTTP Basic': {
          takes: 'API key',
          send: (token) =>
            sendForm(`${url}/oauth/token`, { grant_type: 'client_credentials' }, basic(key.body.id, token)),
        },
        'a password': { takes: '-', send: (token) => send(`${url}/v1/sessions`, { body: { email, password: token } }) },
        'a magic link': { takes: 'magic', send: (token) => signInByLink(url, token) },
        'PUT /v1/email-confirmations': { takes: 'confirm', send: (token) => use(url, 'confirm', { token }) },
        'PUT /v1/password-resets': {
          takes: 'reset',
          send: (token) => use(url, 'reset', { token, password: NEW_PASSWORD }),
        },
        'PUT /v1/email-changes': { takes: 'change-email', send: (token) => use(url, 'change-email', { token }) },
        'PUT /v1/email-reversions': { takes: 'revert-email', send: (token) => use(url, 'revert-email', { token }) },
        'POST /not-me': { takes: 'not-me', send: page('not-me') },
        'POST /confirm': { takes: 'confirm', send: page('confirm') },
        'POST /reset': { takes: 'reset', send: page('reset') },
        'POST /magic': { takes: 'magic', send: page('magic') },
        'POST /change-email': { takes: 'change-email', send: page('change-email') },
        'POST /revert-email': { takes: 'revert-email', send: page('revert-email') },
      }

      for (const [place, { takes, send: present }] of Object.entries(places)) {
        for (const [kind, token] of Object.entries(tokens)) {
          if (kind === takes) continue
          const { status } = await present(token)
          expect(status, `${kind} as ${place}`).to.be.oneOf([400, 401])
        }
      }

      // And nothing of all this used up or ended what it was not meant for.
      for (const [place, kind] of [
        ['a Bearer token', 'access token'],
        ['POST /oauth/token', 'refresh token'],
        ['the key of HTTP Basic', 'API key'],
        ['PUT /v1/email-confirmations', 'confirm'],
        ['POST /not-me', 'not-me'],
        ['a magic link', 'magic'],
        ['PUT /v1/password-resets', 'reset'],
        ['PUT /v1/email-reversions', 'revert-email'],
      ] as const) {
        const { status } = (await places[place]?.send(tokens[kind] ?? '')) ?? { status: 0 }
        expect(status, `${kind} at its own place`).to.be.oneOf([200, 201, 204])
      }
    })
  })
})
