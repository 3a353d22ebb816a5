import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { statement } from '../../src/server/database/database.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { createFormTokens } from '../../src/server/tokens/form-token.ts'
import { createRing } from '../../src/server/tokens/ring.ts'
import { mailsAbout } from '../support/mail.ts'
import { openPage, OUR_FORM, submitForm, type HtmlAnswer } from '../support/pages.ts'
import {
  aPersonInABrowser,
  callSessions,
  cookieAttributesIn,
  cookieIn,
  generationOf,
  ORIGIN,
  PASSWORD,
  refresh,
  refreshByCookie,
  register,
  signIn,
  signInByCookie,
  type SignedIn,
} from '../support/people.ts'
import { DAY, eventsOf, HOUR, isAlive, MINUTE, moveTimes, rowOf } from '../support/rows.ts'
import { onStore, startServer, TEST_SECRET, type TestServer } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'
import { forge } from '../support/tokens.ts'

const CHROME = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const SIGN_IN = 'sign-in?return_to=%2Fdevices'

/** What a person reads: the page without its marks, and without what is only there for later. */
const wordsOf = ({ html }: HtmlAnswer): string => plain(html.slice(html.indexOf('<main>'), html.indexOf('<template')))

/** The same of what stands below the list. */
const wordsBelow = ({ html }: HtmlAnswer): string =>
  plain(html.slice(html.indexOf('</template>'), html.indexOf('</main>')))

const plain = (html: string): string =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))

const headingOf = ({ html }: HtmlAnswer): string => /<h1>(.*?)<\/h1>/.exec(html)?.[1] ?? ''
const statusOf = ({ html }: HtmlAnswer): string =>
  (/id="notice"[^>]*>(.*?)<\/p>/s.exec(html)?.[1] ?? '').replace(/<[^>]*>/g, '').trim()
const formTokenIn = ({ html }: HtmlAnswer): string => /name="form_token" value="([^"]*)"/.exec(html)?.[1] ?? ''
/** The ids of the devices, in the order of the page. */
const idsIn = ({ html }: HtmlAnswer): string[] => [...html.matchAll(/id="device-([^"]*)"/g)].map(([, id]) => id ?? '')
/** What is said of one of them. */
const wordsOn = (answer: HtmlAnswer, { sessionId }: SignedIn): string => {
  const start = answer.html.indexOf(`id="device-${sessionId}"`)
  expect(start).to.be.above(0)
  const end = answer.html.indexOf('id="device-', start + 1)
  const html = `<main><p ${answer.html.slice(start, end < 0 ? answer.html.indexOf('<template') : end)}<template`
  return wordsOf({ ...answer, html })
}

const headersOf = (device: Pick<SignedIn, 'refreshToken'> | null): Record<string, string> =>
  device === null ? {} : { cookie: `hallpass=${device.refreshToken}` }

const open = (
  server: TestServer,
  device: Pick<SignedIn, 'refreshToken'> | null,
  options: { query?: string; headers?: Record<string, string> } = {},
): Promise<HtmlAnswer> =>
  openPage(`${server.url}/devices${options.query ?? ''}`, { ...headersOf(device), ...options.headers })

const post = (
  server: TestServer,
  device: Pick<SignedIn, 'refreshToken'> | null,
  fields: Record<string, string>,
): Promise<HtmlAnswer> => submitForm(`${server.url}/devices`, fields, headersOf(device))

/** The form of the page as the device sees it now. */
async function submit(server: TestServer, device: SignedIn, fields: Record<string, string>): Promise<HtmlAnswer> {
  const formToken = formTokenIn(await open(server, device))
  return post(server, device, { form_token: formToken, ...fields })
}

/** To where an answer leads, and what is there. */
async function goOn(server: TestServer, device: SignedIn, answer: HtmlAnswer): Promise<HtmlAnswer> {
  expect(answer.status).to.equal(303)
  const location = answer.headers.get('location') ?? ''
  expect(location).to.match(/^devices\?/)
  return open(server, device, { query: location.slice('devices'.length) })
}

const signOut = (device: SignedIn): Record<string, string> => ({ action: 'sign_out', id: device.sessionId })
const undo = (device: SignedIn): Record<string, string> => ({ action: 'undo', id: device.sessionId })
/** Below the list: what can be undone, in the order of the page. */
const undoableIn = ({ html }: HtmlAnswer): string[] =>
  [...html.matchAll(/id="gone-([^"]*)"/g)].map(([, id]) => id ?? '')
const longAgo = (server: TestServer, device: SignedIn): Promise<void> =>
  moveTimes(server, device, { authenticated_at: -HOUR })

