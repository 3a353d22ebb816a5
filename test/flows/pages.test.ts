import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { aConfirmedPerson } from '../support/email-flows.ts'
import { expectNoInsides } from '../support/expectations.ts'
import { mailsAbout, tokenFor, type Page } from '../support/mail.ts'
import {
  anAddress,
  aSignedInPerson,
  callSessions,
  cookieAttributesIn,
  cookieIn,
  ORIGIN,
  refreshByCookie,
  register,
  send,
  signIn,
  signInByCookie,
  type Answer,
} from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import { onStore, type TestServer } from '../support/server.ts'

const ALL_PAGES = ['/confirm', '/reset', '/magic', '/change-email', '/revert-email', '/not-me']
const PAGES_THAT_ASK = ['/confirm', '/reset', '/magic']
const PAGES_THAT_ONLY_ACT = ['/change-email', '/revert-email', '/not-me']
const NO_TOKEN = `hpem_${'A'.repeat(43)}`
const NEW_PASSWORD = 'seven quiet herons at dusk'

/** A browser sends `Origin: null` from a page without referrer; `fetch` as it is here would send neither. */
const OUR_FORM = { origin: 'null', 'sec-fetch-site': 'same-origin' }
const SOMEBODY_ELSES_FORM = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

interface HtmlAnswer {
  readonly status: number
  readonly headers: Headers
  readonly html: string
}

async function open(url: string, method = 'GET', headers: Record<string, string> = {}): Promise<HtmlAnswer> {
  const response = await fetch(url, { method, headers, redirect: 'manual' })
  return { status: response.status, headers: response.headers, html: await response.text() }
}

async function submit(
  url: string,
  fields: Record<string, string> | [string, string][],
  headers: Record<string, string> = OUR_FORM,
): Promise<HtmlAnswer> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields), headers, redirect: 'manual' })
  return { status: response.status, headers: response.headers, html: await response.text() }
}

const headingOf = ({ html }: HtmlAnswer): string => /<h1>(.*?)<\/h1>/.exec(html)?.[1] ?? ''

/** What a person reads: the page without its marks. */
const wordsOf = ({ html }: HtmlAnswer): string =>
  html
    .slice(html.indexOf('<main>'))
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')

function expectPage(answer: HtmlAnswer, status: number, heading: string | RegExp): void {
  expect(headingOf(answer)).to.match(typeof heading === 'string' ? new RegExp(`^${heading}$`) : heading)
  expect(answer.status).to.equal(status)
  expect(answer.headers.get('content-type')).to.equal('text/html; charset=utf-8')
  expect(answer.headers.get('cache-control')).to.equal('no-store')
}

const expectDeadLink = (answer: HtmlAnswer): void => expectPage(answer, 400, 'This link does not work any more')

