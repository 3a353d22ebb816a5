import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import { expect } from 'chai'
import { pino } from 'pino'
import { readConfig } from '../../src/server/config.ts'
import { listen } from '../../src/server/listen.ts'
import { createServer } from '../../src/server/server.ts'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { expectNoInsides } from '../support/expectations.ts'
import { allMailsTo, mailsAbout, sharedMailServer, tokenFor } from '../support/mail.ts'
import {
  expectPage,
  expectToGoOnTo,
  openPage,
  OUR_FORM,
  policyOf,
  submitForm,
  wordsOf,
  type HtmlAnswer,
} from '../support/pages.ts'
import {
  anAddress,
  callSessions,
  cookieAttributesIn,
  cookieIn,
  ORIGIN,
  PASSWORD,
  refreshByCookie,
  register,
  send,
  signInByCookie,
} from '../support/people.ts'
import { onStore, TEST_SECRET } from '../support/server.ts'

const WRONG = 'The address or the password is wrong, or this account cannot sign in.'
const DAY = 24 * 60 * 60
/** What might be taken for a place of ours, and is somebody else's. */
const ELSEWHERE = [
  '//evil.example',
  '/\\evil.example',
  '/.//evil.example',
  'https://evil.example/',
  `${ORIGIN}.evil.example/`,
  `${ORIGIN}@evil.example/`,
  'javascript:alert(1)',
  'devices',
  `/${'x'.repeat(3_000)}`,
]

const scriptIn = ({ html }: HtmlAnswer): string => /<script>([^]*?)<\/script>/.exec(html)?.[1] ?? ''

const sourceOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const inputIn = ({ html }: HtmlAnswer, name: string): string =>
  new RegExp(`<input\\b[^>]*\\sname="${name}"[^>]*>`).exec(html)?.[0] ?? ''

/** The answer without what differs between any two people. */
const withoutAddress = ({ html }: HtmlAnswer, email: string): string => html.replaceAll(email, 'somebody')

