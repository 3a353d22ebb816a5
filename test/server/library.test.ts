import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import {
  ConfigError,
  ControlRefused,
  createHallpass,
  InvalidClaims,
  InvalidMember,
  InvalidSignIn,
  Unavailable,
  type HallpassService,
  type Mail,
  type OnSignIn,
  type SigningIn,
  type SubjectSignIn,
} from 'hallpass/server'
import { expectProblem } from '../support/expectations.ts'
import { claimsOf, PASSWORD, register, send, signIn } from '../support/people.ts'
import { eventually } from '../support/revocation-feed.ts'

const SETTINGS = { HALLPASS_DATA_DIR: 'memory://', LOG_LEVEL: 'silent' }

describe('hallpass/server', () => {
  let hallpass: HallpassService
  before(async function () {
    this.timeout(60_000)
    hallpass = await createHallpass({
      environment: SETTINGS,
      onSignIn: (who) => onSignIn(who),
      deliver: (mail) => Promise.resolve(void mails.push(mail)),
    })
  })
  after(() => hallpass.close())

  const mails: Mail[] = []
  async function mailed(purpose: Mail['purpose']): Promise<string> {
    const find = (): Mail | undefined => mails.find((mail) => mail.purpose === purpose)
    await eventually(() => find() !== undefined)
    return find()?.link ?? ''
  }

  let onSignIn: OnSignIn
  beforeEach(() => (onSignIn = () => undefined))

  let people = 0
  const aSubject = (): string => `subject-${(people += 1)}`
  const start = (subject: string, more: Partial<SubjectSignIn> = {}) =>
    hallpass.sessions.create({ subject, amr: ['pwd'], ...more })

  it('makes a session with all that the application knows of it', async () => {
    const authTime = new Date(Date.now() - 90_000)
    const created = await start(aSubject(), {
      amr: ['hwk', 'user'],
      authTime,
      transport: 'cookie',
      device: { name: 'Kitchen', userAgent: 'curl/8.5.0', app: '"Acme"; version="2.3.1"', ip: '::ffff:192.0.2.7' },
      claims: { plan: 'team' },
      data: { shop: 4 },
    })
    expect(created).to.have.all.keys('accessToken', 'expiresIn', 'refreshToken', 'refreshExpiresIn', 'session')
    expect(created.session).to.deep.include({
      transport: 'cookie',
      amr: ['hwk', 'user'],
      ip: '192.0.2.7',
      authenticatedAt: authTime,
    })
    expect(created.session.data).to.deep.equal({ shop: 4 })
    expect(created.session.device).to.deep.include({ name: 'Kitchen', app: { name: 'Acme', version: '2.3.1' } })
    expect(created.refreshExpiresIn).to.equal(30 * 24 * 60 * 60)
    expect(claimsOf(created.accessToken)).to.deep.include({
      iss: hallpass.issuer,
      sid: created.session.id,
      plan: 'team',
      auth_time: Math.floor(authTime.getTime() / 1000),
    })
  })

  it('lists and ends sessions by the application’s own name for a person', async () => {
    const [ada, grace] = [aSubject(), aSubject()]
    const [one, other, foreign] = [await start(ada), await start(ada), await start(grace)]
    const idsOf = async (subject: string) => (await hallpass.sessions.list(subject)).map(({ id }) => id)
    expect(await idsOf(ada)).to.deep.equal([other.session.id, one.session.id])

    expect(await hallpass.sessions.revoke(ada, foreign.session.id)).to.equal(false)
    expect(await hallpass.sessions.revoke(ada, 'garbage')).to.equal(false)
    expect(await hallpass.sessions.revoke(ada, one.session.id)).to.equal(true)
    expect(await hallpass.sessions.revoke(ada, one.session.id)).to.equal(true)
    expect(await idsOf(ada)).to.deep.equal([other.session.id])

    expect(await hallpass.sessions.revokeAll(ada)).to.equal(1)
    expect(await hallpass.sessions.revokeAll(ada)).to.equal(0)
    expect(await idsOf(ada)).to.deep.equal([])
    expect(await idsOf(grace)).to.deep.equal([foreign.session.id])
  })

  it('knows nothing of a subject that never signed in', async () => {
    const subject = aSubject()
    expect(await hallpass.sessions.list(subject)).to.deep.equal([])
    expect(await hallpass.sessions.revokeAll(subject)).to.equal(0)
    expect(await hallpass.sessions.revoke(subject, '01890a5d-ac96-774b-bcce-b302099a8057')).to.equal(false)
  })

  it('says what cannot be in a sign-in, and where', async () => {
    for (const [change, pointer, code] of [
      [{ subject: '' }, '/subject', 'invalid_length'],
      [{ subject: 'x'.repeat(256) }, '/subject', 'invalid_length'],
      [{ amr: [] }, '/amr', 'invalid_length'],
      [{ amr: ['pwd', 'key'] }, '/amr/1', 'reserved_name'],
      [{ authTime: new Date(Date.now() + 120_000) }, '/auth_time', 'in_the_future'],
      [{ clientId: 'nobody' }, '/client_id', 'invalid_client'],
      [{ device: { ip: '300.0.0.1' } }, '/device/ip', 'invalid_ip'],
      [{ claims: { sub: 'somebody' } }, '/claims/sub', 'reserved_name'],
      [{ claims: { note: 'x'.repeat(1024) } }, '/claims', 'too_large'],
      [{ data: { note: 'x'.repeat(4096) } }, '/data', 'too_large'],
    ] as const) {
      const error = await start(aSubject(), change).catch((thrown: unknown) => thrown)
      expect(error, pointer).to.be.instanceOf(InvalidSignIn)
      expect(error).to.include({ pointer, code })
    }
  })

  describe('finds and changes users, by the application’s own name for them or by ours', () => {
    it('in their claims, which sessions that go on say from their next token on', async () => {
      const subject = aSubject()
      const { session } = await start(subject)
      expect(await hallpass.users.setClaims({ subject }, { roles: ['buyer'] })).to.equal(true)
      const found = await hallpass.users.find({ subject })
      expect(found).to.deep.include({
        id: session.userId,
        subject,
        email: null,
        isVerified: false,
        hasPassword: false,
        role: 'user',
        claims: { roles: ['buyer'] },
        disabledAt: null,
        sessions: 1,
      })
      expect(await hallpass.users.find({ userId: session.userId })).to.deep.equal(found)
      expect(claimsOf((await start(subject)).accessToken)).to.deep.include({ roles: ['buyer'] })
    })

    it('so that they are let in no more, or are gone', async () => {
      const subject = aSubject()
      const userId = (await start(subject)).session.userId
      expect(await hallpass.users.disable({ subject })).to.equal(true)
      expect(await start(subject).catch((error: unknown) => error)).to.include({ code: 'account_disabled' })
      expect((await hallpass.users.find({ userId }))?.disabledAt).to.be.instanceOf(Date)
      expect(await hallpass.users.enable({ userId })).to.equal(true)
      await start(subject)
      expect(await hallpass.users.setRole({ userId }, 'admin')).to.equal(true)
      expect((await hallpass.users.list({ role: 'admin' })).users.map(({ id }) => id)).to.deep.equal([userId])
      expect(await hallpass.users.delete({ subject })).to.equal(true)
      expect(await hallpass.users.delete({ subject })).to.equal(false)
      expect((await start(subject)).session.userId).not.to.equal(userId)
    })

    it('a page at a time', async () => {
      const userId = (await start(aSubject())).session.userId
      const page = await hallpass.users.list({ limit: 1 })
      expect(page.users.map(({ id }) => id)).to.deep.equal([userId])
      const next = await hallpass.users.list({ limit: 1, cursor: page.cursor ?? '' })
      expect(next.users.map(({ id }) => id)).not.to.include(userId)
      for (const search of [{ cursor: 'x' }, { limit: 0 }, { limit: 101 }]) {
        expect(await hallpass.users.list(search).catch((error: unknown) => error)).to.be.instanceOf(RangeError)
      }
    })

    it('of whom there are none', async () => {
      for (const who of [
        { subject: aSubject() },
        { userId: '01890a5d-ac96-774b-bcce-b302099a8057' },
        { userId: 'x' },
      ]) {
        expect(await hallpass.users.find(who)).to.equal(null)
        expect(await hallpass.users.setClaims(who, {})).to.equal(false)
        expect(await hallpass.users.setRole(who, 'admin')).to.equal(false)
        expect(await hallpass.users.disable(who)).to.equal(false)
        expect(await hallpass.users.enable(who)).to.equal(false)
        expect(await hallpass.users.delete(who)).to.equal(false)
      }
    })

    it('and says what cannot be in their tokens', async () => {
      const subject = aSubject()
      await start(subject)
      for (const [claims, pointer, code] of [
        [{ aud: 'me' }, '/claims/aud', 'reserved_name'],
        [{ note: 'x'.repeat(1024) }, '/claims', 'too_large'],
        [{ note: '\0' }, '/claims', 'invalid_characters'],
        [['buyer'] as never, '/claims', 'invalid_type'],
      ] as const) {
        const error = await hallpass.users.setClaims({ subject }, claims).catch((thrown: unknown) => thrown)
        expect(error, code).to.be.instanceOf(InvalidClaims)
        expect(error).to.include({ pointer, code })
      }
      expect((await hallpass.users.find({ subject }))?.claims).to.deep.equal({})
    })
  })

  describe('controls sessions', () => {
    it('by the subject, and by the user id', async () => {
      const subject = aSubject()
      const { session } = await start(subject)
      for (const [control, who] of [
        [hallpass.sessions, subject],
        [hallpass.admin.sessions, session.userId],
      ] as const) {
        const pinned = await control.update(who, session.id, { pinned: true, data: { shop: 4 } })
        expect(pinned).to.deep.include({ pinned: true, data: { shop: 4 } })
        expect(await control.count(who)).to.equal(1)
        expect(await control.revoke(who, session.id)).to.equal(true)
        expect(await control.count(who)).to.equal(0)
        expect((await control.list(who, 'revoked')).map(({ id }) => id)).to.deep.equal([session.id])
        expect(await control.revive(who, session.id)).to.include({ status: 'active', revokedReason: null })
        const until = new Date(Date.now() + 1e9)
        expect((await control.revive(who, session.id, until))?.expiresAt).to.deep.equal(until)
        await control.update(who, session.id, { expired: true })
        expect(await control.find(who, session.id)).to.include({ status: 'expired', pinned: true })
        const refused = await control.update(who, session.id, { pinned: false }).catch((thrown: unknown) => thrown)
        expect(refused).to.be.instanceOf(ControlRefused)
        expect(refused).to.include({ code: 'session_ended' })
        await control.revive(who, session.id)
        expect(await control.revokeAll(who)).to.equal(1)
        await control.update(who, session.id, { revived: true, pinned: false, data: { shop: null } })
      }
    })

    it('of nobody, where nobody is known', async () => {
      for (const control of [hallpass.sessions, hallpass.admin.sessions]) {
        const who = aSubject()
        expect(await control.count(who)).to.equal(0)
        expect(await control.revokeAll(who)).to.equal(0)
        for (const id of ['garbage', '01890a5d-ac96-774b-bcce-b302099a8057']) {
          expect(await control.find(who, id)).to.equal(null)
          expect(await control.update(who, id, { pinned: true })).to.equal(null)
          expect(await control.revive(who, id)).to.equal(null)
          expect(await control.revoke(who, id)).to.equal(false)
        }
      }
    })

    it('by what they have in common', async () => {
      const { sessions } = hallpass.admin
      const app = '"Rare"; version="1.2"; os="Android"'
      const [one] = [await start(aSubject(), { device: { app } }), await start(aSubject(), { device: { app } })]
      expect((await sessions.search({ app: 'rare' })).sessions).to.have.lengthOf(2)
      expect(await sessions.countWhere({ app: 'rare', appVersionBelow: '1.2' })).to.equal(0)
      expect(await sessions.revokeWhere({ app: 'rare', userId: one.session.userId })).to.equal(1)
      expect(await sessions.countWhere({ app: 'rare' }, 'all')).to.equal(2)
      const error = await sessions.revokeWhere({ app: undefined }).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(InvalidMember)
      expect(error).to.include({ code: 'no_predicate' })
    })
  })

  describe('asks at each sign-in what the session carries', () => {
    it('with who it is, and what the call says goes first', async () => {
      const asked: SigningIn[] = []
      onSignIn = (who) => {
        asked.push(who)
        return Promise.resolve({ data: { shop: 4, plan: 'free' }, claims: { role: 'clerk' } })
      }
      const subject = aSubject()
      const created = await start(subject, { data: { plan: 'team' }, device: { ip: '192.0.2.7' } })
      expect(created.session.data).to.deep.equal({ shop: 4, plan: 'team' })
      expect(claimsOf(created.accessToken)).to.include({ role: 'clerk' })
      expect(asked).to.have.lengthOf(1)
      expect(asked[0]).to.have.all.keys('userId', 'subject', 'clientId', 'amr', 'device', 'ip')
      expect(asked[0]).to.deep.include({ subject, userId: created.session.userId, amr: ['pwd'], ip: '192.0.2.7' })
    })

    it('also of people of this service: by password, and by a link, which stays good while it fails', async () => {
      const listening = createServer(hallpass.callback()).listen(0, '127.0.0.1')
      await once(listening, 'listening')
      const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
      try {
        onSignIn = ({ amr, subject }) => ({ data: { by: [...amr] }, claims: { isOurs: subject === undefined } })
        const { email, accessToken } = await signIn(url, await register(url))
        expect(claimsOf(accessToken)).to.deep.include({ isOurs: true })
        const own = await send(`${url}/v1/sessions/current`, { token: accessToken })
        expect(own.body['data']).to.deep.equal({ by: ['pwd'] })

        await send(`${url}/v1/magic-links`, { body: { email } })
        const link = await mailed('magic_link')
        const byLink = () =>
          send<{ session: { data: object } }>(`${url}/v1/sessions`, {
            body: { magic_link_token: new URL(link).searchParams.get('token') },
          })
        const works = onSignIn
        onSignIn = () => Promise.reject(new Error('the shop is closed'))
        expectProblem(await byLink(), 503, 'temporarily_unavailable')
        const byPassword = await send(`${url}/v1/sessions`, { body: { email, password: PASSWORD } })
        expectProblem(byPassword, 503, 'temporarily_unavailable')
        onSignIn = works
        expect((await byLink()).body.session.data).to.deep.equal({ by: ['otp'] })
        onSignIn = () => expect.fail('nobody is signing in')
        expectProblem(await byLink(), 400, 'invalid_token')
      } finally {
        listening.close()
      }
    })

    it('and signs nobody in while it fails, or says what cannot be', async () => {
      for (const hook of [
        () => Promise.reject(new Error('the shop is closed')),
        () => ({ claims: { sub: 'somebody' } }),
        () => ({ data: { note: 'x'.repeat(4096) } }),
      ] satisfies OnSignIn[]) {
        onSignIn = hook
        const subject = aSubject()
        expect(await start(subject).catch((thrown: unknown) => thrown)).to.be.instanceOf(Unavailable)
        expect(await hallpass.sessions.count(subject, 'all')).to.equal(0)
      }
    })
  })

  it('reports every fault of its settings at once', async () => {
    const environment = { ...SETTINGS, HALLPASS_ISSUER: 'http://auth.example', HALLPASS_ACCESS_TTL: 'soon' }
    const error = await createHallpass({ environment }).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(ConfigError)
    expect((error as ConfigError).faults).to.have.length.above(1)
  })
})
