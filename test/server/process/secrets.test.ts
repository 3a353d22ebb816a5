import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { startMailServer, tokenFor, type Page } from '../../support/mail.ts'
import {
  anAddress,
  cookieIn,
  ORIGIN,
  PASSWORD,
  refresh,
  register,
  send,
  sendForm,
  sendRaw,
  signIn,
  signInByCookie,
  type Answer,
  type RefreshBody,
  type SignedIn,
} from '../../support/people.ts'
import { startPostgres, type Postgres } from '../../support/postgres.ts'
import { runCli, startProcess, type ServerProcess } from '../../support/processes.ts'
import { createRememberedSecrets } from '../../support/remembered-secrets.ts'
import { TEST_SECRET } from '../../support/server.ts'

const WRONG_PASSWORD = 'a wrong passphrase of somebody'
const WEAK_PASSWORD = 'sunshine moon'
const MAIL_PASSWORD = 'm4ilPasswordOfTheService'
const IDEMPOTENCY_KEY = 'idempotency-key-7f3a'
const UNKNOWN_ADDRESS = 'nobody.at.all@example.com'
const SETTINGS = {
  LOG_LEVEL: 'trace',
  HALLPASS_ALLOWED_ORIGINS: ORIGIN,
  HALLPASS_RATE_LIMITS: 'on',
  HALLPASS_TRUSTED_PROXIES: '127.0.0.1', // so that the story can come from many networks
  HALLPASS_BREACHED_PASSWORDS_URL: 'http://127.0.0.1:2', // nobody is there, and that is logged
}
const PAGES: readonly Page[] = ['confirm', 'magic', 'reset', 'change-email', 'revert-email', 'not-me']
/** How the log tells of mail that is refused for good, and for now. */
const REFUSED_MAIL = ['a mail is refused for good', 'a mail was not delivered, and is tried again later']
const RESOURCES = {
  magic: '/v1/magic-links',
  reset: '/v1/password-resets',
  'change-email': '/v1/email-changes',
} as const

