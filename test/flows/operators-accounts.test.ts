import { expect } from 'chai'
import { runCommand } from '../../src/server/commands.ts'
import { basic, exchange, makeKey } from '../support/api-keys.ts'
import { expectOAuthError, expectProblem, expectRefusal } from '../support/expectations.ts'
import { aSignedInPerson, claimsOf, PASSWORD, refresh, register, send, sendForm, signIn } from '../support/people.ts'
import { runCli } from '../support/processes.ts'
import { onStore } from '../support/server.ts'

const KEY_SHOWN = /^id {3}([\da-f-]{36})\nkey {2}(hpak_[\w-]{43})\n$/

describe('On the command line, an operator', function () {
  this.timeout(90_000)

  onStore('postgresql', (server) => {
    /** Without a process for each, as the control socket carries a command out. */
    const hallpass = async (...argv: string[]): Promise<{ code: number; output: string }> => {
      let output = ''
      const code = await runCommand(argv, server().hallpass, (text) => (output += text))
      return { code, output }
    }

    const expectDone = async (...argv: string[]): Promise<string> => {
      const { code, output } = await hallpass(...argv)
      expect(code, output).to.equal(0)
      return output
    }

    const expectRefused = async (argv: string[], why: RegExp): Promise<void> => {
      const { code, output } = await hallpass(...argv)
      expect(output).to.match(why)
      expect(output).not.to.match(/\bat .*\.ts/)
      expect(code).to.equal(1)
    }

    describe('with api-keys', () => {
      it('makes a key of the service, which is shown once, lists it and revokes it', async () => {
        const argv = ['api-keys', 'create', '--scope', 'introspect  admin', '--name', 'Orders API']
        const { code, output: made } = await runCli(server().databaseUrl ?? '', argv)
        expect(code, made).to.equal(0)
        const [, id = '', key = ''] = KEY_SHOWN.exec(made) ?? []
        expect(key, made).not.to.equal('')
        const { accessToken } = await aSignedInPerson(server().url)
        const ask = () => sendForm(`${server().url}/oauth/introspect`, { token: accessToken }, basic({ id, key }))
        expect((await ask()).body['active']).to.equal(true)

        const listed = await expectDone('api-keys', 'list')
        const line = listed.split('\n').find((each) => each.startsWith(id)) ?? ''
        expect(line).to.include(`…${key.slice(-4)}  introspect admin  used 20`)
        expect(line).to.match(/Z {2}Orders API$/)
        expect(listed).not.to.include('hpak_')

        expect(await expectDone('api-keys', 'revoke', id)).to.equal(`revoked ${id}\n`)
        expectOAuthError(await ask(), 'invalid_client', 401)
        expect(await expectDone('api-keys', 'revoke', id)).to.equal(`revoked ${id}\n`)
        expect(await expectDone('api-keys', 'list')).not.to.include(id)
      })

      it('makes one that expires', async () => {
        const made = await expectDone('api-keys', 'create', '--scope', 'metrics:read', '--expires', '30')
        const [, id = '', key = ''] = KEY_SHOWN.exec(made) ?? []
        const [apiKey] = (await server().hallpass.apiKeys.list(null)).filter((each) => each.id === id)
        const days = ((apiKey?.expiresAt?.getTime() ?? 0) - Date.now()) / 86_400_000
        expect(days).to.be.within(29.9, 30)
        expect((await exchange(server().url, { id, key })).body.scope).to.equal('metrics:read')
        expect(await expectDone('api-keys', 'list')).to.match(
          new RegExp(`${id}.* used 20\\S+Z {2}until 20\\S+Z {2}Service\n`),
        )
      })

      it('does not get at what is somebody’s own', async () => {
        const person = await aSignedInPerson(server().url)
        const key = await makeKey(server().url, person.accessToken)
        expect(await expectDone('api-keys', 'list')).not.to.include(key.id)
        await expectRefused(['api-keys', 'revoke', key.id], /there is no key/)
        expect((await exchange(server().url, key)).status).to.equal(200)
      })

      it('is told what is wrong', async () => {
        await expectRefused(['api-keys', 'create'], /--scope/)
        await expectRefused(['api-keys', 'create', '--scope', 'a"b'], /not a scope/)
        await expectRefused(['api-keys', 'create', '--scope', ''], /not a scope/)
        await expectRefused(['api-keys', 'create', '--scope', 'admin', '--expires', 'soon'], /not a number of days/)
        await expectRefused(['api-keys', 'revoke', 'garbage'], /there is no key garbage/)
      })
    })

    describe('with clients', () => {
      it('registers one, changes it, and lists them all', async () => {
        expect(await expectDone('clients', 'list')).to.match(/^default {2}/m)
        const set = ['clients', 'set', 'com.example.app']
        const all = ['--name', 'Example', '--scope', 'orders:read  orders:read', '--link-uri', 'com.example.app:/magic']
        expect(await expectDone(...set, ...all)).to.equal('saved com.example.app\n')
        expect(await expectDone('clients', 'list')).to.include(
          'com.example.app  Example  scope: orders:read  link-uri: com.example.app:/magic\n',
        )
        const email = await register(server().url)
        const { accessToken } = await signIn(server().url, email, { body: { client_id: 'com.example.app' } })
        expect(claimsOf(accessToken)).to.include({ client_id: 'com.example.app', scope: 'orders:read' })

        await expectDone(...set, '--link-uri', '', '--scope', '')
        expect(await expectDone('clients', 'list')).to.match(/^com\.example\.app {2}Example$/m)
      })

      it('is told what is wrong', async () => {
        await expectRefused(['clients', 'set', 'with space'], /letters, digits/)
        await expectRefused(['clients', 'set', 'app', '--scope', 'orders admin'], /for API keys, not for people/)
        await expectRefused(['clients', 'set', 'app', '--link-uri', 'http://app.example/magic'], /must be https/)
        await expectRefused(['clients', 'set', 'app', '--link-uri', 'javascript:alert(1)'], /must be https/)
        expect(await expectDone('clients', 'list')).not.to.match(/^app /m)
      })
    })

    describe('with users', () => {
      const tryToSignIn = (email: string) =>
        send(`${server().url}/v1/sessions`, { body: { email, password: PASSWORD } })

      it('lets somebody in no more, and in again', async () => {
        const person = await aSignedInPerson(server().url)
        expect(await expectDone('users', 'disable', person.email.toUpperCase())).to.equal(`disabled ${person.userId}\n`)
        expectProblem(
          await send(`${server().url}/v1/users/me`, { token: person.accessToken }),
          401,
          'invalid_access_token',
        )
        expectRefusal(await refresh(server().url, person.refreshToken), 'account_disabled')
        expectProblem(await tryToSignIn(person.email), 401, 'invalid_credentials')

        expect(await expectDone('users', 'enable', person.userId)).to.equal(`enabled ${person.userId}\n`)
        expect((await tryToSignIn(person.email)).status).to.equal(201)
        expectRefusal(await refresh(server().url, person.refreshToken), 'account_disabled')
      })

      it('deletes an account, whose address is free again', async () => {
        const person = await aSignedInPerson(server().url)
        expect(await expectDone('users', 'delete', person.email)).to.equal(`deleted ${person.userId}\n`)
        expectProblem(
          await send(`${server().url}/v1/users/me`, { token: person.accessToken }),
          401,
          'invalid_access_token',
        )
        expect((await refresh(server().url, person.refreshToken)).status).to.equal(400)
        expectProblem(await tryToSignIn(person.email), 401, 'invalid_credentials')
        await register(server().url, person.email)
        expect((await signIn(server().url, person.email)).userId).not.to.equal(person.userId)
      })

      it('is told when there is nobody', async () => {
        for (const command of ['disable', 'enable', 'delete']) {
          await expectRefused(['users', command, 'nobody@example.com'], /there is no account/)
        }
        await expectRefused(['users', 'delete', '01890a5d-ac96-774b-bcce-b302099a8057'], /there is no account/)
      })
    })
  })
})