describe('The page that signs in', () => {
  // test/browser has it on the embedded store.
  onStore('postgresql', (server) => {
    const page = (query = ''): string => `${server().url}/sign-in${query}`
    const submit = (fields: Record<string, string>, headers: Record<string, string> = OUR_FORM): Promise<HtmlAnswer> =>
      submitForm(page(), fields, headers)
    const cookieOf = (refreshToken: string): Record<string, string> => ({ cookie: `hallpass=${refreshToken}` })

    it('asks for address and password, as password managers know them', async () => {
      const answer = await openPage(page())
      expectPage(answer, 200, 'Sign in')
      expect(inputIn(answer, 'email'))
        .to.match(/type="email"/)
        .and.match(/autocomplete="username"/)
      expect(inputIn(answer, 'password'))
        .to.match(/type="password"/)
        .and.match(/autocomplete="current-password"/)
      expect(inputIn(answer, 'remember'))
        .to.match(/type="checkbox"/)
        .and.match(/ checked/)
      expect(answer.html).to.match(/<form method="post" action="sign-in"/)
      for (const place of ['sign-up', 'magic', 'reset']) expect(answer.html).to.include(`href="${place}"`)
    })

    it('runs its own script and no other, and talks to nobody', async () => {
      for (const answer of [await openPage(page()), await openPage(`${server().url}/sign-up`)]) {
        expect(policyOf(answer, 'script-src')).to.equal(sourceOf(scriptIn(answer)))
        expect(scriptIn(answer)).to.include('addEventListener')
        expect(policyOf(answer, 'connect-src')).to.equal(undefined)
        expect(policyOf(answer, 'img-src')).to.equal(undefined)
        expect(policyOf(answer, 'default-src')).to.equal("'none'")
        expect(answer.html.match(/<script/g)).to.have.lengthOf(1)
      }
    })

    it('lets browsers say where its form comes from, and asks them about the device', async () => {
      for (const answer of [await openPage(page()), await openPage(`${server().url}/sign-up`)]) {
        expect(answer.headers.get('referrer-policy')).to.equal('same-origin')
        expect(answer.headers.get('accept-ch')).to.include('Sec-CH-UA-Model')
      }
    })

    it('signs in with the session cookie, out of reach of scripts, and goes on to the devices', async () => {
      const email = await register(server().url)
      const answer = await submit({ email, password: PASSWORD, remember: 'on' })
      expectToGoOnTo(answer, 'devices')
      const { 'max-age': maxAge, ...attributes } = cookieAttributesIn(answer.headers)
      expect(attributes).to.deep.equal({ path: '/', httponly: '', samesite: 'Strict' })
      expect(Number(maxAge)).to.be.above(DAY)
      const refreshed = await refreshByCookie(server().url, cookieIn(answer.headers) ?? '')
      expect(refreshed.status).to.equal(200)

      const { body } = await callSessions(server().url, 'GET', '/current', refreshed.body.access_token)
      expect(body).to.include({ client_id: 'default', transport: 'cookie' })
      expect(body['amr']).to.deep.equal(['pwd'])
    })

    it('forgets at the end of the browser, and after a day, who does not want to stay signed in', async () => {
      const email = await register(server().url)
      const answer = await submit({ email, password: PASSWORD })
      expect(cookieAttributesIn(answer.headers)).to.have.all.keys('path', 'httponly', 'samesite')
      const { body } = await refreshByCookie(server().url, cookieIn(answer.headers) ?? '')
      expect(body.refresh_expires_in).to.be.at.most(DAY)
    })

    it('notes what the browser says about the device', async () => {
      const email = await register(server().url)
      const headers = { ...OUR_FORM, 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0' }
      const answer = await submit({ email, password: PASSWORD }, headers)
      const { body } = await refreshByCookie(server().url, cookieIn(answer.headers) ?? '')
      const session = await callSessions(server().url, 'GET', '/current', body.access_token)
      expect(session.body['device']).to.deep.include({ browser: { name: 'Firefox', version: '140.0' } })
    })

    it('leads to where the person wanted to go, here or at an allowed origin', async () => {
      const email = await register(server().url)
      for (const returnTo of ['/devices?a=1&b=%2F#c', `${ORIGIN}/inbox?x=1`]) {
        const form = await openPage(page(`?return_to=${encodeURIComponent(returnTo)}`))
        expect(inputIn(form, 'return_to')).to.include(`value="${returnTo.replaceAll('&', '&#38;')}"`)
        for (const place of ['sign-up', 'magic']) {
          expect(form.html).to.include(`href="${place}?return_to=${encodeURIComponent(returnTo)}"`)
        }
        expect(policyOf(form, 'form-action')).to.equal(returnTo.startsWith('/') ? "'self'" : `'self' ${ORIGIN}`)

        const wrong = await submit({ email, password: 'wrong', return_to: returnTo })
        expect(inputIn(wrong, 'return_to')).to.include(`value="${returnTo.replaceAll('&', '&#38;')}"`)
        expect(policyOf(wrong, 'form-action')).to.equal(policyOf(form, 'form-action'))
        expectToGoOnTo(await submit({ email, password: PASSWORD, return_to: returnTo }), returnTo)
      }
    })

    it('leads nowhere else', async () => {
      const { email, refreshToken } = await signInByCookie(server().url, await register(server().url))
      for (const returnTo of ELSEWHERE) {
        const query = `?return_to=${encodeURIComponent(returnTo)}`
        const form = await openPage(page(query))
        expect(form.html).not.to.include('return_to')
        expect(policyOf(form, 'form-action')).to.equal("'self'")
        expectToGoOnTo(await submit({ email, password: PASSWORD, return_to: returnTo }), 'devices')
        expectToGoOnTo(await openPage(page(query), cookieOf(refreshToken)), 'devices')
      }
      const twice = await openPage(page('?return_to=/a&return_to=/b'))
      expect(twice.html).not.to.include('return_to')
    })

    it('signs in to the application that sent the person, by whatever way', async () => {
      const email = await register(server().url)
      const form = await openPage(page('?client_id=demo&return_to=/x'))
      expect(inputIn(form, 'client_id')).to.include('value="demo"')
      for (const place of ['sign-up', 'magic']) {
        expect(form.html).to.include(`href="${place}?return_to=%2Fx&#38;client_id=demo"`)
        const there = await openPage(`${server().url}/${place}?return_to=/x&client_id=demo`)
        expect(inputIn(there, 'client_id')).to.include('value="demo"')
      }
      const signUp = await openPage(`${server().url}/sign-up?client_id=demo`)
      expect(signUp.html).to.include('href="sign-in?client_id=demo"')
      const wrong = await submit({ email, password: 'wrong', client_id: 'demo' })
      expect(inputIn(wrong, 'client_id')).to.include('value="demo"')
      const answer = await submit({ email, password: PASSWORD, client_id: 'demo', return_to: '/x' })
      expectToGoOnTo(answer, '/x')
      expect(await clientOf(answer)).to.equal('demo')

      await submitForm(`${server().url}/magic`, { email, client_id: 'demo' })
      const byMail = await submitForm(`${server().url}/magic`, { token: await tokenFor(email, 'magic') })
      expectPage(byMail, 200, 'You are signed in')
      expect(await clientOf(byMail)).to.equal('demo')
    })

    it('says that nobody knows an application, and signs nobody in to it', async () => {
      const email = await register(server().url)
      for (const place of ['sign-in', 'sign-up', 'magic']) {
        const url = `${server().url}/${place}`
        for (const answer of [
          await openPage(`${url}?client_id=nobody`),
          await submitForm(url, { email, password: PASSWORD, client_id: 'nobody' }),
        ]) {
          expectPage(answer, 400, 'You cannot sign in to this application here')
          expect(answer.headers.getSetCookie()).to.be.empty
        }
      }
      expect((await openPage(page('?client_id='))).status, 'an empty one is none').to.equal(200)
    })

    /** The application of the session that an answer began. */
    async function clientOf(answer: HtmlAnswer): Promise<unknown> {
      const { body } = await refreshByCookie(server().url, cookieIn(answer.headers) ?? '')
      return (await callSessions(server().url, 'GET', '/current', body.access_token)).body['client_id']
    }

    describe('opened by a link elsewhere, with which the cookie does not come', () => {
      const crossSite = { 'sec-fetch-site': 'cross-site' }
      const QUERY = '?return_to=%2Fx&client_id=demo'

      it('comes again once, and keeps where the person wanted to go', async () => {
        const first = await openPage(page(QUERY), crossSite)
        expectPage(first, 200, 'One moment')
        const [, target = ''] = /<meta http-equiv="refresh" content="0; url=([^"]*)"/.exec(first.html) ?? []
        const address = target.replaceAll('&#38;', '&')
        expect(address).to.equal(`sign-in${QUERY}&reloaded=1`)
        const second = await openPage(`${server().url}/${address}`, crossSite)
        expectPage(second, 200, 'Sign in')
        expect(inputIn(second, 'client_id')).to.include('value="demo"')
      })

      it('goes on then with whoever is signed in, or asks again where that was wanted', async () => {
        const { refreshToken } = await signInByCookie(server().url, await register(server().url))
        expectToGoOnTo(await openPage(page('?return_to=/x&reloaded=1'), cookieOf(refreshToken)), '/x')
        const again = await openPage(page('?again'), crossSite)
        expect(again.html).to.include('url=sign-in?again=1&#38;reloaded=1"')
        expectPage(await openPage(page('?again=1&reloaded=1'), cookieOf(refreshToken)), 200, 'Sign in')
      })
    })

    describe('for somebody who is signed in', () => {
      it('asks once more for another application, and then goes on at once', async () => {
        const { email, refreshToken } = await signInByCookie(server().url, await register(server().url))
        expectToGoOnTo(await openPage(page('?client_id=default&return_to=/x'), cookieOf(refreshToken)), '/x')
        const form = await openPage(page('?client_id=demo&return_to=/x'), cookieOf(refreshToken))
        expectPage(form, 200, 'Sign in')
        expect(wordsOf(form)).to.include('but to another application')
        expect(inputIn(form, 'email')).to.include(`value="${email}"`)

        const answer = await submit({ email, password: PASSWORD, client_id: 'demo', return_to: '/x' })
        const anew = cookieOf(cookieIn(answer.headers) ?? '')
        expectToGoOnTo(await openPage(page('?client_id=demo&return_to=/x'), anew), '/x')
        expectPage(await openPage(page('?return_to=/x'), anew), 200, 'Sign in')
      })

      it('goes on at once, and leaves the session as it is', async () => {
        const { refreshToken } = await signInByCookie(server().url, await register(server().url))
        const answer = await openPage(page(), cookieOf(refreshToken))
        expectToGoOnTo(answer, 'devices')
        expect(answer.headers.getSetCookie()).to.be.empty
        expectToGoOnTo(await openPage(page('?return_to=/x'), cookieOf(refreshToken)), '/x')
        expect((await refreshByCookie(server().url, refreshToken)).status).to.equal(200)
      })

      it('shows the form where it is wanted once more, with the address in it', async () => {
        const { email, refreshToken } = await signInByCookie(server().url, await register(server().url))
        for (const query of ['?again', '?again=1', '?again&return_to=/x']) {
          const answer = await openPage(page(query), cookieOf(refreshToken))
          expectPage(answer, 200, 'Sign in')
          expect(inputIn(answer, 'email')).to.include(`value="${email}"`)
          expect(inputIn(answer, 'password')).to.include('autofocus')
          expect(wordsOf(answer)).to.include('Sign in once more')
        }
      })

      it('ends the session that it takes the place of', async () => {
        const { email, refreshToken, sessionId } = await signInByCookie(server().url, await register(server().url))
        const answer = await submit({ email, password: PASSWORD }, { ...OUR_FORM, ...cookieOf(refreshToken) })
        const { body } = await refreshByCookie(server().url, cookieIn(answer.headers) ?? '')
        const former = await callSessions(server().url, 'GET', `/${sessionId}`, body.access_token)
        expect(former.body).to.include({ status: 'revoked', revoked_reason: 'replaced' })
      })

      it('shows the form, without an address, for a cookie that is no good', async () => {
        const { email, accessToken, refreshToken } = await signInByCookie(server().url, await register(server().url))
        await callSessions(server().url, 'DELETE', '/current', accessToken)
        for (const cookie of [`hallpass=${refreshToken}`, 'hallpass=hprt_x', 'hallpass=a; hallpass=b']) {
          for (const query of ['', '?again']) {
            const answer = await openPage(page(query), { cookie })
            expectPage(answer, 200, 'Sign in')
            expect(answer.html).not.to.include(email)
            expect(answer.headers.getSetCookie(), 'a newer cookie is not wiped').to.be.empty
          }
        }
      })
    })

    describe('with a wrong address or password', () => {
      it('says the same of everything, keeps the address, and waits at the password', async () => {
        const email = await register(server().url)
        const unknown = anAddress()
        const known = await submit({ email, password: 'wrong', remember: 'on' })
        expectPage(known, 401, 'Sign in')
        expect(known.headers.getSetCookie()).to.be.empty
        expect(wordsOf(known)).to.include(WRONG)
        expect(known.html).to.match(/<title>Error: /)
        expect(known.html).to.match(/<p class="fault" id="fault" role="alert">/)
        expect(inputIn(known, 'email')).to.include(`value="${email}"`).and.not.include('autofocus')
        expect(inputIn(known, 'password')).to.match(/aria-invalid="true" aria-describedby="fault" autofocus/)
        expect(inputIn(known, 'password')).not.to.include('value=')

        const other = await submit({ email: unknown, password: PASSWORD, remember: 'on' })
        expect(withoutAddress(other, unknown)).to.equal(withoutAddress(known, email))
        expect([...other.headers.keys()]).to.deep.equal([...known.headers.keys()])
        for (const nonsense of ['nobody', 'a@b@c', '"><script>alert(1)</script>@']) {
          const answer = await submit({ email: nonsense, password: PASSWORD })
          expectPage(answer, 401, 'Sign in')
          expect(answer.html).not.to.include('<script>alert')
        }
      })

      it('keeps the choice not to stay signed in', async () => {
        const answer = await submit({ email: anAddress(), password: 'wrong' })
        expect(inputIn(answer, 'remember')).not.to.include('checked')
      })

      it('asks for what was left out', async () => {
        for (const fields of [{}, { email: anAddress() }, { password: PASSWORD }] as Record<string, string>[]) {
          const answer = await submit(fields)
          expectPage(answer, 400, 'Sign in')
          expect(wordsOf(answer)).to.include('Enter your address and your password.')
          const missing = fields['email'] === undefined ? 'email' : 'password'
          expect(inputIn(answer, missing)).to.include('autofocus')
        }
      })
    })

    it('takes the form from its own page or an allowed origin, whatever of it the browser tells', async () => {
      const email = await register(server().url)
      const accepted: Record<string, string>[] = [
        { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' },
        { 'sec-fetch-site': 'same-origin', origin: 'null' },
        { 'sec-fetch-site': 'same-origin' },
        { origin: 'http://localhost' }, // the issuer's own, which is not in HALLPASS_ALLOWED_ORIGINS
        { origin: ORIGIN },
        { origin: ORIGIN, 'sec-fetch-site': 'same-site' },
      ]
      for (const headers of accepted) {
        expect((await submit({ email, password: PASSWORD }, headers)).status, JSON.stringify(headers)).to.equal(303)
      }
      const refused: Record<string, string>[] = [
        {},
        { origin: 'null' },
        { origin: 'https://evil.example' },
        { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
        { origin: 'https://evil.example', 'sec-fetch-site': 'same-site' },
        { origin: ORIGIN, 'sec-fetch-site': 'cross-site' },
        { origin: 'http://localhost', 'sec-fetch-site': 'cross-site' },
        { origin: 'null', 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'none' },
      ]
      for (const place of ['sign-in', 'sign-up']) {
        for (const headers of refused) {
          const answer = await submitForm(`${server().url}/${place}`, { email, password: PASSWORD }, headers)
          expectPage(answer, 403, 'This came from another page')
          expect(answer.headers.getSetCookie()).to.be.empty
        }
      }
    })

    it('says that it is the database, and keeps what was entered', async () => {
      const email = await register(server().url)
      await withDatabaseAway(server(), async () => {
        for (const place of ['sign-in', 'sign-up']) {
          const answer = await submitForm(`${server().url}/${place}`, { email, password: PASSWORD })
          expect(answer.status).to.equal(503)
          expect(answer.headers.get('retry-after')).to.match(/^\d+$/)
          expect(wordsOf(answer)).to.match(/Not available right now\. ?You can try it again in \d+ seconds?\./)
          expect(inputIn(answer, 'email')).to.include(`value="${email}"`)
          expectNoInsides(wordsOf(answer))
        }
      })
    })
  })

  onStore(
    'embedded',
    (server) => {
      it('behind https sets the cookie that no neighbour can set', async () => {
        const email = await register(server().url)
        const fields = { email, password: PASSWORD, remember: 'on' }
        const answer = await submitForm(`${server().url}/sign-in`, fields, { origin: 'https://auth.example' })
        expectToGoOnTo(answer, 'devices')
        expect(answer.headers.getSetCookie()[0]).to.match(/^__Host-hallpass=hprt_/)
        expect(cookieAttributesIn(answer.headers)).to.include({ path: '/', httponly: '', secure: '' })
      })

      it('slows a guesser down in words, and lets nobody else pay for it', async () => {
        const [email, other] = [await register(server().url), await register(server().url)]
        const submit = (address: string, password: string): Promise<HtmlAnswer> =>
          submitForm(`${server().url}/sign-in`, { email: address, password, return_to: '/x' })
        const answers = await Promise.all(Array.from({ length: 10 }, () => submit(email, 'wrong')))
        expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 10 }, () => 401))

        const limited = await submit(email, PASSWORD)
        expectPage(limited, 429, 'Sign in')
        expect(limited.headers.getSetCookie()).to.be.empty
        expect(Number(limited.headers.get('retry-after'))).to.be.within(1, 900)
        expect(limited.headers.get('ratelimit-policy')).to.include('sign-in-account')
        expect(wordsOf(limited)).to.match(/Too many attempts\. ?You can try it again in \d+ (second|minute)s?\./)
        expect(inputIn(limited, 'email')).to.include(`value="${email}"`)
        expect(inputIn(limited, 'return_to')).to.include('value="/x"')
        expectToGoOnTo(await submit(other, PASSWORD), '/x')
      })

      it('counts people who make accounts, in words', async () => {
        const submit = (): Promise<HtmlAnswer> =>
          submitForm(`${server().url}/sign-up`, { email: anAddress(), password: PASSWORD })
        let answer = await submit()
        for (let count = 0; answer.status === 202 && count < 20; count += 1) answer = await submit()
        expectPage(answer, 429, 'Create an account')
        expect(wordsOf(answer)).to.match(/Too many attempts\. ?You can try it again in \d+ seconds?\./)
      })
    },
    { HALLPASS_ISSUER: 'https://auth.example', HALLPASS_RATE_LIMITS: 'on', HALLPASS_ALLOWED_ORIGINS: ORIGIN },
  )

  onStore(
    'embedded',
    (server) => {
      it('says where everybody could read the cookie that nobody can sign in there', async () => {
        const email = await register(server().url)
        await submitForm(`${server().url}/magic`, { email })
        const token = await tokenFor(email, 'magic')
        for (const answer of [
          await submitForm(`${server().url}/magic`, { token }),
          await openPage(`${server().url}/sign-in`),
          await submitForm(`${server().url}/sign-in`, { email, password: PASSWORD }),
        ]) {
          expectPage(answer, 400, 'This needs a secure connection')
          expect(answer.html).not.to.include('type="password"')
          expect(answer.headers.getSetCookie()).to.be.empty
        }
      })
    },
    { HALLPASS_ISSUER: 'http://192.168.1.20:3000' },
  )
})