describe('The pages behind links in mails', () => {
  // test/browser has it on the embedded store.
  onStore('postgresql', (server) => {
    const at = (path: string): string => `${server().url}${path}`
    const linkTo = (page: string, token: string): string => at(`${page}?token=${token}`)
    const tryToSignIn = (email: string, password: string): Promise<Answer> =>
      send(at('/v1/sessions'), { body: { email, password } })
    const isVerified = async (accessToken: string): Promise<unknown> =>
      (await send(at('/v1/users/me'), { token: accessToken })).body['email_verified']

    async function somebodyWithALinkTo(page: Page): Promise<{ email: string; token: string }> {
      const email = await register(server().url)
      if (page !== 'confirm') await submit(at(`/${page}`), { email })
      return { email, token: await tokenFor(email, page) }
    }

    describe('every page', () => {
      const answers = async (): Promise<HtmlAnswer[]> =>
        Promise.all(
          ALL_PAGES.flatMap((page) => [
            open(at(page)),
            open(linkTo(page, NO_TOKEN)),
            submit(at(page), { token: NO_TOKEN }),
            submit(at(page), {}),
          ]),
        )

      it('can do nothing but be read, and send its form here', async () => {
        for (const { html, headers } of await answers()) {
          const [, style = ''] = /<style>([^]*?)<\/style>/.exec(html) ?? []
          const hash = createHash('sha256').update(style).digest('base64')
          expect(headers.get('content-security-policy')?.split('; ')).to.have.members([
            "default-src 'none'",
            `style-src 'sha256-${hash}'`,
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
          ])
          // Where a page asks for an address there is no token in its own: browsers say where its form comes from.
          const asks = html.includes('id="email"')
          expect(headers.get('referrer-policy')).to.equal(asks ? 'same-origin' : 'no-referrer')
          expect(headers.get('cache-control')).to.equal('no-store')
          expect(headers.get('x-content-type-options')).to.equal('nosniff')
          expect(headers.getSetCookie()).to.be.empty
        }
      })

      it('is a document of its own: no script, nothing from elsewhere, one heading, one language', async () => {
        for (const { html, headers } of await answers()) {
          expect(headers.get('content-type')).to.equal('text/html; charset=utf-8')
          expect(html).not.to.match(/<script|<img|<link|<iframe|\son\w+=|\sstyle=|(src|href)="(https?:)?\/\//i)
          expect(html.match(/<h1>/g)).to.have.lengthOf(1)
          expect(html.match(/<main>/g)).to.have.lengthOf(1)
          expect(html).to.match(/^<!doctype html>\s*<html lang="en" dir="ltr">/)
        }
      })

      it('says by whom it is', async () => {
        expect((await open(at('/reset'))).html).to.match(/<title>Forgot your password\? · localhost<\/title>/)
      })

      it('answers HEAD like GET', async () => {
        for (const page of ALL_PAGES) {
          for (const url of [at(page), linkTo(page, NO_TOKEN)]) {
            const [get, head] = [await open(url), await open(url, 'HEAD')]
            expect(head.status).to.equal(get.status)
            expect(head.html).to.equal('')
            for (const name of ['content-security-policy', 'content-type', 'content-length', 'cache-control']) {
              expect(head.headers.get(name)).to.equal(get.headers.get(name))
            }
          }
        }
      })

      it('says the same of whatever is no good link', async () => {
        for (const page of ALL_PAGES) {
          for (const token of [NO_TOKEN, 'x', 'hpem_', '%00', '<b>', NO_TOKEN.toLowerCase()]) {
            expectDeadLink(await open(linkTo(page, token)))
            expectDeadLink(await submit(at(page), { token }))
          }
        }
      })

      it('offers a new link where anybody may ask for one', async () => {
        for (const page of PAGES_THAT_ASK) {
          expect((await open(linkTo(page, NO_TOKEN))).html).to.include(`href="${page.slice(1)}">Get a new link</a>`)
        }
        for (const page of PAGES_THAT_ONLY_ACT) {
          expect((await open(linkTo(page, NO_TOKEN))).html).not.to.include('Get a new link')
        }
      })

      it('without a link says what a link looks like, where nobody can ask for one', async () => {
        for (const page of PAGES_THAT_ONLY_ACT) {
          const answer = await open(at(page))
          expectPage(answer, 200, 'Open this page from your mail')
          expect(answer.html).to.include(`http://localhost${page}?token=hpem_`)
          expectPage(await submit(at(page), {}), 400, 'Open this page from your mail')
        }
      })

      it('takes a link for one purpose alone', async () => {
        const { token } = await somebodyWithALinkTo('reset')
        for (const page of ALL_PAGES.filter((each) => each !== '/reset')) {
          expectDeadLink(await open(linkTo(page, token)))
          expectDeadLink(await submit(at(page), { token, password: NEW_PASSWORD }))
        }
        expectPage(await open(linkTo('/reset', token)), 200, 'Choose a new password')
      })
    })

    describe('asking for a link', () => {
      it('gets it, and the page does not say whether there is such an account', async () => {
        const email = await register(server().url)
        for (const page of ['reset', 'magic'] as const) {
          const known = await submit(at(`/${page}`), { email })
          const unknown = await submit(at(`/${page}`), { email: anAddress() })
          expectPage(known, 202, 'Check your mailbox')
          expect(known.html).to.equal(unknown.html)
          expect([...known.headers.keys()]).to.deep.equal([...unknown.headers.keys()])
          expectPage(await open(linkTo(`/${page}`, await tokenFor(email, page))), 200, /sign in|new password/i)
        }
      })

      it('gets a new link to confirm an address with', async () => {
        const email = await register(server().url)
        const first = await tokenFor(email, 'confirm')
        expectPage(await submit(at('/confirm'), { email }), 202, 'Check your mailbox')
        const second = await tokenFor(email, 'confirm', 1)
        expectDeadLink(await submit(at('/confirm'), { token: first }))
        expectPage(await submit(at('/confirm'), { token: second }), 200, 'Your address is confirmed')
      })

      it('with what is no address is told so at the field, which keeps what was entered', async () => {
        for (const page of PAGES_THAT_ASK) {
          const answer = await submit(at(page), { email: '"><script>alert(1)</script>@' })
          expectPage(answer, 400, /./)
          expect(answer.html).to.include('value="&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;@"')
          expect(answer.html).not.to.include('<script')
          expect(answer.html).to.match(/<p class="fault" id="fault" role="alert">/)
          expect(answer.html).to.match(/<input\s+id="email"[^>]*aria-invalid="true" aria-describedby="fault"/)
          expect(answer.html).to.match(/<title>Error: /)
        }
        expectPage(await submit(at('/reset'), {}), 400, 'Forgot your password\\?')
      })

      it("works from a page of this service or of an allowed origin, and from nobody else's", async () => {
        const email = await register(server().url)
        for (const page of PAGES_THAT_ASK) {
          const refused: Record<string, string>[] = [SOMEBODY_ELSES_FORM, {}, { origin: 'null' }]
          for (const headers of refused) {
            expectPage(await submit(at(page), { email }, headers), 403, 'This came from another page')
          }
          const accepted: Record<string, string>[] = [{ origin: 'http://localhost' }, { origin: ORIGIN }]
          for (const headers of accepted) {
            expectPage(await submit(at(page), { email }, headers), 202, 'Check your mailbox')
          }
        }
      })

      it('need not enter the address where somebody is signed in', async () => {
        const { email, refreshToken } = await signInByCookie(server().url, await register(server().url))
        for (const page of PAGES_THAT_ASK) {
          const { html } = await open(at(page), 'GET', { cookie: `hallpass=${refreshToken}` })
          expect(html).to.match(new RegExp(`<input\\s+id="email"[^>]* value="${email}"`))
          expect((await open(at(page))).html).not.to.include(email)
        }
      })
    })

    describe('a confirmation', () => {
      it('is not done by opening the link, as programs do that look for viruses, but by its button', async () => {
        const { email, accessToken } = await aSignedInPerson(server().url)
        const link = linkTo('/confirm', await tokenFor(email, 'confirm'))
        for (const method of ['GET', 'HEAD', 'GET', 'HEAD', 'GET'])
          expect((await open(link, method)).status).to.equal(200)
        expect(wordsOf(await open(link))).to.include(`This confirms that ${email} is your address.`)
        expect(await isVerified(accessToken)).to.equal(false)

        const token = await tokenFor(email, 'confirm')
        expectPage(await submit(at('/confirm'), { token }), 200, 'Your address is confirmed')
        expect(await isVerified(accessToken)).to.equal(true)
        expectDeadLink(await submit(at('/confirm'), { token }))
        expectDeadLink(await open(link))
      })
    })

    describe('a new password', () => {
      it('is chosen behind the link, which names the account for password managers', async () => {
        const { email, token } = await somebodyWithALinkTo('reset')
        const { html } = await open(linkTo('/reset', token))
        expect(html).to.match(
          new RegExp(`<input name="username"[^>]* value="${email}" autocomplete="username"[^>]* hidden`),
        )
        expect(html).to.match(/<input\s+id="password"[^>]*autocomplete="new-password"[^>]*aria-describedby="hint"/)
        expect(html).to.include('<label for="password">')

        const { accessToken } = await signIn(server().url, email)
        expectPage(await submit(at('/reset'), { token, password: NEW_PASSWORD }), 200, 'Your new password is set')
        expect((await tryToSignIn(email, NEW_PASSWORD)).status).to.equal(201)
        expect((await callSessions(server().url, 'GET', '/current', accessToken)).status).to.equal(401)
        expectDeadLink(await submit(at('/reset'), { token, password: NEW_PASSWORD }))
      })

      it('that is too weak is refused at its field, and the link is still good', async () => {
        const { email, token } = await somebodyWithALinkTo('reset')
        for (const password of ['', 'short', 'password1', email]) {
          const answer = await submit(at('/reset'), { token, password })
          expectPage(answer, 400, 'Choose a new password')
          expect(answer.html).to.match(
            /<p class="fault" id="fault" role="alert"><span>(This is too easy to guess|Use) .*<\/span><\/p>/,
          )
          expect(answer.html).to.match(/<input\s+id="password"[^>]*aria-invalid="true" aria-describedby="fault hint"/)
          expect(answer.html).not.to.match(/id="password"[^>]* value=/)
          expect(answer.html).to.include(`name="token" value="${token}"`)
        }
        expectPage(await submit(at('/reset'), { token, password: NEW_PASSWORD }), 200, 'Your new password is set')
      })
    })

    describe('a magic link', () => {
      it('signs in with the session cookie, out of reach of scripts', async () => {
        const { email, token } = await somebodyWithALinkTo('magic')
        expect(wordsOf(await open(linkTo('/magic', token)))).to.include(`Sign in as ${email}`)
        const answer = await submit(at('/magic'), { token })
        expectPage(answer, 200, 'You are signed in')
        expect(cookieAttributesIn(answer.headers)).to.include({ path: '/', httponly: '', samesite: 'Strict' })
        expect(answer.html).not.to.include('hprt_')
        expect((await refreshByCookie(server().url, cookieIn(answer.headers) ?? '')).status).to.equal(200)

        const again = await submit(at('/magic'), { token })
        expectDeadLink(again)
        expect(again.headers.getSetCookie()).to.be.empty
      })

      it("signs nobody in from somebody else's page, and is still good then", async () => {
        const { token } = await somebodyWithALinkTo('magic')
        for (const headers of [
          SOMEBODY_ELSES_FORM,
          { ...SOMEBODY_ELSES_FORM, origin: 'null' },
          { origin: 'null', 'sec-fetch-site': 'same-site' },
          { origin: 'null' },
          { origin: ORIGIN, 'sec-fetch-site': 'cross-site' },
          {},
        ] as Record<string, string>[]) {
          const answer = await submit(at('/magic'), { token }, headers)
          expectPage(answer, 403, 'This came from another page')
          expect(answer.headers.getSetCookie()).to.be.empty
        }
        expectPage(await submit(at('/magic'), { token }, { origin: ORIGIN }), 200, 'You are signed in')
      })

      it('leads back to where the person wanted to go, here or at an allowed origin', async () => {
        for (const returnTo of ['/devices', '/devices?a=1&b=%2F#c', `${ORIGIN}/inbox?x=1`]) {
          const { token } = await somebodyWithALinkTo('magic')
          const { html, headers } = await open(`${linkTo('/magic', token)}&return_to=${encodeURIComponent(returnTo)}`)
          expect(html).to.include(`name="return_to" value="${returnTo.replaceAll('&', '&#38;')}"`)
          const policy = headers.get('content-security-policy')?.split('; ')
          expect(policy).to.include(`form-action 'self'${returnTo.startsWith('/') ? '' : ` ${ORIGIN}`}`)

          const answer = await submit(at('/magic'), { token, return_to: returnTo })
          expect(answer.status).to.equal(303)
          expect(answer.headers.get('location')).to.equal(returnTo)
          expect(cookieIn(answer.headers)).to.match(/^hprt_/)
        }
      })

      it('leads nowhere else', async () => {
        const { token } = await somebodyWithALinkTo('magic')
        for (const returnTo of ['//evil.example', '/\\evil.example', 'https://evil.example/', 'javascript:alert(1)']) {
          const { html } = await open(`${linkTo('/magic', token)}&return_to=${encodeURIComponent(returnTo)}`)
          expect(html).not.to.include('return_to')
        }
        const answer = await submit(at('/magic'), { token, return_to: '//evil.example' })
        expectPage(answer, 200, 'You are signed in')
        expect(answer.headers.has('location')).to.equal(false)
      })
    })

    describe('a change of address', () => {
      const changeTo = async (
        newAddress: string,
      ): Promise<{ email: string; accessToken: string; token: string; newAddress: string }> => {
        const { email, accessToken } = await aConfirmedPerson(server().url)
        const asked = await send(at('/v1/email-changes'), { token: accessToken, body: { email: newAddress } })
        expect(asked.status).to.equal(202)
        return { email, accessToken, newAddress, token: await tokenFor(newAddress, 'change-email') }
      }

      it('names both addresses, and is done by its button', async () => {
        const { email, token, newAddress } = await changeTo(anAddress())
        const words = wordsOf(await open(linkTo('/change-email', token)))
        expect(words).to.include(`You will sign in with ${newAddress} in place of ${email}`)
        expectPage(await submit(at('/change-email'), { token }), 200, 'Your address is changed')
        expect((await signIn(server().url, newAddress)).email).to.equal(newAddress)
        expectDeadLink(await submit(at('/change-email'), { token }))
      })

      it('shows addresses as they are, whatever characters they hold', async () => {
        const { token, newAddress } = await changeTo(`o'neill&co+${anAddress()}`)
        const { html } = await open(linkTo('/change-email', token))
        expect(html).to.include('o&#39;neill&#38;co+').and.not.include(newAddress)
      })

      it('is taken back by the owner of the address before', async () => {
        const { email, accessToken, token, newAddress } = await changeTo(anAddress())
        await submit(at('/change-email'), { token })
        const back = await tokenFor(email, 'revert-email')
        const words = wordsOf(await open(linkTo('/revert-email', back)))
        expect(words).to.include(`Your account gets ${email} back, in place of ${newAddress}.`)
        expect(words).to.include('Every device is signed out')

        const answer = await submit(at('/revert-email'), { token: back })
        expectPage(answer, 200, 'Your address is back')
        expect(wordsOf(answer)).to.include('A mail with a link to choose a new password is on its way')
        expect((await callSessions(server().url, 'GET', '/current', accessToken)).status).to.equal(401)
        const reset = await tokenFor(email, 'reset')
        expectPage(await submit(at('/reset'), { token: reset, password: NEW_PASSWORD }), 200, /password is set/)
        expect((await tryToSignIn(email, NEW_PASSWORD)).status).to.equal(201)
        expectDeadLink(await submit(at('/revert-email'), { token: back }))
      })
    })

    describe('"this was not me"', () => {
      it('signs exactly that device out, and offers a new password', async () => {
        const { email, accessToken } = await aSignedInPerson(server().url)
        const stranger = await signIn(server().url, email, {
          headers: { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0' },
        })
        await mailsAbout(email, 'new_device')
        const token = await tokenFor(email, 'not-me')
        expect(wordsOf(await open(linkTo('/not-me', token)))).to.include(`signed in to your account ${email}`)

        const answer = await submit(at('/not-me'), { token })
        expectPage(answer, 200, 'The device is signed out')
        expect(answer.html).to.include('href="reset">Choose a new password</a>')
        expect((await callSessions(server().url, 'GET', '/current', stranger.accessToken)).status).to.equal(401)
        expect((await callSessions(server().url, 'GET', '/current', accessToken)).status).to.equal(200)
      })
    })

    describe('what goes wrong', () => {
      const send = (headers: Record<string, string>, body: string): Promise<HtmlAnswer> =>
        sendRawRequest(server().url, { method: 'POST', path: '/reset', headers, body }).then((answer) => ({
          status: answer.status,
          headers: new Headers(answer.headers as Record<string, string>),
          html: answer.text,
        }))
      const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

      it('is told as a page', async () => {
        expectPage(await send(FORM, 'token=a&token=b'), 400, 'This did not arrive whole')
        expectPage(await send(FORM, 'email=%00'), 400, 'This did not arrive whole')
        expectPage(await send({ 'content-type': 'application/json' }, '{"email":1}'), 400, 'This did not arrive whole')
        expectPage(await send({ ...FORM, 'content-encoding': 'gzip' }, 'x'), 415, 'This did not arrive whole')
        expectPage(await send(FORM, `email=${'x'.repeat(17_000)}`), 413, 'That was too much')
      })

      it('in the database uses nothing up, and passes', async () => {
        const { email, token } = await somebodyWithALinkTo('reset')
        await withDatabaseAway(server(), async () => {
          for (const answer of [
            await open(linkTo('/reset', token)),
            await submit(at('/reset'), { token, password: NEW_PASSWORD }),
            await submit(at('/reset'), { email }),
          ]) {
            expectPage(answer, 503, 'Not available right now')
            expect(answer.headers.get('retry-after')).to.match(/^\d+$/)
            expectNoInsides(wordsOf(answer))
          }
        })
        expectPage(await submit(at('/reset'), { token, password: NEW_PASSWORD }), 200, 'Your new password is set')
      })
    })
  })

  onStore(
    'embedded',
    (server) => {
      it('say in words when somebody has to wait, and how long', async () => {
        const email = anAddress()
        expect((await submit(`${server().url}/reset`, { email })).status).to.equal(202)
        const answer = await submit(`${server().url}/reset`, { email })
        expectPage(answer, 429, 'Too many attempts')
        expect(Number(answer.headers.get('retry-after'))).to.be.within(1, 60)
        expect(wordsOf(answer)).to.match(/You can try it again in \d+ seconds?\./)
      })
    },
    { HALLPASS_RATE_LIMITS: 'on' },
  )
})

describe('The mailbox of developers, as a page', () => {
  const asAt = (server: TestServer, path: string, headers: Record<string, string> = {}): Promise<HtmlAnswer> =>
    open(`${server.url}${path}`, 'GET', headers)
  const idsIn = ({ html }: HtmlAnswer): string[] =>
    [...html.matchAll(/src="mailbox\/([^"]+)"/g)].map(([, id = '']) => id)

  onStore(
    'embedded',
    (server) => {
      const emails = [anAddress(), anAddress()]
      before(async () => {
        expect((await asAt(server(), '/dev/mailbox')).html).to.include('No mail yet.')
        for (const email of emails) {
          await register(server().url, email)
          await server().hallpass.sending.run()
        }
      })

      it('shows the newest mail first, with its links', async () => {
        const answer = await asAt(server(), '/dev/mailbox')
        expectPage(answer, 200, 'Mailbox')
        const [older = '', newer = ''] = emails
        expect(answer.html.indexOf(newer)).to.be.within(1, answer.html.indexOf(older))
        expect(answer.html).to.match(/<a href="http:\/\/localhost\/confirm\?token=hpem_[\w-]{43}" dir="ltr">/)
        expect(answer.headers.get('content-security-policy'))
          .to.include("default-src 'none'")
          .and.include("frame-src 'self'")
        expect(answer.headers.get('content-security-policy')).not.to.include('unsafe')
      })

      it('is the same as JSON, oldest first', async () => {
        const { body } = await send<{ messages: { id: string; to: string }[] }>(`${server().url}/dev/mailbox.json`)
        expect(body.messages.map(({ to }) => to)).to.deep.equal(emails)
        expect(body.messages[0]).to.have.all.keys('id', 'to', 'subject', 'text', 'html', 'created_at')
        expect(idsIn(await asAt(server(), '/dev/mailbox'))).to.deep.equal(
          body.messages.map(({ id }) => id).toReversed(),
        )
      })

      it('frames each mail, which can run nothing and load nothing', async () => {
        const [id = ''] = idsIn(await asAt(server(), '/dev/mailbox'))
        const { status, headers, html } = await asAt(server(), `/dev/mailbox/${id}`)
        expect(status).to.equal(200)
        expect(headers.get('content-type')).to.equal('text/html; charset=utf-8')
        expect(html).to.include('<base target="_blank">')
        const policy = headers.get('content-security-policy')?.split('; ')
        expect(policy).to.include.members(["default-src 'none'", "style-src 'unsafe-inline'", "frame-ancestors 'self'"])
        expect(policy?.find((each) => each.startsWith('sandbox'))).to.not.match(/allow-(scripts|same-origin|forms)/)
      })

      it('has no mail that was not sent', async () => {
        for (const id of ['1', '01890a5d-ac96-774b-bcce-b302099a8057', "'"]) {
          expectPage(await asAt(server(), `/dev/mailbox/${id}`), 404, 'There is nothing here')
        }
      })

      it('is for somebody at this machine only', async () => {
        const [id = ''] = idsIn(await asAt(server(), '/dev/mailbox'))
        for (const path of ['/dev/mailbox', `/dev/mailbox/${id}`]) {
          expect((await asAt(server(), path, { 'x-forwarded-for': '127.0.0.1' })).status).to.equal(404)
          const headers = { host: 'evil.example' }
          expect((await sendRawRequest(server().url, { path, headers })).status).to.equal(404)
        }
      })
    },
    { SMTP_URL: undefined, HALLPASS_MAIL_FROM: undefined },
  )
})
