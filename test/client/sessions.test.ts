import { expect } from 'chai'
import { createClient, HallpassError, type Client, type SessionState } from 'hallpass/client'
import { anAddress, claimsOf, PASSWORD, register, signIn } from '../support/people.ts'
import { eventually } from '../support/revocation-feed.ts'
import { HOUR, moveTimes } from '../support/rows.ts'
import { onStore } from '../support/server.ts'
import { createSession } from '../support/sessions.ts'
import { handOver } from './handed-over.ts'

describe('The client and the service', function () {
  this.timeout(60_000)

  onStore('embedded', (server) => {
    let email: string
    let userId: string
    let phone: Client
    let laptop: Client
    let clients: Client[]
    before(async () => {
      email = await register(server().url, anAddress())
      userId = (await signIn(server().url, email)).userId
    })
    beforeEach(async () => {
      clients = []
      phone = await aDevice()
      laptop = await aDevice()
    })
    afterEach(async () => {
      for (const client of clients) client.close()
    })

    async function aDevice(options: { follow?: boolean } = {}): Promise<Client> {
      const client = await handOver(await createSession(server(), userId), { issuer: server().url, ...options })
      clients.push(client)
      return client
    }

    /** Before anybody has signed in with it. */
    function aClient(options: { app?: string } = {}): Client {
      const client = createClient({ issuer: server().url, transport: 'body', ...options })
      clients.push(client)
      return client
    }

    const failureOf = async (work: Promise<unknown>): Promise<HallpassError> => {
      const error = await work.then(
        () => undefined,
        (cause: unknown) => cause,
      )
      expect(error).to.be.instanceOf(HallpassError)
      return error as HallpassError
    }
    const idOf = ({ state }: Client): string => (state.status === 'signed_in' ? state.sessionId : '')

    /** So long ago that the service wants to see the password again. */
    async function signedInLongAgo(client: Client): Promise<void> {
      const token = await client.getAccessToken()
      const { sub, sid } = claimsOf(token) as { sub: string; sid: string }
      await moveTimes(server(), { userId: sub, sessionId: sid }, { authenticated_at: -HOUR })
      await replaceToken(client, token)
    }

    /** An API that knows nobody makes the client refresh. */
    async function replaceToken(client: Client, old: string): Promise<void> {
      const itself = globalThis.fetch
      globalThis.fetch = (input, init) => {
        const isRefused = new Headers(init?.headers).get('authorization') === `Bearer ${old}`
        return isRefused ? Promise.resolve(new Response('', { status: 401 })) : itself(input, init)
      }
      try {
        await client.fetch(`${server().url}/healthz`)
      } finally {
        globalThis.fetch = itself
      }
      expect(await client.getAccessToken()).not.to.equal(old)
    }

    it('know the device that somebody signs in with', async () => {
      const tablet = aClient({ app: '"Acme"; version="2.3.1"; model="Pixel 9"' })
      const signedIn = await tablet.signIn({ email, password: PASSWORD }, { deviceName: 'Ada’s tablet' })
      expect(signedIn).to.include({ id: idOf(tablet), current: true, transport: 'body' })
      expect(signedIn.device).to.include({ name: 'Ada’s tablet', model: 'Pixel 9' })
      expect(claimsOf(await tablet.getAccessToken())['sid']).to.equal(idOf(tablet))
    })

    it('list the devices, this one marked', async () => {
      const sessions = await laptop.sessions.list()
      expect(sessions.map(({ id }) => id)).to.include.members([idOf(phone), idOf(laptop)])
      expect(sessions.filter(({ current }) => current).map(({ id }) => id)).to.deep.equal([idOf(laptop)])
    })

    it('rename a device, and take the name back', async () => {
      const renamed = await laptop.sessions.rename(idOf(phone), 'Kitchen')
      expect(renamed).to.include({ id: idOf(phone), current: false })
      expect(renamed.device.name).to.equal('Kitchen')
      expect((await laptop.sessions.rename(idOf(phone), null)).device.name).to.equal(null)
    })

    it('end another device, which learns of it and why', async () => {
      await laptop.sessions.revoke(idOf(phone))
      expect((await phone.fetch(`${server().url}/v1/sessions`)).status).to.equal(401)
      await eventually(() => phone.state.status === 'signed_out')
      expect(phone.state).to.include({ status: 'signed_out', reason: 'revoked_by_user' })
      const error = await failureOf(phone.getAccessToken())
      expect(error).to.include({ code: 'signed_out' })
      expect(error.details).to.include({ reason: 'revoked_by_user' })
    })

    it('end all others', async () => {
      await aDevice()
      expect(await laptop.sessions.revokeOthers()).to.be.least(2)
      expect((await laptop.sessions.list()).map(({ id }) => id)).to.deep.equal([idOf(laptop)])
      const [revoked, all] = await Promise.all(
        (['revoked', 'all'] as const).map((status) => laptop.sessions.list({ status })),
      )
      expect(revoked?.map(({ id }) => id))
        .to.include(idOf(phone))
        .and.not.to.include(idOf(laptop))
      expect(all?.map(({ id }) => id)).to.include.members([idOf(phone), idOf(laptop)])
    })

    it('sign out, and the service knows it', async () => {
      const id = idOf(phone)
      expect(await phone.signOut()).to.equal(true)
      const revoked = await laptop.sessions.list({ status: 'revoked' })
      expect(revoked.find((session) => session.id === id)).to.include({ revoked_reason: 'signed_out' })
    })

    it('tell one that follows, at once: of its end, and of what happens to others', async () => {
      const tablet = await aDevice({ follow: true })
      const seen: SessionState[] = []
      let changes = 0
      tablet.onChange((state) => void seen.push(state))
      tablet.sessions.onChange(() => void (changes += 1))
      await eventually(async () => {
        await laptop.sessions.rename(idOf(laptop), `Laptop ${changes}`) // until it listens
        return changes > 0
      })
      await laptop.sessions.revoke(idOf(tablet))
      await eventually(() => tablet.state.status === 'signed_out')
      expect(seen.at(-1)).to.deep.include({ status: 'signed_out', sessionId: null, reason: 'revoked_by_user' })
      const { message, details } = seen.at(-1) as SessionState & { status: 'signed_out' }
      expect(message).to.match(/^You signed this device out from Laptop \d+, on .* UTC\. Sign in again\.$/)
      expect(details?.['ended_by']).to.include({ session_id: idOf(laptop) })
    })

    describe('where somebody proved long ago who they are', () => {
      beforeEach(() => signedInLongAgo(laptop))

      it('want to know it again before other devices are ended, and then do it', async () => {
        for (const attempt of [() => laptop.sessions.revoke(idOf(phone)), () => laptop.sessions.revokeOthers()]) {
          expect(await failureOf(attempt())).to.include({ code: 'insufficient_user_authentication', status: 401 })
        }
        await laptop.reauthenticate({ password: PASSWORD })
        expect(await laptop.sessions.revokeOthers()).to.be.least(1)
        expect(laptop.state.status).to.equal('signed_in')
      })

      it('do nothing for a wrong password', async () => {
        expect(await failureOf(laptop.reauthenticate({ password: 'not the password' }))).to.include({
          code: 'invalid_credentials',
          status: 401,
        })
        expect(await failureOf(laptop.sessions.revokeOthers())).to.include({ code: 'insufficient_user_authentication' })
        expect(laptop.state.status).to.equal('signed_in')
      })
    })

    it('say what is wrong in words that programs know', async () => {
      const wrong = await failureOf(aClient().signIn({ email, password: 'not the password' }))
      expect(wrong).to.include({ code: 'invalid_credentials', status: 401, name: 'HallpassError' })
      expect(wrong.message).to.match(/\w+ \w+/)
      const magic = await failureOf(aClient().signIn({ magicLinkToken: 7 as never }))
      expect(magic).to.include({ status: 400, code: 'invalid_request' })
      expect(magic.details['errors']).to.be.an('array')
      expect(await failureOf(laptop.sessions.rename('garbage', 'x'))).to.include({ status: 404, code: 'not_found' })
      expect(await failureOf(laptop.sessions.rename(idOf(laptop), 'x'.repeat(1_000)))).to.include({ status: 400 })
    })

    it('ask nobody’s devices of somebody who is signed out', async () => {
      await phone.signOut()
      expect(await failureOf(phone.sessions.list())).to.include({ status: 401 })
    })
  })
})