describe('The page that makes an account', () => {
  onStore('embedded', (server) => {
    const submit = (fields: Record<string, string>): Promise<HtmlAnswer> =>
      submitForm(`${server().url}/sign-up`, fields)

    it('asks for an address and a new password, as password managers know them', async () => {
      const answer = await openPage(`${server().url}/sign-up?return_to=/x`)
      expectPage(answer, 200, 'Create an account')
      expect(inputIn(answer, 'email')).to.match(/autocomplete="username"/)
      expect(inputIn(answer, 'password'))
        .to.match(/autocomplete="new-password"/)
        .and.match(/aria-describedby="hint"/)
      expect(inputIn(answer, 'return_to')).to.include('value="/x"')
      expect(answer.html).to.include('href="sign-in?return_to=%2Fx"')
    })

    it('makes one, whose owner confirms the address and signs in', async () => {
      const email = anAddress()
      const answer = await submit({ email, password: PASSWORD, return_to: '/x' })
      expectPage(answer, 202, 'Check your mailbox')
      expect(answer.headers.getSetCookie()).to.be.empty
      expect(answer.html).to.include('href="sign-in?return_to=%2Fx"')
      const confirmed = await submitForm(`${server().url}/confirm`, { token: await tokenFor(email, 'confirm') })
      expectPage(confirmed, 200, 'Your address is confirmed')
      expect(confirmed.html).to.include('href="sign-in"')
      expectToGoOnTo(await submitForm(`${server().url}/sign-in`, { email, password: PASSWORD }), 'devices')
    })

    it('tells nobody whether an address has an account, but its owner, by mail', async () => {
      const [taken, free] = [await register(server().url), anAddress()]
      const forTaken = await submit({ email: taken, password: 'another long passphrase' })
      const forFree = await submit({ email: free, password: 'another long passphrase' })
      expectPage(forFree, 202, 'Check your mailbox')
      expect(withoutAddress(forTaken, taken)).to.equal(withoutAddress(forFree, free))
      expect(forTaken.status).to.equal(forFree.status)
      expect([...forTaken.headers.keys()]).to.deep.equal([...forFree.headers.keys()])
      await mailsAbout(taken, 'account_exists')
      await mailsAbout(free, 'confirm')
      const unchanged = await submitForm(`${server().url}/sign-in`, { email: taken, password: PASSWORD })
      expectToGoOnTo(unchanged, 'devices')
    })

    it('says at the field what is wrong with an address or a password, of a taken address too', async () => {
      const noAddress = await submit({ email: '"><b>', password: PASSWORD })
      expectPage(noAddress, 400, 'Create an account')
      expect(inputIn(noAddress, 'email')).to.include('value="&#34;&#62;&#60;b&#62;"')
      expect(inputIn(noAddress, 'email')).to.match(/aria-invalid="true" aria-describedby="fault" autofocus/)
      expect(inputIn(noAddress, 'password')).not.to.include('aria-invalid')

      const [taken, free] = [await register(server().url), anAddress()]
      for (const password of ['', 'short', 'password1']) {
        const [forTaken, forFree] = [await submit({ email: taken, password }), await submit({ email: free, password })]
        expectPage(forFree, 400, 'Create an account')
        expect(withoutAddress(forTaken, taken)).to.equal(withoutAddress(forFree, free))
        expect(forFree.html).to.match(
          /<p class="fault" id="fault" role="alert"><span>(This is too easy to guess|Use) .*<\/span><\/p>/,
        )
        expect(inputIn(forFree, 'password')).to.match(/aria-invalid="true" aria-describedby="fault hint" autofocus/)
        expect(inputIn(forFree, 'password')).not.to.include('value=')
        expect(inputIn(forFree, 'email')).to.include(`value="${free}"`)
      }
      expect(await allMailsTo(server(), free)).to.be.empty
    })
  })

  onStore(
    'embedded',
    (server) => {
      it('offers no sign-in where an address has to be confirmed first, and the sign-in says so to all alike', async () => {
        const [email, password] = [anAddress(), PASSWORD]
        const answer = await submitForm(`${server().url}/sign-up`, { email, password })
        expectPage(answer, 202, 'Check your mailbox')
        expect(answer.html).not.to.include('href="sign-in')

        const early = await submitForm(`${server().url}/sign-in`, { email, password })
        const unknown = anAddress()
        const other = await submitForm(`${server().url}/sign-in`, { email: unknown, password })
        expectPage(early, 401, 'Sign in')
        expect(wordsOf(early)).to.include('or the address is not confirmed yet')
        expect(withoutAddress(early, email)).to.equal(withoutAddress(other, unknown))
      })
    },
    { HALLPASS_UNCONFIRMED_SIGN_IN: 'refuse' },
  )
})

