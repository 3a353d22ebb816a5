import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { aSignedInPerson, refresh, send } from '../../support/people.ts'
import { runCli, startProcess, type ServerProcess } from '../../support/processes.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const kidsOf = async (url: string): Promise<unknown[]> =>
  (await send<{ keys: { kid: string }[] }>(`${url}/.well-known/jwks.json`)).body.keys.map(({ kid }) => kid)

describe('a server on the embedded store', function () {
  this.timeout(60_000)
  let directory: string
  let environment: Record<string, string>
  let server: ServerProcess

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hallpass-'))
    // As a newcomer starts it: no secret, no mail server, no settings but where its data is.
    environment = {
      HALLPASS_DATA_DIR: join(directory, 'data'),
      HALLPASS_SECRET: '',
      HALLPASS_ISSUER: '',
      SMTP_URL: '',
      HALLPASS_MAIL_FROM: '',
      PORT: '0',
    }
    server = await startProcess('', environment)
  })
  after(async () => {
    await server.kill()
    rmSync(directory, { recursive: true })
  })

  const cli = (...argv: string[]) => runCli('', argv, environment)

  it('says where it is, where data is kept, and what to try', () => {
    const output = server.output()
    expect(output).to.include(server.url).and.include(environment['HALLPASS_DATA_DIR'])
    expect(output.match(/^ {4}curl /gm)).to.have.length(3)
  })

  it('keeps its data, its secret and its socket to its owner', () => {
    const data = environment['HALLPASS_DATA_DIR'] ?? ''
    expect(modeOf(data)).to.equal('700')
    expect(modeOf(join(data, 'secret'))).to.equal('600')
    expect(modeOf(join(data, 'control.sock'))).to.equal('600')
  })

  it('never shows its secret', async () => {
    const secret = readFileSync(join(environment['HALLPASS_DATA_DIR'] ?? '', 'secret'), 'utf8').trim()
    expect(secret).to.have.length.of.at.least(43)
    expect(server.output()).to.not.include(secret)
    expect((await cli('config')).output).to.not.include(secret)
  })

  it('lets no second server in, which says who has the directory', async () => {
    const second = await cli('serve')
    expect(second.code).to.equal(1)
    expect(second.output).to.include('is in use by the process').and.include(server.url)
    expect((await send(`${server.url}/readyz`)).status, 'the first goes on').to.equal(200)
  })

  it('does what the command line says, while it runs', async () => {
    const before = await kidsOf(server.url)
    const { code, output } = await cli('keys', 'rotate')
    expect(code).to.equal(0)
    const after = await kidsOf(server.url)
    expect(after).to.have.length(before.length + 1)
    expect(output).to.include(after.find((kid) => !before.includes(kid)))
    expect((await cli('keys', 'list')).output.trim().split('\n')).to.have.length(after.length)
  })

  it('takes its signing algorithm from the server, not from a command', async () => {
    const before = await kidsOf(server.url)
    const other = { ...environment, HALLPASS_SIGNING_ALG: 'EdDSA' }
    const rotated = await runCli('', ['keys', 'rotate'], other)
    expect(rotated.output).to.include('ES256')
    expect(await kidsOf(server.url)).to.have.length(before.length + 1)
  })

  it('refuses what it does not understand, with an exit code', async () => {
    const wrong = await cli('keys', 'revoke', 'no such key')
    expect(wrong.code).to.equal(1)
    expect(wrong.output).to.include('hallpass keys list')
    expect((await cli('keys', 'rotat')).code).to.equal(1)
  })

  it('is taken over from after kill -9, and no device has noticed', async () => {
    const person = await aSignedInPerson(server.url)
    const rotated = await refresh(server.url, person.refreshToken, { key: 'one' })
    await server.kill()

    // Nobody holds the store: the command opens it itself.
    expect((await cli('sessions', 'list', person.userId)).output).to.include(person.sessionId)

    server = await startProcess('', environment)
    expect((await send(`${server.url}/v1/users/me`, { token: rotated.body.access_token })).status).to.equal(200)
    const replayed = await refresh(server.url, person.refreshToken, { key: 'one' })
    expect(replayed.body.refresh_token).to.equal(rotated.body.refresh_token)
    expect((await refresh(server.url, replayed.body.refresh_token)).status).to.equal(200)
  })

  it('does not start on a secret that was cut short, and says so', async () => {
    const data = join(directory, 'cut short')
    mkdirSync(data, { mode: 0o700 })
    writeFileSync(join(data, 'secret'), '')
    const { code, output } = await runCli('', ['serve'], { ...environment, HALLPASS_DATA_DIR: data })
    expect(code).to.equal(1)
    expect(output).to.include(data).and.include('the file secret')
  })

  it('does not start half: where its socket cannot be, it serves nobody', async () => {
    const data = join(directory, 'a directory with a name that is so long '.repeat(4))
    const { code, output } = await runCli('', ['serve'], { ...environment, HALLPASS_DATA_DIR: data })
    expect(code).to.equal(1)
    expect(output).to.include('too long for a socket')
  })

  it('ends sessions by the command line', async () => {
    const person = await aSignedInPerson(server.url)
    const { output } = await cli('sessions', 'revoke', person.userId)
    expect(output).to.equal('revoked 1\n')
    expect((await refresh(server.url, person.refreshToken)).body).to.include({ reason: 'revoked_by_admin' })

    const others = [await aSignedInPerson(server.url), await aSignedInPerson(server.url)]
    expect((await cli('sessions', 'revoke', '--all')).code).to.equal(0)
    for (const { refreshToken } of others) {
      expect((await refresh(server.url, refreshToken)).body).to.include({ reason: 'revoked_by_admin' })
    }
  })
})
