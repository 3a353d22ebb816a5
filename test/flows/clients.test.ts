import { expect } from 'chai'
import { InvalidClient } from '../../src/server/clients/checking.ts'
import { runCommand } from '../../src/server/commands.ts'
import { aConfirmedPerson, ask, askedToken, signInByLink } from '../support/email-flows.ts'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import { mailsAbout } from '../support/mail.ts'
import { expectPage, expectToGoOnTo, openPage, OUR_FORM, policyOf, submitForm } from '../support/pages.ts'
import {
  claimsOf,
  generationOf,
  ORIGIN,
  PASSWORD,
  refresh,
  rotate,
  send,
  signIn,
  signInByCookie,
} from '../support/people.ts'
import { DAY, HOUR, MINUTE, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

const secondsUntil = (time: Date): number => (time.getTime() - Date.now()) / 1000

describe('A client', () => {
  onBothStores((server) => {
    let email: string
    before(async () => {
      ;({ email } = await aConfirmedPerson(server().url))
    })

    async function hallpass(...argv: string[]): Promise<{ code: number; output: string }> {
      let output = ''
      const code = await runCommand(['clients', ...argv], server().hallpass, (text) => (output += text))
      return { code, output }
    }

    async function set(id: string, ...options: string[]): Promise<void> {
      expect(await hallpass('set', id, ...options)).to.deep.equal({ code: 0, output: `saved ${id}\n` })
    }

    const signInTo = (clientId: string) => signIn(server().url, email, { body: { client_id: clientId } })

    describe('with lifetimes of its own', () => {
      it('has them in sessions that begin, and leaves those of other clients as they are', async () => {
        await set('bank', '--access-ttl', '1m', '--idle-ttl', '1h', '--absolute-ttl', '12h')
        const session = await signInTo('bank')
        const { idle_expires_at: idle, absolute_expires_at: absolute } = await rowOf(server(), session)
        expect(secondsUntil(idle)).to.be.within(HOUR - MINUTE, HOUR)
        expect(secondsUntil(absolute)).to.be.within(12 * HOUR - MINUTE, 12 * HOUR)
        const { iat, exp } = claimsOf(session.accessToken) as { iat: number; exp: number }
        expect(exp - iat).to.be.within(57, 60)

        const other = await signInTo('default')
        expect(secondsUntil((await rowOf(server(), other)).idle_expires_at)).to.be.above(29 * DAY)
      })

      it('has them in sessions that go on, from the next refresh: but for the absolute one', async () => {
        await set('later')
        const session = await signInTo('later')
        await set('later', '--access-ttl', '30s', '--idle-ttl', '2h', '--absolute-ttl', '3h')
        const { body } = await refresh(server().url, session.refreshToken)
        expect(body.expires_in).to.be.within(28, 30)
        expect(body.refresh_expires_in).to.be.within(2 * HOUR - MINUTE, 2 * HOUR)
        expect(secondsUntil((await rowOf(server(), session)).absolute_expires_at)).to.be.above(364 * DAY)

        await set('later', '--access-ttl', '', '--idle-ttl', '')
        const again = await refresh(server().url, body.refresh_token)
        expect(again.body.expires_in).to.be.within(285, 300)
        expect(again.body.refresh_expires_in).to.be.above(29 * DAY)
      })

      it('has them in what a new confirmation of who it is gives', async () => {
        await set('confirming', '--access-ttl', '30s')
        const { accessToken } = await signInTo('confirming')
        const url = `${server().url}/v1/sessions/current/reauthentication`
        const { body } = await send(url, { token: accessToken, body: { password: PASSWORD } })
        expect(body['expires_in']).to.be.within(28, 30)
      })

      it('answers an earlier token for as long as its own grace says', async () => {
        await set('strict', '--preset', 'strict')
        await set('patient', '--grace', '5m')
        const [strict, patient] = [await signInTo('strict'), await signInTo('patient')]
        for (const session of [strict, patient]) {
          await rotate(server().url, session, 1)
          await moveTimes(server(), session, { rotated_at: session === patient ? -4 * MINUTE : 0 })
        }
        const replayed = await refresh(server().url, patient.refreshToken)
        expect(generationOf(replayed.body.refresh_token)).to.equal(1)
        await moveTimes(server(), patient, { rotated_at: -6 * MINUTE })
        for (const { refreshToken } of [strict, patient]) {
          expectRefusal(await refresh(server().url, refreshToken), 'token_reuse')
        }
      })
    })

    describe('of the type', () => {
      before(async () => {
        await set('app', '--type', 'native')
        await set('backend', '--type', 'service')
      })
      const startForSubject = (clientId: string, transport: 'body' | 'cookie') =>
        server().hallpass.startForSubject({ subject: 'alice', amr: ['pwd'], clientId, transport })

      it('native takes no cookies', async () => {
        const body = { email, password: PASSWORD, client_id: 'app' }
        const refused = await send(`${server().url}/v1/sessions`, {
          body: { ...body, transport: 'cookie' },
          headers: { origin: ORIGIN },
        })
        expectProblem(refused, 400, 'invalid_client')
        expect(refused.body['detail']).to.include('use transport "body"')
        expect((await send(`${server().url}/v1/sessions`, { body })).status).to.equal(201)
        expectPage(
          await openPage(`${server().url}/sign-in?client_id=app`),
          400,
          'You cannot sign in to this application here',
        )
        expect((await openPage(`${server().url}/sign-up?client_id=app`)).status).to.equal(200)
        await startForSubject('app', 'cookie').then(
          () => expect.fail('it was made'),
          (error: unknown) => expect(error).to.include({ pointer: '/transport', code: 'not_for_native_clients' }),
        )
      })

      it('service signs in by itself, and nobody else does, by password or by mail', async () => {
        const { session } = await startForSubject('backend', 'cookie')
        expect(session.clientId).to.equal('backend')
        const url = `${server().url}/v1/sessions`
        const byPassword = await send(url, { body: { email, password: PASSWORD, client_id: 'backend' } })
        const byGuess = await send(url, { body: { email, password: 'wrong', client_id: 'backend' } })
        for (const answer of [byPassword, byGuess]) expectProblem(answer, 400, 'invalid_client')
        expect(byPassword.body).to.deep.equal(byGuess.body)
        expectProblem(await ask(server().url, 'magic', { email, client_id: 'backend' }), 400, 'invalid_client')
        const link = await askedToken(server().url, 'magic', email)
        expectProblem(await signInByLink(server().url, link, { client_id: 'backend' }), 400, 'invalid_client')
        expect((await signInByLink(server().url, link)).status, 'the link is as good as before').to.equal(201)
        for (const page of ['sign-in', 'sign-up', 'magic']) {
          expect((await openPage(`${server().url}/${page}?client_id=backend`)).status, page).to.equal(400)
        }
      })
    })

    describe('with places of its own', () => {
      const APP = 'com.example.app:/signed-in'
      const WEB = 'https://elsewhere.example/cb?from=hallpass'
      const SPA = 'https://spa.example'
      before(() => set('places', '--redirect-uris', `${APP}, ${WEB}`, '--origins', SPA))

      it('has its origins allowed, as those of the settings are', async () => {
        const { headers } = await send(`${server().url}/v1/sessions`, { headers: { origin: SPA } })
        expect(headers.get('access-control-allow-origin')).to.equal(SPA)
        const session = await signInByCookie(server().url, email, {
          body: { client_id: 'places' },
          headers: { origin: SPA },
        })
        expect(session.refreshToken).to.match(/^hprt_/)
        expectToGoOnTo(await signInOnPage({ return_to: `${SPA}/inbox` }), `${SPA}/inbox`)

        await set('places', '--origins', '')
        const refused = await send(`${server().url}/v1/sessions`, { headers: { origin: SPA } })
        expect(refused.headers.get('access-control-allow-origin')).to.equal(null)
      })

      const signInOnPage = (fields: Record<string, string>) =>
        submitForm(`${server().url}/sign-in`, { email, password: PASSWORD, ...fields }, OUR_FORM)

      it('has people led to its redirect URIs, whichever way they sign in', async () => {
        for (const uri of [APP, WEB]) {
          const wanted = { return_to: uri, client_id: 'places' }
          const page = await openPage(`${server().url}/sign-in?${new URLSearchParams(wanted).toString()}`)
          const target = uri === APP ? 'com.example.app:' : 'https://elsewhere.example'
          expect(policyOf(page, 'form-action')).to.equal(`'self' ${target}`)
          expectToGoOnTo(await signInOnPage(wanted), uri)
        }
        await submitForm(`${server().url}/magic`, { email, return_to: APP, client_id: 'places' })
        const mail = (await mailsAbout(email, 'magic_link', 2)).at(-1)
        const [, token = ''] = /\?token=(hpem_[\w-]{43})&return_to=com/.exec(mail?.text ?? '') ?? []
        const link = await openPage(`${server().url}/magic?token=${token}&return_to=${encodeURIComponent(APP)}`)
        expect(policyOf(link, 'form-action')).to.equal(`'self' com.example.app:`)
        const answer = await submitForm(`${server().url}/magic`, { token, return_to: APP })
        expect(answer.status).to.equal(303)
        expect(answer.headers.get('location')).to.equal(APP)
      })

      it('has nobody led to what differs from them in a single character, or is another client’s', async () => {
        for (const return_to of [`${APP}/`, `${APP}?a`, WEB.toUpperCase(), `${WEB}&a`, 'https://elsewhere.example/']) {
          expectToGoOnTo(await signInOnPage({ return_to, client_id: 'places' }), 'devices')
        }
        expectToGoOnTo(await signInOnPage({ return_to: APP }), 'devices')
        expectToGoOnTo(await signInOnPage({ return_to: APP, client_id: 'demo' }), 'devices')
      })
    })

    describe('on the command line', () => {
      it('is shown with what was set, and with what holds where nothing was', async () => {
        await set('shown', '--preset', 'strict', '--access-ttl', '90s', '--at-limit', 'ask', '--max-sessions', '3')
        await set(
          'shown',
          '--origins',
          'https://a.example,https://b.example',
          '--data-claims',
          'role',
          '--min-app-version',
          '2.3',
        )
        const { output: list } = await hallpass('list')
        expect(list).to.include(
          'shown  shown  origins: https://a.example, https://b.example  access-ttl: 90s  idle-ttl: 1h  absolute-ttl: 12h' +
            '  grace: 0s  max-sessions: 3  at-limit: ask  data-claims: role  min-app-version: 2.3\n',
        )
        const { output: shown } = await hallpass('show', 'shown')
        expect(shown)
          .to.match(/^access-ttl {2,}90s$/m)
          .and.match(/^redirect-uris {2,}not set: none$/m)
        expect((await hallpass('show', 'default')).output).to.match(/^idle-ttl {2,}not set: HALLPASS_IDLE_TTL$/m)
        expect(await hallpass('show', 'nobody')).to.include({ code: 1 })

        for (const option of [
          'access-ttl',
          'idle-ttl',
          'absolute-ttl',
          'grace',
          'at-limit',
          'max-sessions',
          'origins',
        ]) {
          await set('shown', `--${option}`, '')
        }
        await set('shown', '--data-claims', '', '--min-app-version', '', '--type', '')
        expect((await hallpass('list')).output).to.match(/^shown {2}shown$/m)
      })

      it('is not registered with what it cannot be, and the words say what to write', async () => {
        const wrong: [string, string, RegExp][] = [
          ['--type', 'web', /must be spa, native or service/],
          ['--access-ttl', '120', /write 120s if seconds are meant/],
          [
            '--access-ttl',
            '10m',
            /must not be longer than the service's HALLPASS_ACCESS_TTL: 10m is more than 5m; raise/,
          ],
          ['--idle-ttl', '400d', /must not be longer than the service's HALLPASS_ABSOLUTE_TTL: 400d is more than 365d/],
          ['--grace', '1h', /must be from 0s to 10m/],
          ['--max-sessions', '0', /a whole number from 1 to 10000/],
          ['--at-limit', 'drop', /must be drop_oldest, refuse or ask/],
          ['--origins', 'https://app.example/', /as browsers send it.*https:\/\/app.example/],
          ['--redirect-uris', 'https://app.example/#a', /must not contain a fragment/],
          ['--redirect-uris', 'javascript:alert(1)', /must be https, or a private scheme/],
          ['--redirect-uris', 'https://app.example/ü', /percent-encoded/],
          ['--data-claims', 'role,sub', /must not be "sub", which means something else/],
          ['--data-claims', 'a b', /must be the name of a member/],
          ['--min-app-version', 'new', /such as 2\.3\.1/],
          ['--preset', 'lax', /must be strict/],
          ['--name', '', /must not be empty/],
        ]
        for (const [option, value, why] of wrong) {
          const { code, output } = await hallpass('set', 'wrong', option, value)
          expect(output, option).to.match(why)
          expect(code).to.equal(1)
        }
        const { output } = await hallpass('set', 'wrong', '--idle-ttl', '1h', '--absolute-ttl', '30m')
        expect(output).to.match(/idle-ttl must not be longer than absolute-ttl: 1h is more than 30m/)
        expect((await hallpass('list')).output).not.to.match(/^wrong/m)
      })

      it('is checked the same where a program registers it', async () => {
        const { clients } = server().hallpass
        const wrong = { accessTtl: 1.5, origins: ['*'], type: 'web' as 'spa', maxSessions: -1 }
        const error = await clients.save('wrong', wrong).then(
          () => null,
          (thrown: unknown) => thrown,
        )
        expect(error).to.be.instanceOf(InvalidClient)
        const fields = (error as InvalidClient).faults.map(({ field }) => field)
        expect(fields).to.have.members(['accessTtl', 'origins', 'type', 'maxSessions'])
        expect(await clients.find('wrong')).to.equal(null)
      })

      it('is forgotten when nobody is signed in to it, or when everybody is signed out of it', async () => {
        await set('old')
        const session = await signInTo('old')
        const refused = await hallpass('remove', 'old')
        expect(refused.output).to.include('hallpass clients remove old --end-sessions')
        expect(refused.code).to.equal(1)
        expect(await hallpass('remove', 'old', '--end-sessions')).to.deep.equal({
          code: 0,
          output: 'removed old, and revoked 1\n',
        })
        expectRefusal(await refresh(server().url, session.refreshToken), 'revoked_by_admin')
        const body = { email, password: PASSWORD, client_id: 'old' }
        expectProblem(await send(`${server().url}/v1/sessions`, { body }), 400, 'invalid_client')

        expect((await hallpass('remove', 'old')).output).to.include('there is no client old')
        await set('new')
        expect((await hallpass('remove', 'new')).output).to.equal('removed new\n')
        expect((await hallpass('remove', 'default')).output).to.include('default stays')
      })
    })
  })
})
