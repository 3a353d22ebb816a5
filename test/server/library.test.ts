import { expect } from 'chai'
import {
  ConfigError,
  createHallpass,
  InvalidClaims,
  InvalidSignIn,
  type HallpassService,
  type SubjectSignIn,
} from 'hallpass/server'
import { claimsOf } from '../support/people.ts'

const SETTINGS = { HALLPASS_DATA_DIR: 'memory://', LOG_LEVEL: 'silent' }

describe('hallpass/server', () => {
  let hallpass: HallpassService
  before(async function () {
    this.timeout(60_000)
    hallpass = await createHallpass({ environment: SETTINGS })
  })
  after(() => hallpass.close())

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

  it('reports every fault of its settings at once', async () => {
    const environment = { ...SETTINGS, HALLPASS_ISSUER: 'http://auth.example', HALLPASS_ACCESS_TTL: 'soon' }
    const error = await createHallpass({ environment }).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(ConfigError)
    expect((error as ConfigError).faults).to.have.length.above(1)
  })
})
