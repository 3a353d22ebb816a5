import { expect } from 'chai'
import { ConfigError, createHallpass, InvalidSignIn, type HallpassService, type SubjectSignIn } from 'hallpass/server'
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

  it('reports every fault of its settings at once', async () => {
    const environment = { ...SETTINGS, HALLPASS_ISSUER: 'http://auth.example', HALLPASS_ACCESS_TTL: 'soon' }
    const error = await createHallpass({ environment }).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(ConfigError)
    expect((error as ConfigError).faults).to.have.length.above(1)
  })
})
