import { expect } from 'chai'
import type { Client } from 'hallpass/client'
import { paths } from '../../src/protocol/paths.ts'
import { useFakeTime } from '../support/fake-time.ts'
import { aClient, ADA, aSignedInDevice, codeOf, MINUTE } from './clients.ts'
import { createNotebook, type Notebook } from './notebook.ts'
import { createScriptedService, fail, hang, hold, say } from './scripted-service.ts'

describe('Signing in', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let storage: Notebook
  let client: Client
  beforeEach(() => {
    service = createScriptedService()
    storage = createNotebook()
    client = aClient(service, { storage })
  })

  const asked = () => service.askedAt(paths.sessions)

  it('with a password brings a session, and an access token that is there already', async () => {
    const session = await client.signIn(ADA, { deviceName: 'Ada’s laptop', remember: false })
    expect(session).to.deep.equal({ id: service.live[0], current: true })
    expect(asked()[0]?.body).to.deep.equal({ ...ADA, transport: 'body', device_name: 'Ada’s laptop', remember: false })
    expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: session.id })
    expect(await client.getAccessToken()).to.include(session.id)
    expect(service.refreshes).to.be.empty
  })

  it('with a link by mail does, too', async () => {
    await client.signIn({ magicLinkToken: 'hpem_x' })
    expect(asked()[0]?.body).to.deep.equal({ magic_link_token: 'hpem_x', transport: 'body' })
    expect(client.state.status).to.equal('signed_in')
  })

  it('in a browser asks for the cookie, and for an answer without the token', async () => {
    const browser = aClient(service, { transport: 'cookie', storage })
    await browser.signIn(ADA)
    expect(asked()[0]?.body).to.deep.equal({ ...ADA, transport: 'cookie' })
    expect(storage.text).not.to.match(/session-\d+\.\d/)
  })

  describe('says what to do with cookies', () => {
    const itself = globalThis.Request
    afterEach(() => {
      globalThis.Request = itself
    })

    for (const [name, RequestThere, knows] of [
      ['in browsers', itself, true],
      // Its polyfill has it of each request, and not of the class.
      [
        'in React Native',
        class {
          readonly credentials = 'same-origin'
        },
        true,
      ],
      ['in workers of Cloudflare’s, which refuse it', class {}, false],
    ] as const) {
      for (const transport of ['cookie', 'body'] as const) {
        it(`${knows ? '' : 'not '}${name}, with ${transport}`, async () => {
          let given: RequestInit | undefined
          const fetch: typeof globalThis.fetch = (input, init) => {
            given = init
            return service.fetch(input, init)
          }
          const one = aClient(service, { transport, storage, fetch })
          globalThis.Request = RequestThere as never
          await one.signIn(ADA)
          globalThis.Request = itself
          if (knows) expect(given).to.include({ credentials: transport === 'cookie' ? 'include' : 'omit' })
          else expect(given).not.to.have.property('credentials')
        })
      }
    }
  })

  it('lasts: the next app is signed in', async () => {
    const { id } = await client.signIn(ADA)
    client.close()
    expect(await aClient(service, { storage }).ready()).to.deep.equal({ status: 'signed_in', sessionId: id })
  })

  for (const [name, reply, code] of [
    ['a wrong password', say(401, { code: 'invalid_credentials', detail: 'Wrong.' }), 'invalid_credentials'],
    ['too many attempts', say(429, { code: 'rate_limited' }, { 'retry-after': '60' }), 'rate_limited'],
    ['no network', fail, 'unavailable'],
    ['a hotel’s page', say(200, '<p>Welcome'), 'unavailable'],
    ['an answer of somebody else', say(200, { ok: true }), 'unavailable'],
  ] as const) {
    it(`with ${name} says so, and changes nothing`, async () => {
      await client.ready()
      service.next(paths.sessions, reply)
      const error = await client.signIn(ADA).catch((cause: unknown) => cause)
      expect(error).to.include({ name: 'HallpassError', code })
      expect(client.state).to.deep.equal({ status: 'signed_out', sessionId: null, reason: null })
      expect(storage.text).to.equal(null)
      await client.signIn(ADA)
      expect(client.state.status).to.equal('signed_in')
    })
  }

  it('says when to come again', async () => {
    service.next(paths.sessions, say(429, { code: 'rate_limited' }, { 'retry-after': '60' }))
    expect(await client.signIn(ADA).catch((cause: unknown) => cause)).to.include({ status: 429, retryAfter: 60 })
  })

  describe('while somebody is signed in', () => {
    it('wins over a refresh of theirs, whatever comes of that', async () => {
      const old = await aSignedInDevice(service, { storage })
      const late = hold()
      service.next(paths.token, late.reply)
      await time.pass(4.5 * MINUTE)
      const signedIn = old.client.signIn(ADA)
      await time.settle()
      late.release()
      const { id } = await signedIn
      await time.settle()
      expect(id).not.to.equal(old.sid)
      expect(old.client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
      expect(await old.client.getAccessToken()).to.include(id)
      await time.pass(20 * MINUTE)
      expect(old.client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
      expect(service.live).to.include(id)
      expect(await old.restart().ready()).to.deep.equal({ status: 'signed_in', sessionId: id })
    })

    it('waits no longer than for one request that hangs', async () => {
      const old = await aSignedInDevice(service, { storage })
      service.next(paths.token, hang)
      await time.pass(4 * MINUTE + 15_000)
      const signedIn = old.client.signIn(ADA)
      await time.pass(11_000)
      const { id } = await signedIn
      expect(old.client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
    })

    it('leaves them signed in where it fails', async () => {
      const old = await aSignedInDevice(service, { storage })
      service.next(paths.sessions, say(401, { code: 'invalid_credentials' }))
      expect(await codeOf(old.client.signIn(ADA))).to.equal('invalid_credentials')
      await time.pass(20 * MINUTE)
      expect(old.client.state).to.deep.equal({ status: 'signed_in', sessionId: old.sid })
    })
  })

  it('twice at once leaves one person signed in, whose session is the one that is kept', async () => {
    const answers = await Promise.allSettled([client.signIn(ADA), client.signIn(ADA)])
    const last = answers.findLast((answer) => answer.status === 'fulfilled')
    const id = last?.value.id
    expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
    await time.pass(20 * MINUTE)
    expect(client.state).to.deep.equal({ status: 'signed_in', sessionId: id })
    client.close()
    expect(await aClient(service, { storage }).ready()).to.deep.equal({ status: 'signed_in', sessionId: id })
  })

  it('is undone by a sign-out that comes before its answer: the new session ends, too', async () => {
    const answer = hold()
    service.next(paths.sessions, answer.reply)
    const signedIn = codeOf(client.signIn(ADA))
    await time.settle()
    const out = client.signOut()
    await time.settle()
    answer.release()
    expect(await signedIn).to.equal('superseded')
    expect(await out).to.equal(true)
    expect(service.live).to.be.empty
    expect(storage.text).to.equal(null)
    expect(client.state.status).to.equal('signed_out')
    await time.pass(20 * MINUTE)
    expect(client.state.status).to.equal('signed_out')
  })

  for (const name of ['is answered late', 'is never answered']) {
    it(`is not even begun after a sign-out that comes while it waits for a refresh that ${name}`, async () => {
      const old = await aSignedInDevice(service, { storage })
      const late = hold()
      service.next(paths.token, name === 'is answered late' ? late.reply : hang)
      while (service.refreshes.length === 0) await time.pass(1_000)
      const signedIn = codeOf(old.client.signIn(ADA))
      await time.settle()
      const out = old.client.signOut()
      expect(old.client.state).to.include({ status: 'signed_out', reason: 'signed_out' })
      late.release()
      await time.pass(11_000)
      expect(await signedIn).to.equal('superseded')
      expect(await out).to.equal(true)
      expect(asked(), 'the first one').to.have.length(1)
      expect(service.live).to.be.empty
      expect(storage.text).to.equal(null)
      await time.pass(20 * MINUTE)
      expect(old.client.state).to.include({ status: 'signed_out', reason: 'signed_out' })
    })
  }

  it('is undone by a sign-out in a browser, too, though undoing it fails at first', async () => {
    const browser = aClient(service, { transport: 'cookie', storage })
    await browser.ready()
    const answer = hold()
    service.next(paths.sessions, answer.reply)
    const signedIn = codeOf(browser.signIn(ADA))
    await time.settle()
    const out = browser.signOut()
    service.always(paths.currentSession, fail)
    service.always(paths.token, fail)
    answer.release()
    expect(await signedIn).to.equal('superseded')
    expect(await out).to.equal(false)
    service.always(paths.currentSession)
    service.always(paths.token)
    await time.pass(5_000)
    expect(service.live).to.be.empty
    expect(storage.text).to.equal(null)
    expect(browser.state).to.include({ status: 'signed_out' })
  })

  it('is undone by a sign-out that comes while it is written, on a slow storage', async () => {
    let release = (): void => undefined
    storage.slow = new Promise((resolve) => (release = resolve))
    const signedIn = codeOf(client.signIn(ADA))
    await time.settle()
    const out = client.signOut()
    await time.settle()
    release()
    expect(await signedIn).to.equal('superseded')
    expect(await out).to.equal(true)
    await time.settle()
    expect(service.live).to.be.empty
    expect(storage.text).to.equal(null)
    expect(client.state.status).to.equal('signed_out')
  })

  for (const fails of ['reading', 'writing'] as const) {
    it(`ends the session again where ${fails} fails: nobody could refresh it`, async () => {
      await client.ready()
      storage.fails = fails
      expect(await codeOf(client.signIn(ADA))).to.equal('storage_failed')
      expect(service.live).to.be.empty
      expect(client.state).to.include({ status: 'signed_out' })
      storage.fails = null
      await client.signIn(ADA)
      expect(service.live).to.have.length(1)
      expect(client.state.status).to.equal('signed_in')
    })
  }
})