describe('The page of your devices', () => {
  // test/browser has it on the embedded store.
  onStore('postgresql', (server) => {
    let email: string
    let here: SignedIn
    let phone: SignedIn
    beforeEach(async () => {
      email = await register(server().url)
      phone = await signIn(server().url, email, { headers: { 'user-agent': FIREFOX } })
      here = await signInByCookie(server().url, email, { headers: { 'user-agent': CHROME } })
    })

    describe('shown', () => {
      it('lists every live device of the account, this one first, then the newest use', async () => {
        const tablet = await signIn(server().url, email)
        const gone = await signIn(server().url, email)
        await moveTimes(server(), here, { last_used_at: -DAY })
        await moveTimes(server(), tablet, { last_used_at: -2 * HOUR })
        await callSessions(server().url, 'DELETE', `/${gone.sessionId}`, here.accessToken)
        await aPersonInABrowser(server().url)

        const page = await open(server(), here)
        expect(page.status).to.equal(200)
        expect(headingOf(page)).to.equal('Your devices')
        expect(idsIn(page)).to.deep.equal([here.sessionId, phone.sessionId, tablet.sessionId])
        expect(wordsOn(page, here)).to.include('This device').and.include('In use now')
        expect(wordsOn(page, tablet)).to.include('Last used 2 hours ago').and.not.include('This device')
        expect(wordsOn(page, phone)).to.include('Firefox on Linux').and.include('Last used just now')
      })

      it('tells of each how it signed in, and from where', async () => {
        const page = await open(server(), here)
        expect(wordsOn(page, here)).to.include('with a password').and.include('IP address 127.0.0.1')
        const theirs = await createSession(server(), here.userId, { amr: ['otp', 'hwk'] })
        expect(wordsOn(await open(server(), here), { ...theirs, email })).to.include('with a link by mail and “hwk”')
      })

      it('marks what is new about another device, but not what was first', async () => {
        const laptop = await signIn(server().url, email, { headers: { 'user-agent': CHROME } })
        const page = await open(server(), here)
        expect(wordsOn(page, laptop)).to.include('First time on Windows')
        expect(wordsOn(page, phone)).not.to.include('First time')
        await withPlace(server(), phone, { city: 'Bergen', country: 'NO' })
        await withPlace(server(), laptop, { city: 'Oslo', country: 'NO' })
        const placed = await open(server(), here)
        expect(wordsOn(placed, laptop)).to.include('New place: Oslo, Norway')
        expect(wordsOn(placed, phone)).to.include('Bergen, Norway').and.not.include('New place')
        expect(wordsOn(placed, here), 'of the device before their eyes people know').not.to.include('First time')
      })

      it('says whose account it is', async () => {
        const page = await open(server(), here)
        expect(page.html).to.include(`signed in to your account <bdi>${email}</bdi>.`)
        expect(page.html).to.include('<a href="reset">get a link for a new password by mail</a>')
      })

      it('is not kept, not framed, and runs its own script only', async () => {
        const { headers, html } = await open(server(), here)
        expect(headers.get('cache-control')).to.equal('no-store')
        const policy = headers.get('content-security-policy') ?? ''
        expect(policy).to.include("default-src 'none'").and.include("frame-ancestors 'none'")
        expect(policy)
          .to.match(/script-src 'sha256-[^' ]+';/)
          .and.include("connect-src 'self'")
          .and.not.include('frame-src')
        expect(html.match(/<script/g)).to.have.lengthOf(1)
        expect(html).not.to.include('hprt_')
      })

      it('shows names as text, whatever they hold', async () => {
        const name = `<img src=x onerror="alert(1)">'</script>&amp; שלום`
        const named = await signIn(server().url, email, { body: { device_name: name } })
        const page = await open(server(), here, { query: `?done=renamed&device=${named.sessionId}` })
        expect(page.html).not.to.include('<img')
        expect(page.html).not.to.include('onerror="')
        expect(page.html.match(/<\/script>/g)).to.have.lengthOf(1)
        expect(wordsOn(page, named)).to.include(name)
        expect(statusOf(page)).to.include('onerror=&#34;alert(1)&#34;')
      })

      it('says about the last action only what is so', async () => {
        const says = async (query: string) => statusOf(await open(server(), here, { query }))
        expect(await says(`?done=signed_out&device=${phone.sessionId}`)).to.equal('')
        expect(await says('?done=others')).to.equal('')
        expect(await says(`?done=renamed&device=${randomUUID()}`)).to.equal('')
        expect(await says('?done=all&done=others')).to.equal('')
        await callSessions(server().url, 'DELETE', `/${phone.sessionId}`, here.accessToken)
        expect(await says(`?done=signed_out&device=${phone.sessionId}`)).to.equal('Firefox on Linux is signed out.')
        expect(await says('?done=others')).to.equal('Every other device is signed out.')
      })
    })

    describe('for somebody whose cookie', () => {
      it('is not there or not good, leads to the sign-in page, and back', async () => {
        const { userId, sessionId } = here
        const expired = await signInByCookie(server().url, email)
        await moveTimes(server(), expired, { idle_expires_at: -1 })
        const bad = ['', 'garbage', `${here.refreshToken}x`, phone.refreshToken, forge({ userId, sessionId })]
        for (const refreshToken of [...bad, expired.refreshToken]) {
          for (const answer of [
            await open(server(), { refreshToken }),
            await post(server(), { refreshToken }, { action: 'sign_out_others' }),
          ]) {
            expect(answer.status, refreshToken).to.equal(303)
            expect(answer.headers.get('location')).to.equal(SIGN_IN)
            expect(answer.headers.getSetCookie()).to.be.empty
          }
        }
        const twice = await open(server(), null, {
          headers: { cookie: `hallpass=${here.refreshToken}; hallpass=${here.refreshToken}` },
        })
        expect(twice.headers.get('location')).to.equal(SIGN_IN)
        expect(await isAlive(server(), here)).to.be.true
      })

      it('was rotated once is shown the page, and it is no reuse; nor is an older one, which is not', async () => {
        const older = here.refreshToken
        const { headers } = await refreshByCookie(server().url, older)
        const newer = cookieIn(headers) ?? ''
        for (const refreshToken of [older, newer]) {
          const page = await open(server(), { refreshToken })
          expect(page.status).to.equal(200)
          expect(page.headers.getSetCookie()).to.be.empty
        }
        await refreshByCookie(server().url, newer)
        expect((await open(server(), { refreshToken: older })).headers.get('location')).to.equal(SIGN_IN)
        expect(await isAlive(server(), here)).to.be.true
        const { generation } = await rowOf(server(), here)
        expect(Number(generation)).to.equal(generationOf(newer) + 1)
      })

      it('is hidden because a link elsewhere was followed, gets a document that comes again, once', async () => {
        const crossSite = { 'sec-fetch-site': 'cross-site' }
        const first = await open(server(), null, { headers: crossSite })
        expect(first.status).to.equal(200)
        const [, target = ''] = /<meta http-equiv="refresh" content="0; url=([^"]*)"/.exec(first.html) ?? []
        expect(target).to.equal('devices?reloaded=1')
        const query = target.slice('devices'.length)
        const second = await open(server(), here, { query, headers: { 'sec-fetch-site': 'same-origin' } })
        expect(headingOf(second)).to.equal('Your devices')
        for (const headers of [crossSite, { 'sec-fetch-site': 'same-origin' }]) {
          expect((await open(server(), null, { query, headers })).headers.get('location')).to.equal(SIGN_IN)
        }
        expect((await open(server(), null)).headers.get('location')).to.equal(SIGN_IN)
      })
    })

    describe('opened on the way from an application', () => {
      const INBOX = `${ORIGIN}/inbox`
      const query = `?return_to=${encodeURIComponent(INBOX)}`
      const back = `<a href="${INBOX}">Back to app.example</a>`

      it('leads back there, also after whatever was done', async () => {
        const page = await open(server(), here, { query })
        expect(page.html).to.include(back)
        expect(page.html).to.include(`data-href="devices${query}"`)
        const fields = { form_token: formTokenIn(page), return_to: INBOX }
        expect(page.html.match(/name="return_to"/g)).to.have.lengthOf(page.html.match(/<form/g)?.length ?? 0)

        const renamed = await post(server(), here, { ...fields, action: 'rename', id: phone.sessionId, name: 'Phone' })
        const after = await goOn(server(), here, renamed)
        expect(statusOf(after)).to.equal('The new name is saved: Phone.')
        expect(after.html).to.include(back)
        for (const answer of [
          await post(server(), here, { return_to: INBOX }),
          await post(server(), here, { ...fields, action: 'rename', id: randomUUID() }),
        ]) {
          expect(answer.html).to.include(`href="devices${query}"`)
        }
        await longAgo(server(), here)
        const question = await post(server(), here, { ...fields, ...signOut(phone) })
        expect(question.html).to.include(`href="devices${query}"`)
        const confirmed = await post(server(), here, { ...hiddenIn(question), password: PASSWORD })
        expect(statusOf(confirmed)).to.equal('Phone is signed out.')
        expect(confirmed.html).to.include(back)
      })

      it('comes back there after signing in', async () => {
        const signInThere = `sign-in?return_to=${encodeURIComponent(`/devices${query}`)}`
        expect((await open(server(), null, { query })).headers.get('location')).to.equal(signInThere)
        const answer = await post(server(), null, { return_to: INBOX })
        expect(answer.headers.get('location')).to.equal(signInThere)
        const hidden = await open(server(), null, { query, headers: { 'sec-fetch-site': 'cross-site' } })
        expect(hidden.html).to.include(`url=devices${query}&#38;reloaded=1`)
      })

      it('leads to no place that is not allowed', async () => {
        for (const elsewhere of ['https://evil.example/', '//evil.example', 'javascript:alert(1)']) {
          const page = await open(server(), here, { query: `?return_to=${encodeURIComponent(elsewhere)}` })
          expect(page.html).not.to.include('Back to').and.not.include('evil').and.not.include('javascript:')
        }
      })

      it('has the same application sign in again', async () => {
        const demo = await signInByCookie(server().url, email, { body: { client_id: 'demo' } })
        const page = await open(server(), demo)
        expect(page.html).to.include('href="sign-in?return_to=%2Fdevices&#38;client_id=demo"')
      })
    })

    describe('whose form', () => {
      it('is not that of a page made for this session, does nothing', async () => {
        const others = await aPersonInABrowser(server().url)
        const again = await signInByCookie(server().url, email)
        const good = formTokenIn(await open(server(), here))
        const forged = createFormTokens({ ring: createRing('some other secret of somebody else') })
        for (const formToken of [
          undefined,
          '0',
          `${good}x`,
          good.replace(/^0/, '1'),
          formTokenIn(await open(server(), others)),
          formTokenIn(await open(server(), again)),
          forged.make(here.sessionId, null),
        ]) {
          for (const fields of [
            signOut(phone),
            { action: 'sign_out_others' },
            { action: 'sign_out_here' },
            { action: 'rename', id: phone.sessionId, name: 'Stolen' },
            undo(phone),
          ]) {
            const answer = await post(server(), here, { ...fields, ...(formToken && { form_token: formToken }) })
            expect(answer.status, formToken).to.equal(403)
            expect(headingOf(answer)).to.equal('Nothing was done')
          }
        }
        for (const device of [here, phone]) expect(await isAlive(server(), device)).to.be.true
        expect(wordsOf(await open(server(), here))).not.to.include('Stolen')
      })

      it('asks for something unknown is told so in words', async () => {
        for (const action of ['', 'toString', 'delete']) {
          const answer = await submit(server(), here, { action, id: phone.sessionId })
          expect(answer.status).to.equal(400)
          expect(headingOf(answer)).to.equal('This did not arrive whole')
        }
      })
    })

    describe('renames', () => {
      it('a device, and says so', async () => {
        await longAgo(server(), here)
        const answer = await submit(server(), here, {
          action: 'rename',
          id: phone.sessionId,
          name: '  My\u202e phone ',
        })
        const page = await goOn(server(), here, answer)
        expect(statusOf(page)).to.equal('The new name is saved: My phone.')
        expect(wordsOn(page, phone)).to.include('My phone').and.include('Firefox on Linux')
        const emptied = await submit(server(), here, { action: 'rename', id: phone.sessionId, name: '' })
        expect(statusOf(await goOn(server(), here, emptied))).to.equal('The new name is saved: Firefox on Linux.')
      })

      it('nothing that is not a live device of the same account', async () => {
        const { sessionId: theirs } = await aPersonInABrowser(server().url)
        await callSessions(server().url, 'DELETE', `/${phone.sessionId}`, here.accessToken)
        for (const id of [theirs, phone.sessionId, randomUUID(), 'nothing', '']) {
          const answer = await submit(server(), here, { action: 'rename', id, name: 'Mine' })
          expect(answer.status, id).to.equal(404)
          expect(headingOf(answer)).to.equal('There is no such device')
        }
      })
    })

    describe('signs out', () => {
      it('another device, and says so', async () => {
        const answer = await submit(server(), here, signOut(phone))
        const page = await goOn(server(), here, answer)
        expect(statusOf(page)).to.equal('Firefox on Linux is signed out.')
        expect(idsIn(page)).to.deep.equal([here.sessionId])
        expect((await rowOf(server(), phone)).revoked_reason).to.equal('revoked_by_user')
        expect((await eventsOf(server(), phone)).at(-1)).to.deep.include({
          reason: 'revoked_by_user',
          actor: 'user',
          actor_session_id: here.sessionId,
          ip: '127.0.0.1',
        })
      })

      it('a device that was signed out already, which changes nothing', async () => {
        const formToken = formTokenIn(await open(server(), here))
        const fields = { ...signOut(phone), form_token: formToken }
        await post(server(), here, fields)
        const events = await eventsOf(server(), phone)
        expect((await post(server(), here, fields)).status).to.equal(303)
        expect(await eventsOf(server(), phone)).to.deep.equal(events)
      })

      it('all others, and says so, as often as it is asked', async () => {
        const tablet = await signIn(server().url, email)
        for (let count = 0; count < 2; count += 1) {
          const answer = await submit(server(), here, { action: 'sign_out_others' })
          const page = await goOn(server(), here, answer)
          expect(statusOf(page)).to.equal('Every other device is signed out.')
          expect(idsIn(page)).to.deep.equal([here.sessionId])
        }
        for (const device of [phone, tablet]) {
          expect((await rowOf(server(), device)).revoked_reason).to.equal('revoked_by_user')
        }
      })

      it('this one, however long ago it signed in, and clears its cookie', async () => {
        for (const fields of [{ action: 'sign_out_here' }, 'by its id'] as const) {
          const device = await signInByCookie(server().url, email)
          await longAgo(server(), device)
          const answer = await submit(server(), device, fields === 'by its id' ? signOut(device) : fields)
          expect(answer.status).to.equal(200)
          expect(headingOf(answer)).to.equal('You are signed out')
          expect(answer.html).to.include(`href="${SIGN_IN}"`)
          expect(cookieIn(answer.headers)).to.equal('')
          expect(cookieAttributesIn(answer.headers)['max-age']).to.equal('0')
          expect((await rowOf(server(), device)).revoked_reason).to.equal('signed_out')
          expect((await open(server(), device)).headers.get('location')).to.equal(SIGN_IN)
        }
        expect(await isAlive(server(), phone)).to.be.true
      })

      it('nothing of somebody else, whom it does not name', async () => {
        const other = await signInByCookie(server().url, await register(server().url), {
          body: { device_name: 'Secret laptop' },
        })
        await longAgo(server(), here)
        for (const id of [other.sessionId, randomUUID(), 'nothing', '']) {
          const answer = await submit(server(), here, { action: 'sign_out', id })
          expect(answer.status, id).to.equal(404)
          expect(headingOf(answer)).to.equal('There is no such device')
          expect(answer.html).not.to.include('Secret laptop')
        }
        expect(await isAlive(server(), other)).to.be.true
      })
    })

    describe('undoes that a device was signed out', () => {
      const signedOut = async (device = phone): Promise<void> => {
        await submit(server(), here, signOut(device))
      }

      it('which is offered below the list, says when, and brings it back as it was', async () => {
        expect(undoableIn(await open(server(), here))).to.be.empty
        await signedOut()
        const page = await open(server(), here)
        expect(undoableIn(page)).to.deep.equal([phone.sessionId])
        expect(wordsBelow(page)).to.include('Signed out just now').and.include('Firefox on Linux')
        expect(wordsBelow(page)).to.include('if it has, sign in on it again.')
        expect(page.html).to.include('aria-label="Undo: keep Firefox on Linux signed in"')

        const after = await goOn(server(), here, await submit(server(), here, undo(phone)))
        expect(statusOf(after)).to.equal(
          'Undone: Firefox on Linux stays signed in. If it has noticed already, sign in on it again.',
        )
        expect(idsIn(after)).to.deep.equal([here.sessionId, phone.sessionId])
        expect(undoableIn(after)).to.be.empty
        expect((await refresh(server().url, phone.refreshToken)).status).to.equal(200)
        expect((await eventsOf(server(), phone)).at(-1)).to.deep.include({
          type: 'session.revived',
          actor: 'user',
          actor_session_id: here.sessionId,
          ip: '127.0.0.1',
        })
      })

      it('of all others each by itself, the last one first, and twice at once as once', async () => {
        const tablet = await signIn(server().url, email)
        await submit(server(), here, { action: 'sign_out_others' })
        await moveTimes(server(), tablet, { revoked_at: -MINUTE })
        const page = await open(server(), here)
        expect(undoableIn(page)).to.deep.equal([phone.sessionId, tablet.sessionId])
        const fields = { ...undo(tablet), form_token: formTokenIn(page) }
        const answers = await Promise.all([post(server(), here, fields), post(server(), here, fields)])
        expect(answers.map(({ status }) => status)).to.deep.equal([303, 303])
        expect((await eventsOf(server(), tablet)).filter(({ type }) => type === 'session.revived')).to.have.lengthOf(1)
        expect(undoableIn(await open(server(), here))).to.deep.equal([phone.sessionId])
        expect(await isAlive(server(), phone)).to.be.false
      })

      it('after the password, where the sign-in is older than ten minutes', async () => {
        await signedOut()
        await moveTimes(server(), here, { authenticated_at: -10 * MINUTE - 1 })
        const question = await submit(server(), here, undo(phone))
        expect(wordsOf(question)).to.include('To keep Firefox on Linux signed in, enter your password once more.')
        expect(await isAlive(server(), phone)).to.be.false
        const wrong = await post(server(), here, { ...hiddenIn(question), password: 'something else' })
        expect(wrong.status).to.equal(401)
        expect(await isAlive(server(), phone)).to.be.false
        const page = await post(server(), here, { ...hiddenIn(wrong), password: PASSWORD })
        expect(statusOf(page)).to.match(/^Undone: Firefox on Linux stays signed in\./)
        expect(await isAlive(server(), phone)).to.be.true
      })

      it('and says why it does not, where it is too late, or was not signed out from here', async () => {
        const { sessions, users } = server().hallpass
        const refused = async (device: SignedIn, words: string) => {
          expect(undoableIn(await open(server(), here)), words).not.to.include(device.sessionId)
          const answer = await submit(server(), here, undo(device))
          expect(answer.status, words).to.equal(409)
          expect(headingOf(answer)).to.equal('This cannot be undone')
          expect(wordsOf(answer)).to.include(words)
          expect(await isAlive(server(), device)).to.be.false
        }
        await signedOut()
        await moveTimes(server(), phone, { revoked_at: -10 * MINUTE - 1 })
        await refused(phone, 'more than ten minutes ago')
        await moveTimes(server(), phone, { revoked_at: -MINUTE, idle_expires_at: -1 })
        await refused(phone, 'Its time is over')

        const tablet = await signIn(server().url, email)
        await sessions.revoke(tablet.userId, tablet.sessionId, 'revoked_by_admin', OPERATOR)
        await refused(tablet, 'Only what you signed out')

        const watch = await signIn(server().url, email)
        await signedOut(watch)
        expect(undoableIn(await open(server(), here))).to.deep.equal([watch.sessionId])
        await users.confirm(email, OPERATOR)
        await refused(watch, 'was changed since')
      })

      it('never of somebody else, nor of what is no device; and a live one stays as it is', async () => {
        const other = await aPersonInABrowser(server().url)
        const theirs = await signIn(server().url, other.email, { body: { device_name: 'Secret phone' } })
        await submit(server(), other, signOut(theirs))
        await longAgo(server(), here)
        for (const id of [theirs.sessionId, randomUUID(), 'nothing', '']) {
          const answer = await submit(server(), here, { action: 'undo', id })
          expect(answer.status, id).to.equal(404)
          expect(answer.html).not.to.include('Secret phone')
        }
        expect(await isAlive(server(), theirs)).to.be.false
        await moveTimes(server(), here, { authenticated_at: -1 })
        expect((await submit(server(), here, undo(phone))).status).to.equal(303)
        expect((await eventsOf(server(), phone)).map(({ type }) => type)).to.deep.equal(['session.created'])
      })
    })

    describe('tells what happened', () => {
      const toldIn = (answer: HtmlAnswer): string[] =>
        [...answer.html.slice(answer.html.indexOf('<ol')).matchAll(/<li[^>]*>(.*?)<\/li>/gs)].map(([, item = '']) =>
          plain(item).trim(),
        )
      const openHistory = (device: Pick<SignedIn, 'refreshToken'> | null, query = '', headers = {}) =>
        openPage(`${server().url}/history${query}`, { ...headersOf(device), ...headers })

      it('in plain words, with when, from where, and from which device', async () => {
        await submit(server(), here, signOut(phone))
        await server().hallpass.sessions.revoke(phone.userId, here.sessionId, 'revoked_by_admin', {
          kind: 'admin',
          sessionId: phone.sessionId,
          ip: '192.0.2.77',
        })
        const anew = await signInByCookie(server().url, email, { body: { device_name: 'Ada’s <b>laptop' } })
        const page = await open(server(), anew)
        const [newest, byAdmin, revoked, second, first, account] = toldIn(page)
        expect(newest).to.match(/^Signed in on this device New device just now .* UTC IP address 127\.0\.0\.1$/)
        expect(byAdmin).to.match(/^An administrator signed out Chrome on Windows just now .* UTC$/)
        expect(revoked).to.include('Signed out Firefox on Linux from Chrome on Windows')
        expect(second).to.include('Signed in on Chrome on Windows New device')
        expect(first).to.match(/^Signed in on Firefox on Linux just now/)
        expect(account).to.match(/^Account created/)
        expect(page.html).not.to.include('192.0.2.77')

        const elsewhere = await signInByCookie(server().url, email)
        expect((await open(server(), elsewhere)).html).to.include('Signed in on <bdi>Ada’s &#60;b&#62;laptop</bdi>')
      })

      it('page by page, without repeating or leaving out, and with the way back', async () => {
        await addEvents(server(), here, 45)
        const recent = await open(server(), here, { query: '?return_to=%2Fhealthz' })
        expect(toldIn(recent)).to.have.lengthOf(10)
        expect(recent.html).to.include('href="history?return_to=%2Fhealthz">All of the history</a>')

        const page = await openHistory(here, '?return_to=%2Fhealthz')
        expect(headingOf(page)).to.equal('History')
        expect(page.html).to.include('href="devices?return_to=%2Fhealthz"').and.not.include('Back to the newest')
        const [, older = ''] = /href="history(\?cursor=[^"]*)">Older/.exec(page.html) ?? []
        const last = await openHistory(here, older.replace('&#38;', '&'))
        expect(last.html)
          .to.include('href="history?return_to=%2Fhealthz">Back to the newest</a>')
          .and.not.include('Older')
        const reasons = [...toldIn(page), ...toldIn(last)].map((told) => /(?<=different_)\d+/.exec(told)?.[0])
        expect(reasons).to.have.lengthOf(48)
        expect(reasons.filter(Boolean)).to.deep.equal(Array.from({ length: 45 }, (_, index) => String(index)))
      })

      it('to nobody else, and to nobody who is not signed in', async () => {
        const other = await aPersonInABrowser(server().url)
        expect(toldIn(await openHistory(other))).to.have.lengthOf(2)
        const away = await openHistory(null)
        expect(away.status).to.equal(303)
        expect(away.headers.get('location')).to.equal('sign-in?return_to=%2Fhistory')
        const hidden = await openHistory(null, '', { 'sec-fetch-site': 'cross-site' })
        expect(hidden.html).to.include('url=history?reloaded=1')
        const wrong = await openHistory(here, '?cursor=garbage')
        expect(wrong.status).to.equal(400)
        expect(headingOf(wrong)).to.equal('This did not arrive whole')
        const { headers } = await openHistory(here)
        expect(headers.get('cache-control')).to.equal('no-store')
        expect(headers.get('content-security-policy')).to.include("default-src 'none'").and.not.include('connect-src')
      })
    })

    describe('of a session that signed in more than ten minutes ago', () => {
      beforeEach(() => moveTimes(server(), here, { authenticated_at: -10 * MINUTE - 1 }))

      it('asks for the password, says what for, does it, and goes on for ten minutes', async () => {
        const tablet = await signIn(server().url, email, { body: { device_name: 'Tablet' } })
        const question = await submit(server(), here, signOut(phone))
        expect(question.status).to.equal(200)
        expect(headingOf(question)).to.equal('Confirm that it is you')
        expect(wordsOf(question)).to.include('To sign out Firefox on Linux, enter your password once more.')
        expect(wordsOf(question)).to.match(
          /You signed in as \S+ a while ago\..* we want to be sure that it is still you\./,
        )
        expect(question.html).to.include(`You signed in as <bdi>${email}</bdi>`)
        expect(question.html).to.include(`name="username" type="text" value="${email}"`)
        expect(await isAlive(server(), phone)).to.be.true

        const confirm = { ...hiddenIn(question), password: PASSWORD }
        expect(confirm).to.include({ action: 'sign_out', id: phone.sessionId })
        const page = await post(server(), here, confirm)
        expect(page.status).to.equal(200)
        expect(statusOf(page)).to.equal('Firefox on Linux is signed out.')
        expect(page.headers.getSetCookie()).to.be.empty
        expect(page.html).not.to.include(PASSWORD)
        expect(await isAlive(server(), phone)).to.be.false
        expect((await eventsOf(server(), here)).map(({ type }) => type)).to.include('session.reauthenticated')

        const renamed = await post(server(), here, {
          action: 'rename',
          id: tablet.sessionId,
          name: 'Old tablet',
          form_token: formTokenIn(page),
        })
        const next = await post(server(), here, { ...signOut(tablet), form_token: formTokenIn(renamed) })
        expect(statusOf(next)).to.equal('Old tablet is signed out.')
        expect(await isAlive(server(), tablet)).to.be.false

        // Loading it once more sends the same form: nothing happens a second time.
        expect(statusOf(await post(server(), here, confirm))).to.equal('Firefox on Linux is signed out.')
        // And a page that is opened anew knows nothing of the confirmation.
        expect(headingOf(await submit(server(), here, { action: 'sign_out_others' }))).to.equal(
          'Confirm that it is you',
        )
      })

      it('asks again when the confirmation is ten minutes old', async () => {
        const tokens = createFormTokens({ ring: createRing(TEST_SECRET) })
        const { now } = (await server().hallpass.sessions.findLive(here.userId, here.sessionId)) ?? { now: new Date(0) }
        const confirmed = (secondsAgo: number) => ({
          action: 'sign_out_others',
          form_token: tokens.make(here.sessionId, new Date(now.getTime() - secondsAgo * 1000)),
        })
        const late = await post(server(), here, confirmed(10 * MINUTE + 2))
        expect(wordsOf(late)).to.include('To sign out all other devices, enter your password once more.')
        expect(await isAlive(server(), phone)).to.be.true
        const inTime = await post(server(), here, confirmed(9 * MINUTE))
        expect(statusOf(inTime)).to.equal('Every other device is signed out.')
      })

      it('says at the field that a password is wrong or missing, and does nothing', async () => {
        const question = await submit(server(), here, { action: 'sign_out_others' })
        const wrong = await post(server(), here, { ...hiddenIn(question), password: 'something else' })
        expect(wrong.status).to.equal(401)
        expect(wordsOf(wrong)).to.include('This is not the password of your account.')
        expect(wrong.html).to.include('aria-describedby="fault"').and.include('Error: Confirm that it is you')
        expect(wrong.html).not.to.include('something else')
        const missing = await post(server(), here, { ...hiddenIn(wrong), password: '' })
        expect(missing.status).to.equal(400)
        expect(wordsOf(missing)).to.include('Enter your password.')
        expect(await isAlive(server(), phone)).to.be.true
        expect((await post(server(), here, { ...hiddenIn(missing), password: PASSWORD })).status).to.equal(200)
        expect(await isAlive(server(), phone)).to.be.false
      })

      it('takes no password for a form that is not its own', async () => {
        const answer = await post(server(), here, { action: 'sign_out_others', password: PASSWORD })
        expect(answer.status).to.equal(403)
        expect(await isAlive(server(), phone)).to.be.true
      })
    })
  })

  onStore('embedded', (server) => {
    it('offers a link by mail where there is no password, which signs in anew and so confirms', async () => {
      const email = await register(server().url)
      const phone = await signIn(server().url, email)
      const here = await signInByCookie(server().url, email)
      await server().hallpass.store.database.query(
        statement('test.void_password', 'update users set password_hash = null where id = $1::uuid'),
        [here.userId],
      )
      await longAgo(server(), here)
      const question = await submit(server(), here, signOut(phone))
      expect(wordsOf(question)).to.include('Your account has no password')
      expect(question.html).to.include('action="magic"')
      expect(hiddenIn(question)).to.deep.equal({ email, return_to: '/devices' })
      await submitForm(`${server().url}/magic`, hiddenIn(question))
      const [mail] = await mailsAbout(email, 'magic_link')
      const [link = ''] = /\/magic\?token=\S+/.exec(mail?.text ?? '') ?? []
      const page = await openPage(server().url + link, headersOf(here))
      const used = await submitForm(`${server().url}/magic`, hiddenIn(page), { ...OUR_FORM, ...headersOf(here) })
      expect(used.headers.get('location')).to.equal('/devices')
      const anew = { ...here, refreshToken: cookieIn(used.headers) ?? '' }
      await goOn(server(), anew, await submit(server(), anew, signOut(phone)))
      expect(await isAlive(server(), phone)).to.be.false
    })

    it('says where to confirm it to people whom an application signs in', async () => {
      const { hallpass } = server()
      const userId = await createUser(server())
      await hallpass.store.database.query(
        statement('test.void_address', 'update users set email = null, email_canonical = null where id = $1::uuid'),
        [userId],
      )
      const phone = { ...(await createSession(server(), userId)), email: '' }
      const here = { ...(await createSession(server(), userId, { transport: 'cookie' })), email: '' }
      await longAgo(server(), here)
      const question = await submit(server(), here, signOut(phone))
      expect(wordsOf(question)).to.include('Sign out and in again where you signed in before.')
      expect(question.html).not.to.include('<form')
    })
  })

  it('refuses more guesses of the password than any other place does, in words', async () => {
    const server = await startServer('embedded', { HALLPASS_RATE_LIMITS: 'on' })
    try {
      const here = await aPersonInABrowser(server.url)
      await longAgo(server, here)
      const question = await submit(server, here, { action: 'sign_out_others' })
      const guess = (password: string) => post(server, here, { ...hiddenIn(question), password })
      let answer = await guess('wrong')
      for (let count = 0; answer.status === 401 && count < 50; count += 1) answer = await guess('wrong')
      expect(answer.status).to.equal(429)
      expect(Number(answer.headers.get('retry-after'))).to.be.above(0)
      expect(wordsOf(answer)).to.match(/You can try it again in .*\./)
      expect((await guess(PASSWORD)).status).to.equal(429)
    } finally {
      await server.stop()
    }
  }).timeout(60_000)

  it('is found where a proxy has put it, and comes back there', async () => {
    const server = await startServer('embedded', { HALLPASS_ISSUER: 'http://localhost/auth' })
    try {
      const answer = await open(server, null)
      expect(answer.headers.get('location')).to.equal('sign-in?return_to=%2Fauth%2Fdevices')
    } finally {
      await server.stop()
    }
  })
})

/** The hidden fields of the only form on a page. */
const hiddenIn = ({ html }: HtmlAnswer): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )

async function withPlace(
  { hallpass }: TestServer,
  { userId, sessionId }: SignedIn,
  place: { city: string; country: string },
): Promise<void> {
  await hallpass.store.database.query(
    statement('test.with_place', 'update sessions set location = $3::jsonb where user_id = $1::uuid and id = $2::uuid'),
    [userId, sessionId, JSON.stringify(place)],
  )
}

/** Events of a type that has no words, `different_0` the newest, each a minute before the next and before all others. */
async function addEvents({ hallpass }: TestServer, { userId, sessionId }: SignedIn, count: number): Promise<void> {
  await hallpass.store.database.query(
    statement(
      'test.add_events',
      `insert into events (user_id, session_id, type, actor, created_at)
       select $1::uuid, $2::uuid, 'session.different_' || number, 'user',
         clock_timestamp() - make_interval(mins => number + 5)
       from generate_series(0, $3::int - 1) as number`,
    ),
    [userId, sessionId, count],
  )
}