describe('A magic link that was asked for on the way somewhere', () => {
  onStore('embedded', (server) => {
    const linkTo = async (email: string): Promise<URL> => {
      const mail = await (await sharedMailServer()).mailTo(email, ({ text }) => text.includes('/magic?token='))
      return new URL(/http\S+\/magic\?token=\S+/.exec(mail.text)?.[0] ?? '')
    }

    it('leads there', async () => {
      for (const returnTo of ['/devices?a=1&b=2', `${ORIGIN}/inbox?x=1`]) {
        const email = await register(server().url)
        const form = await openPage(`${server().url}/magic?return_to=${encodeURIComponent(returnTo)}`)
        expect(inputIn(form, 'return_to')).to.include(`value="${returnTo.replaceAll('&', '&#38;')}"`)
        expectPage(await submitForm(`${server().url}/magic`, { email, return_to: returnTo }), 202, 'Check your mailbox')

        const link = await linkTo(email)
        expect(link.searchParams.get('return_to')).to.equal(returnTo)
        const opened = await openPage(`${server().url}/magic${link.search}`)
        expect(inputIn(opened, 'return_to')).to.include(`value="${returnTo.replaceAll('&', '&#38;')}"`)
        const token = link.searchParams.get('token') ?? ''
        const answer = await submitForm(`${server().url}/magic`, { token, return_to: returnTo })
        expect(answer.status).to.equal(303)
        expect(answer.headers.get('location')).to.equal(returnTo)
      }
    })

    it('leads nowhere else', async () => {
      const email = await register(server().url)
      await submitForm(`${server().url}/magic`, { email, return_to: '//evil.example' })
      expect([...(await linkTo(email)).searchParams.keys()]).to.deep.equal(['token'])
      const other = await register(server().url)
      await send(`${server().url}/v1/magic-links`, { body: { email: other } })
      expect([...(await linkTo(other)).searchParams.keys()]).to.deep.equal(['token'])
    })
  })
})