describe('secrets', function () {
  this.timeout(180_000)
  const secrets = createRememberedSecrets()
  const outputs: string[] = []
  let postgres: Postgres
  let databaseUrl: string
  let server: ServerProcess

  before(async () => {
    for (const [what, secret] of Object.entries({ TEST_SECRET, MAIL_PASSWORD, IDEMPOTENCY_KEY, UNKNOWN_ADDRESS })) {
      secrets.remember(what, secret)
    }
    for (const password of [PASSWORD, WRONG_PASSWORD, WEAK_PASSWORD]) secrets.password(password)
    postgres = await startPostgres({ logStatements: true })
    databaseUrl = await postgres.createDatabase()
    server = await startProcess(databaseUrl, SETTINGS)
    await liveThroughEverything()
    await server.stop()
    outputs.push(server.output())
    await writeToWhoeverRefusesMail()
  })
  after(async () => {
    await server?.kill()
    await postgres?.stop()
  })

  /** Every path that meets a secret, refusals and failures included. */
  async function liveThroughEverything(): Promise<void> {
    await refreshAndReauthenticate()
    await refreshByCookieAndSignOut()
    await signInByMagicLinks()
    await disownADevice()
    await changeAndResetThePassword()
    await changeTheAddressAndTakeItBack()
    await useAKeyOfAPerson()
    await useAKeyOfTheService()
    await sendWhatCannotBeRead()
    await deleteAnAccount()
  }

  async function refreshAndReauthenticate(): Promise<void> {
    const { url } = server
    const email = await aPerson()
    await register(url, email)
    await told(401, send(`${url}/v1/sessions`, { body: { email, password: WRONG_PASSWORD } }))
    await told(401, send(`${url}/v1/sessions`, { body: { email: UNKNOWN_ADDRESS, password: PASSWORD } }))

    const person = await signedIn(email)
    const rotated = secrets.tokensOf(await told(200, refresh(url, person.refreshToken, { key: IDEMPOTENCY_KEY })))
    await told(200, refresh(url, person.refreshToken, { key: IDEMPOTENCY_KEY }))
    const newest = secrets.tokensOf(await told(200, refresh(url, rotated.refresh_token)))
    await reauthenticate({ body: { password: PASSWORD, refresh_token: newest.refresh_token } })
    await told(400, send(`${url}/v1/sessions?token=${person.accessToken}`, { token: person.accessToken }))
    await told(404, send(`${url}/v1/sessions/${person.accessToken}`, { token: person.accessToken }))
    await told(400, refresh(url, person.refreshToken))
  }

  async function refreshByCookieAndSignOut(): Promise<void> {
    const { url } = server
    const email = await aPerson()
    const { refreshToken } = await signInByCookie(url, email)
    const withCookie = { origin: ORIGIN, cookie: `hallpass=${secrets.refreshToken(refreshToken)}` }
    const { headers } = await sendForm(`${url}/oauth/token`, { grant_type: 'refresh_token' }, withCookie)
    secrets.refreshToken(cookieIn(headers) ?? '')
    await told(200, sendForm(`${url}/oauth/revoke`, {}, withCookie))
    const { accessToken } = await signedIn(email)
    await told(200, sendForm(`${url}/oauth/revoke`, { token: accessToken }))
  }

  async function signInByMagicLinks(): Promise<void> {
    const { url } = server
    const first = await asked('magic', { email: await aPerson() })
    await open('magic', first)
    const proof = { body: { magic_link_token: first } }
    secrets.tokensOf(await told(201, send<RefreshBody>(`${url}/v1/sessions`, proof)))
    await told(400, send(`${url}/v1/sessions`, proof))

    const person = await signedIn(await aPerson())
    const second = await asked('magic', { email: person.email })
    await reauthenticate({ token: person.accessToken, body: { magic_link_token: second } })

    const third = await asked('magic', { email: await aPerson() })
    const form = { token: third, return_to: `${ORIGIN}/${third}` }
    await told(403, sendForm(`${url}/magic`, form))
    const { headers } = await fetch(`${url}/magic`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { 'sec-fetch-site': 'same-origin' },
      redirect: 'manual',
    })
    secrets.refreshToken(cookieIn(headers) ?? '')
  }

  /** By the link in the mail that tells of a device of another kind. */
  async function disownADevice(): Promise<void> {
    const email = await aPerson()
    await signedIn(email)
    const stranger = await signedIn(email, { headers: { 'hallpass-client': 'Postcards/2.3.1' } })
    const token = await mailed(email, 'not-me')
    await open('not-me', token)
    await told(200, sendForm(`${server.url}/not-me`, { token }))
    await told(400, refresh(server.url, stranger.refreshToken))
  }

  async function changeAndResetThePassword(): Promise<void> {
    const changed = secrets.password('a changed passphrase of hers')
    const reset = secrets.password('a passphrase after the reset')
    const { email, accessToken: token } = await signedIn(await aPerson())
    const change = (current: string, password: string): Promise<Answer> =>
      put('/v1/users/me/password', { current_password: current, password }, token)
    await told(401, change(WRONG_PASSWORD, changed))
    await told(400, change(PASSWORD, WEAK_PASSWORD))
    await told(204, change(PASSWORD, changed))

    const link = await asked('reset', { email })
    await told(429, send(server.url + RESOURCES.reset, { body: { email }, headers: fromElsewhere() }))
    await open('reset', link)
    await told(400, put(RESOURCES.reset, { token: link, password: WEAK_PASSWORD }))
    await told(204, put(RESOURCES.reset, { token: link, password: reset }))
    await told(400, put(RESOURCES.reset, { token: link, password: reset }))
    await signedIn(email, { body: { password: reset } })
  }

  async function changeTheAddressAndTakeItBack(): Promise<void> {
    const { email, accessToken } = await signedIn(await aPerson())
    const link = await asked('change-email', { email: address(anAddress()) }, accessToken)
    await open('change-email', link)
    await told(204, put('/v1/email-changes', { token: link }))

    const wayBack = await mailed(email, 'revert-email')
    await open('revert-email', wayBack)
    await told(204, put('/v1/email-reversions', { token: wayBack }))
    const token = await mailed(email, 'reset')
    const password = secrets.password('a passphrase after all that')
    await told(400, sendForm(`${server.url}/reset`, { token, password: WEAK_PASSWORD }))
    await told(200, sendForm(`${server.url}/reset`, { token, password }))
  }

  async function useAKeyOfAPerson(): Promise<void> {
    const { url } = server
    const { accessToken: token } = await signedIn(await aPerson())
    const made = send<{ id: string; key: string }>(`${url}/v1/api-keys`, { token, body: { name: 'Backup' } })
    const { id, key } = await told(201, made)
    const own = basic(id, secrets.opaqueToken(key))
    const exchange = (credential: Record<string, string>): Promise<Answer<RefreshBody>> =>
      sendForm(`${url}/oauth/token`, { grant_type: 'client_credentials' }, credential)
    secrets.tokensOf(await told(200, exchange(own)))
    await told(401, exchange(basic(id, secrets.opaqueToken(`hpak_${'w'.repeat(42)}A`))))
    await told(403, sendForm(`${url}/oauth/introspect`, { token: key }, own))
    await told(401, send(`${url}/v1/sessions`, { token: key }))
    await told(200, send(`${url}/v1/api-keys`, { token }))
    await told(404, send(`${url}/v1/api-keys/${key}`, { method: 'DELETE', token }))
    await told(204, send(`${url}/v1/api-keys/${id}`, { method: 'DELETE', token }))
    await told(401, exchange(own))
  }

  /** From the command line, which alone shows it. */
  async function useAKeyOfTheService(): Promise<void> {
    const { url } = server
    const created = await runCli(databaseUrl, ['api-keys', 'create', '--scope', 'introspect sessions:create admin'])
    const [, id = '', key = ''] = /^id +(\S+)\nkey +(\S+)$/m.exec(created.output) ?? []
    const headers = basic(id, secrets.opaqueToken(key))
    const body = { subject: 'employee-17', amr: ['mfa'] }
    const started = await told(201, send<RefreshBody>(`${url}/v1/admin/sessions`, { body, headers }))
    const { access_token: access, refresh_token: refreshed } = secrets.tokensOf(started)
    for (const token of [access, refreshed, key, secrets.opaqueToken(`hpak_${'i'.repeat(42)}A`)]) {
      await told(200, sendForm(`${url}/oauth/introspect`, { token }, headers))
    }
    await administerUsers(headers)
    for (const argv of [['api-keys', 'list'], ['config'], ['users', 'confirm', await aPerson()]]) {
      outputs.push((await runCli(databaseUrl, argv, SETTINGS)).output)
    }
  }

  async function administerUsers(headers: Record<string, string>): Promise<void> {
    const users = `${server.url}/v1/admin/users`
    const person = { email: address(anAddress()), password: secrets.password('a passphrase that an operator chose') }
    const { id } = await told(201, send<{ id: string }>(users, { body: person, headers }))
    await told(409, send(users, { body: person, headers }))
    await told(400, send(users, { body: { ...person, password: WEAK_PASSWORD }, headers }))
    for (const query of [`email=${person.email}`, 'role=user', `subject=${person.email}`]) {
      await told(200, send(`${users}?${query}`, { headers }))
    }
    await told(200, send(`${users}/${id}`, { method: 'PATCH', body: { claims: { plan: 'team' } }, headers }))
    await told(204, send(`${users}/${id}`, { method: 'DELETE', headers }))
  }

  /** A parser likes to quote what it stumbles over. */
  async function sendWhatCannotBeRead(): Promise<void> {
    const { url } = server
    const email = address(anAddress())
    const text = JSON.stringify({ email, password: PASSWORD })
    await told(400, sendRaw(`${url}/v1/users`, text.slice(0, -1)))
    await told(400, sendRaw(`${url}/v1/users`, text.replace('"email":', '"e-mail":')))
    await told(400, send(url + RESOURCES.reset, { body: { email: `${email}@` }, headers: fromElsewhere() }))
    await told(404, send(`${url}/reset/${secrets.opaqueToken(`hpem_${'x'.repeat(42)}A`)}?email=${email}`))
  }

  async function deleteAnAccount(): Promise<void> {
    const { accessToken: token } = await signedIn(await aPerson())
    await told(204, send(`${server.url}/v1/users/me`, { method: 'DELETE', token }))
  }

  /** A mail server that quotes the address when it refuses, and to which the service gives a password. */
  async function writeToWhoeverRefusesMail(): Promise<void> {
    const mailServer = await startMailServer({
      allowInsecureAuth: true,
      onAuth: (_, __, answer) => answer(null, { user: 'post' }),
      onRcptTo({ address: to }, _, answer) {
        const responseCode = to.startsWith('gone.') ? 550 : 451
        answer(Object.assign(new Error(`Nothing is taken for ${to} today`), { responseCode }))
      },
    })
    const SMTP_URL = mailServer.url.replace('//', `//post:${MAIL_PASSWORD}@`)
    server = await startProcess(databaseUrl, { ...SETTINGS, SMTP_URL })
    for (const who of ['gone', 'busy']) await register(server.url, address(`${who}.${anAddress()}`))
    for (const event of REFUSED_MAIL) while (!server.output().includes(event)) await sleep(20)
    await server.stop()
    outputs.push(server.output())
    await mailServer.stop()
  }

  /** Somebody new, whose address is confirmed. */
  async function aPerson(): Promise<string> {
    const email = address(anAddress())
    const body = { email, password: PASSWORD }
    await told(202, send(`${server.url}/v1/users`, { body, headers: fromElsewhere() }))
    const token = await mailed(email, 'confirm')
    await open('confirm', token)
    await told(204, put('/v1/email-confirmations', { token }))
    return email
  }

  async function signedIn(email: string, options: Parameters<typeof signIn>[2] = {}): Promise<SignedIn> {
    const person = await signIn(server.url, email, options)
    secrets.tokensOf({ access_token: person.accessToken, refresh_token: person.refreshToken })
    return person
  }

  async function reauthenticate(options: Parameters<typeof send>[1]): Promise<void> {
    const answer = send<RefreshBody>(`${server.url}/v1/sessions/current/reauthentication`, options)
    secrets.tokensOf(await told(200, answer))
  }

  /** The token in a mail that was asked for. */
  async function asked(page: keyof typeof RESOURCES, body: { email: string }, token?: string): Promise<string> {
    const options = { body, headers: fromElsewhere(), ...(token === undefined ? {} : { token }) }
    await told(202, send(server.url + RESOURCES[page], options))
    return mailed(body.email, page)
  }

  const mailed = async (email: string, page: Page): Promise<string> => secrets.opaqueToken(await tokenFor(email, page))

  const open = (page: Page, token: string): Promise<unknown> =>
    told(200, send(`${server.url}/${page}?token=${token}`, { headers: fromElsewhere() }))

  const put = (path: string, body: object, token?: string): Promise<Answer> =>
    send(server.url + path, {
      method: 'PUT',
      body,
      headers: fromElsewhere(),
      ...(token === undefined ? {} : { token }),
    })

  function basic(id: string, key: string): Record<string, string> {
    const credential = Buffer.from(`${id}:${key}`).toString('base64')
    return { authorization: `Basic ${secrets.remember('a credential of HTTP Basic', credential)}` }
  }

  const address = (email: string): string => secrets.remember('an address', email)

  const requests = (): Record<string, unknown>[] =>
    outputs
      .flatMap((output) => output.split('\n'))
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  it('never appear in what the server and its commands write, at the most talkative level', () => {
    const output = outputs.join('\n')
    for (const event of [
      'refresh_token_reuse',
      'mail delivered',
      'is refused for good',
      'is tried again later',
      'was leaked',
    ]) {
      expect(output).to.include(event)
    }
    secrets.expectNoneIn(output)
  })

  it('never appear in the SQL text that reaches PostgreSQL', () => {
    const log = postgres.log()
    const written = ['insert into users', 'update sessions set', 'insert into email_tokens', 'insert into api_keys']
    for (const statement of written) expect(log, 'statements are there to be read').to.include(statement)
    secrets.expectNoneIn(log)
  })

  it('stay out of the log with the query that carries them: it names the path of a page alone', () => {
    for (const page of PAGES) {
      const line = requests().find(({ method, route }) => method === 'GET' && route === `/${page}`)
      expect(line, page).to.include({ status: 200, msg: 'request' })
    }
    expect(outputs.join('\n')).to.not.match(/[?&](token|email)=/)
  })

  it('are not needed to follow a request: its line has the route, status, time, session and user', () => {
    const line = requests().find(({ route, status }) => route === '/oauth/token' && status === 200)
    expect(line).to.include.keys('time', 'method', 'route', 'status', 'ms', 'session_id', 'user_id')
  })
})

/** A step has to go as it is told: what is refused too early meets no secret. */
async function told<Body>(status: number, step: Promise<Answer<Body>>): Promise<Body> {
  const answer = await step
  expect(answer.status, JSON.stringify(answer.body)).to.equal(status)
  return answer.body
}

let networks = 0
/** A network from which nothing has been asked yet. */
const fromElsewhere = (): Record<string, string> => ({ 'x-forwarded-for': `198.51.100.${++networks}` })
