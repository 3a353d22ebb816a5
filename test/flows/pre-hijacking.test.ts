/**
 * Somebody registers another person's address and waits for its owner (Sudhodanan and Paverd, "Pre-hijacked
 * accounts", 2022). The decision behind: docs/decisions/0014.
 */
import { expect } from 'chai'
import { askedChange, askedToken, changePassword, NEW_PASSWORD, signInByLink, use } from '../support/email-flows.ts'
import { expectProblem } from '../support/expectations.ts'
import { allMailsTo, tokenFor } from '../support/mail.ts'
import { anAddress, refresh, register, send, sendForm, signIn, type SignedIn } from '../support/people.ts'
import { onBothStores } from '../support/server.ts'

const THEIRS = 'the passphrase of a stranger'

interface Foothold {
  readonly email: string
  readonly device: SignedIn
  readonly secondDevice: SignedIn
  readonly key: { readonly id: string; readonly key: string }
  readonly pendingChange: string
}

describe('Somebody who registered another person’s address first', () => {
  onBothStores((server) => {
    let theirs: Foothold
    beforeEach(async () => {
      const email = await register(server().url, anAddress(), THEIRS)
      const device = await signIn(server().url, email, { body: { password: THEIRS } })
      const secondDevice = await signIn(server().url, email, { body: { password: THEIRS } })
      const key = await send<{ id: string; key: string }>(`${server().url}/v1/api-keys`, {
        token: device.accessToken,
        body: { name: 'a foot in the door' },
      })
      const pendingChange = await askedChange(server().url, device, anAddress())
      theirs = { email, device, secondDevice, key: key.body, pendingChange }
      expect((await exchange()).status).to.equal(200)
    })

    const exchange = () =>
      sendForm(
        `${server().url}/oauth/token`,
        { grant_type: 'client_credentials' },
        { authorization: `Basic ${Buffer.from(`${theirs.key.id}:${theirs.key.key}`).toString('base64')}` },
      )

    async function expectNothingLeft(owner: { accessToken: string }): Promise<void> {
      const { email, device, secondDevice, pendingChange } = theirs
      expectProblem(
        await send(`${server().url}/v1/sessions`, { body: { email, password: THEIRS } }),
        401,
        'invalid_credentials',
      )
      for (const { refreshToken, accessToken } of [device, secondDevice]) {
        expect((await refresh(server().url, refreshToken)).status).to.equal(400)
        expectProblem(await send(`${server().url}/v1/users/me`, { token: accessToken }), 401, 'invalid_access_token')
        const change = await changePassword(server().url, accessToken, THEIRS, 'another one of theirs, longer')
        expectProblem(change, 401, 'invalid_access_token')
      }
      expect((await exchange()).body['error']).to.equal('invalid_client')
      expectProblem(await use(server().url, 'change-email', { token: pendingChange }), 400, 'invalid_token')

      const me = await send(`${server().url}/v1/users/me`, { token: owner.accessToken })
      expect(me.body).to.include({ email, email_verified: true })
      const keys = await send(`${server().url}/v1/api-keys`, { token: owner.accessToken })
      expect(keys.body['api_keys']).to.deep.equal([])
    }

    it('has nothing left when the owner resets the password', async () => {
      const token = await askedToken(server().url, 'reset', theirs.email)
      expect((await use(server().url, 'reset', { token, password: NEW_PASSWORD })).status).to.equal(204)
      await expectNothingLeft(await signIn(server().url, theirs.email, { body: { password: NEW_PASSWORD } }))
    })

    it('has nothing left when the owner uses a magic link', async () => {
      const { status, body } = await signInByLink(server().url, await askedToken(server().url, 'magic', theirs.email))
      expect(status).to.equal(201)
      await expectNothingLeft({ accessToken: body.access_token })
    })

    it('has nothing left when the owner registers, and takes the way that the mail offers', async () => {
      await register(server().url, theirs.email, 'the passphrase of the owner')
      expect(await allMailsTo(server(), theirs.email)).to.include('account_exists')
      const token = await tokenFor(theirs.email, 'reset')
      await use(server().url, 'reset', { token, password: NEW_PASSWORD })
      await expectNothingLeft(await signIn(server().url, theirs.email, { body: { password: NEW_PASSWORD } }))
    })

    it('has no mail token left that would let them back in', async () => {
      const stale = await askedToken(server().url, 'magic', theirs.email)
      const token = await askedToken(server().url, 'reset', theirs.email)
      await use(server().url, 'reset', { token, password: NEW_PASSWORD })
      expectProblem(await signInByLink(server().url, stale), 400, 'invalid_token')
    })
  })
})