describe('Addresses and passwords that were entered', () => {
  it('are in no URL and in no log', async function () {
    this.timeout(60_000)
    const lines: string[] = []
    const log = pino({ level: 'trace' }, new Writable({ write: (line, _, done) => (lines.push(String(line)), done()) }))
    const hallpass = await createServer(readConfig({ HALLPASS_DATA_DIR: 'memory://', HALLPASS_SECRET: TEST_SECRET }), {
      log,
    })
    const listening = await listen(hallpass, '127.0.0.1', 0)
    try {
      const url = `http://127.0.0.1:${listening.port}`
      const [email, wrong, weak] = ['ada.the.first@example.com', 'a wrong long passphrase', 'password1']
      const answers = [
        await submitForm(`${url}/sign-up`, { email, password: weak }),
        await submitForm(`${url}/sign-up`, { email, password: PASSWORD }),
        await submitForm(`${url}/sign-up`, { email, password: PASSWORD }, {}),
        await submitForm(`${url}/sign-in`, { email, password: wrong }),
        await submitForm(`${url}/sign-in`, { email, password: PASSWORD }),
      ]
      expect(answers.map(({ status }) => status)).to.deep.equal([400, 202, 403, 401, 303])
      const paths = lines.filter((line) => line.includes('/sign-in'))
      expect(paths, 'there is a log to be read').to.have.length.above(1)
      const told = [...lines, ...answers.flatMap(({ headers }) => [...headers].map(String))].join('\n')
      for (const secret of [email, 'ada.the.first', PASSWORD, wrong, weak]) expect(told).not.to.include(secret)
    } finally {
      await listening.close()
      await hallpass.close()
    }
  })
})
