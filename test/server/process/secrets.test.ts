import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { aSignedInPerson, PASSWORD, refresh, register, send, sendForm, signIn } from '../../support/people.ts'
import { startPostgres, type Postgres } from '../../support/postgres.ts'
import { runCli, startProcess, type ServerProcess } from '../../support/processes.ts'
import { TEST_SECRET } from '../../support/server.ts'

const ORIGIN = { origin: 'https://app.example' }

describe('secrets', function () {
  this.timeout(90_000)
  let postgres: Postgres
  let server: ServerProcess
  const secrets = new Map<string, string>([
    ['the password', PASSWORD],
    ['the ring', TEST_SECRET],
    ['a wrong password', 'a wrong passphrase of somebody'],
    ['an Idempotency-Key', 'idempotency-key-7f3a'],
    ['an address', 'ada.lovelace@example.com'],
    ['an unknown address', 'nobody.at.all@example.com'],
  ])

  before(async () => {
    postgres = await startPostgres({ logStatements: true })
    const url = await postgres.createDatabase()
    server = await startProcess(url, { LOG_LEVEL: 'trace', HALLPASS_ALLOWED_ORIGINS: ORIGIN.origin })
    await liveThroughEverything(url)
    await server.stop()
  })
  after(async () => {
    await server?.kill()
    await postgres?.stop()
  })

  /** Every path that meets a secret, refusals and failures included. */
  async function liveThroughEverything(databaseUrl: string): Promise<void> {
    const { url } = server
    const email = await register(url, secrets.get('an address'))
    await register(url, email)
    await send(`${url}/v1/sessions`, { body: { email, password: secrets.get('a wrong password') } })
    await send(`${url}/v1/sessions`, { body: { email: secrets.get('an unknown address'), password: PASSWORD } })

    const key = secrets.get('an Idempotency-Key') ?? ''
    const person = await signIn(url, email)
    const rotated = await refresh(url, person.refreshToken, { key })
    await refresh(url, person.refreshToken, { key })
    const newest = await refresh(url, rotated.body.refresh_token)
    await send(`${url}/v1/sessions/current/reauthentication`, {
      body: { password: PASSWORD, refresh_token: newest.body.refresh_token },
    })
    await send(`${url}/v1/sessions?token=${person.accessToken}`, { token: person.accessToken })
    await send(`${url}/v1/sessions/${person.accessToken}`, { token: person.accessToken })
    await refresh(url, person.refreshToken)
    for (const token of [person.refreshToken, rotated.body.refresh_token, newest.body.refresh_token]) {
      rememberRefreshToken(token)
    }
    secrets.set('an access token', person.accessToken)

    const cookie = await signIn(url, email, { body: { transport: 'cookie' }, headers: ORIGIN })
    rememberRefreshToken(cookie.refreshToken)
    const withCookie = { ...ORIGIN, cookie: `hallpass=${cookie.refreshToken}` }
    await sendForm(`${url}/oauth/token`, { grant_type: 'refresh_token' }, withCookie)
    await sendForm(`${url}/oauth/revoke`, {}, withCookie)
    const other = await aSignedInPerson(url)
    secrets.set('another address', other.email)
    await sendForm(`${url}/oauth/revoke`, { token: other.accessToken })
    await runCli(databaseUrl, ['users', 'confirm', email])
  }

  function rememberRefreshToken(token: string): void {
    const bytes = Buffer.from(token.slice(5), 'base64url')
    const secret = bytes.subarray(38, 70)
    secrets.set(`a refresh token ${secrets.size}`, token.slice(5))
    secrets.set(`a session secret ${secrets.size}`, secret.toString('hex'))
    secrets.set(`its hash ${secrets.size}`, createHash('sha256').update(secret).digest('hex'))
  }

  function expectNone(text: string): void {
    for (const [what, secret] of secrets) {
      for (const spelling of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
        expect(text.toLowerCase().includes(spelling.toLowerCase()), what).to.equal(false)
      }
    }
    expect(text, 'no password hash').to.not.include('$argon2id$')
  }

  it('never appear in what the server writes, at the most talkative level', () => {
    const output = server.output()
    expect(output).to.include('/v1/sessions/:id').and.include('refresh_token_reuse')
    expectNone(output)
  })

  it('never appear in the SQL text that reaches PostgreSQL', () => {
    const log = postgres.log()
    expect(log, 'statements are there to be read')
      .to.match(/update sessions set/)
      .and.match(/insert into users/)
    expectNone(log)
  })

  it('are not needed to follow a request: its line has the route, status, time, session and user', () => {
    const line = server
      .output()
      .split('\n')
      .map((each) => (each.startsWith('{') ? (JSON.parse(each) as Record<string, unknown>) : {}))
      .find((each) => each['route'] === '/oauth/token' && each['status'] === 200)
    expect(line).to.include.keys('time', 'method', 'route', 'status', 'ms', 'session_id', 'user_id')
  })
})
