import { expect } from 'chai'
import { Unavailable } from '../../src/server/errors.ts'
import type { Actor } from '../../src/server/sessions/actor.ts'
import { POLICY_RULES } from '../../src/server/sessions/policy.ts'
import { makeKey, makeServiceKey } from '../support/api-keys.ts'
import { connectTo, type SecondConnection } from '../support/held.ts'
import { openPage, OUR_FORM, policyOf, submitForm, wordsOf as htmlWordsOf, type HtmlAnswer } from '../support/pages.ts'
import {
  claimsOf,
  ORIGIN,
  PASSWORD,
  refresh,
  register,
  rotate,
  send,
  signIn,
  signInByCookie,
  type SignedIn,
} from '../support/people.ts'
import { changesOf, DAY, eventsOf, feedOf, HOUR, isAlive, MINUTE, moveTimes, rowOf } from '../support/rows.ts'
import { onStore, TEST_ISSUER } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'

const PAGES = ['', '/user', '/session', '/sessions', '/keys', '/figures', '/webhooks']
const SYSTEM: Actor = { kind: 'system', sessionId: null, ip: null }
const NOBODY = '01890a5d-ac96-774b-bcce-b302099a8057'

/** As a person reads it. */
const wordsOf = (answer: HtmlAnswer): string =>
  htmlWordsOf(answer).replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
const headingOf = ({ html }: HtmlAnswer): string => /<h1>(.*?)<\/h1>/.exec(html)?.[1] ?? ''
const formTokenIn = ({ html }: HtmlAnswer): string =>
  /(?:name="form_token"|id="form-token") value="([^"]*)"/.exec(html)?.[1] ?? ''
const noticeOf = ({ html }: HtmlAnswer): string =>
  (/role="status"[^>]*>(.*?)<\/p>/s.exec(html)?.[1] ?? '').replace(/<[^>]*>/g, '').trim()
const faultOf = ({ html }: HtmlAnswer): string =>
  (/id="fault"[^>]*>(.*?)<\/p>/s.exec(html)?.[1] ?? '')
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .trim()
/** The hidden fields of the page's last form, which is the one of a question. */
const fieldsIn = ({ html }: HtmlAnswer): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
    ]),
  )

describe('The pages for operators', function () {
  this.timeout(30_000)

  onStore('postgresql', (server) => {
    let admin: SignedIn
    let person: SignedIn

    before(async () => {
      admin = await anAdmin()
    })
    beforeEach(async () => {
      person = await signIn(server().url, await register(server().url))
    })

    async function anAdmin(): Promise<SignedIn> {
      const signedIn = await signInByCookie(server().url, await register(server().url))
      await server().hallpass.accounts.amend(signedIn.userId, { role: 'admin' }, SYSTEM)
      return signedIn
    }

    const cookieOf = ({ refreshToken }: Pick<SignedIn, 'refreshToken'>) => ({ cookie: `hallpass=${refreshToken}` })

    const open = (
      path: string,
      who: SignedIn | null = admin,
      headers: Record<string, string> = {},
    ): Promise<HtmlAnswer> =>
      openPage(`${server().url}/admin${path}`, { ...(who === null ? {} : cookieOf(who)), ...headers })

    const post = (
      path: string,
      fields: Record<string, string>,
      who: SignedIn = admin,
      headers: Record<string, string> = OUR_FORM,
    ): Promise<HtmlAnswer> => submitForm(`${server().url}/admin${path}`, fields, { ...cookieOf(who), ...headers })

    /** A form of a page as the administrator sees it now. */
    async function submit(path: string, fields: Record<string, string>, who: SignedIn = admin): Promise<HtmlAnswer> {
      const formToken = formTokenIn(await open('', who))
      return post(path, { form_token: formToken, ...fields }, who)
    }

    /** The same, and the question that follows answered by its button. */
    async function insist(path: string, fields: Record<string, string>): Promise<HtmlAnswer> {
      const question = await submit(path, fields)
      expect(question.html).to.include('name="sure" value="yes"')
      return post(path, fieldsIn(question))
    }

    const openUser = (userId: string): Promise<HtmlAnswer> => open(`/user?id=${userId}`)

    describe('let in', () => {
      it('nobody who lacks the role, as if there were no such pages', async () => {
        const stranger = await signInByCookie(server().url, await register(server().url))
        const nowhere = await openPage(`${server().url}/nowhere`, cookieOf(stranger))
        for (const page of PAGES) {
          const answers = [
            await open(page, stranger),
            await post(page, { form_token: 'x', action: 'rotate' }, stranger),
          ]
          for (const { status, html, headers } of answers) {
            expect(status).to.equal(404)
            expect(html).to.equal(nowhere.html)
            expect([...headers.keys()]).to.deep.equal([...nowhere.headers.keys()])
          }
        }
      })

      it('nobody who is not signed in: they sign in, and come back', async () => {
        const answer = await open('', null)
        expect(answer.status).to.equal(303)
        expect(answer.headers.get('location')).to.equal('sign-in?return_to=%2Fadmin')
        const deeper = await open(`/user?id=${NOBODY}`, null)
        expect(deeper.headers.get('location')).to.equal(
          `../sign-in?return_to=${encodeURIComponent(`/admin/user?id=${NOBODY}`)}`,
        )
        const reload = await open('/keys', null, { 'sec-fetch-site': 'cross-site' })
        expect(reload.html).to.include('url=../admin/keys?reloaded=1')
      })

      it('an administrator who signed in lately, and is asked for the password later, for reading too', async () => {
        expect((await open('')).status).to.equal(200)
        const late = await anAdmin()
        await moveTimes(server(), late, { authenticated_at: -HOUR })

        for (const page of PAGES) {
          const question = await open(page, late)
          expect(headingOf(question), page).to.equal('Confirm that it is you')
        }
        const question = await open(`/user?id=${person.userId}`, late)
        expect(question.html).to.not.include(person.email)
        const wrong = await post('/user', { ...fieldsIn(question), password: 'not this one' }, late)
        expect(wrong.status).to.equal(401)
        expect(wordsOf(wrong)).to.include('This is not the password of your account.')
        const none = await post('/user', fieldsIn(question), late)
        expect(none.status).to.equal(400)

        const shown = await post('/user', { ...fieldsIn(question), password: PASSWORD }, late)
        expect(shown.status).to.equal(200)
        expect(headingOf(shown)).to.equal(person.email)
        // The page carries it on, from form to form; no address and no cookie does.
        expect(shown.html).to.not.match(/<a href/)
        expect(shown.headers.getSetCookie()).to.be.empty
        const next = await post('/keys', { form_token: formTokenIn(shown) }, late)
        expect(headingOf(next)).to.equal('Keys')
        expect(headingOf(await open('/keys', late))).to.equal('Confirm that it is you')
      })

      it('what was asked for is done once the password was given', async () => {
        const late = await anAdmin()
        const formToken = formTokenIn(await open('', late))
        await moveTimes(server(), late, { authenticated_at: -11 * MINUTE })
        const fields = { form_token: formToken, action: 'claims', id: person.userId, claims: '{"plan":\r\n"gold"}' }
        const question = await post('/user', fields, late)
        expect(headingOf(question)).to.equal('Confirm that it is you')
        const done = await post('/user', { ...fieldsIn(question), password: PASSWORD }, late)
        expect(noticeOf(done)).to.equal('The claims are saved.')
        expect((await server().hallpass.directory.show(person.userId))?.claims).to.deep.equal({ plan: 'gold' })
      })

      it('an administrator without a password by a link that leads back, or by the application they come from', async () => {
        const userId = await createUser(server())
        const byMail = { ...admin, ...(await createSession(server(), userId, { transport: 'cookie' })) }
        const wanted = { subject: 'operator', amr: ['pwd'], transport: 'cookie' } as const
        const { session, tokens } = await server().hallpass.startForSubject(wanted)
        const elsewhere = { ...admin, userId: session.userId, sessionId: session.id, refreshToken: tokens.refreshToken }
        for (const who of [byMail, elsewhere]) {
          await server().hallpass.accounts.amend(who.userId, { role: 'admin' }, SYSTEM)
          await moveTimes(server(), who, { authenticated_at: -HOUR })
        }
        const question = await open('/keys', byMail)
        expect(question.html).to.include('action="../magic"').and.include('name="return_to" value="/admin/keys"')
        expect(wordsOf(await open('', elsewhere))).to.include('Sign out and in again where you signed in before')
      })

      it('no form without its token, nor with that of another sign-in', async () => {
        const other = formTokenIn(await open('', await anAdmin()))
        for (const fields of [{}, { form_token: other }, { form_token: '0.AAAAAAAAAAAAAAAAAAAAAA' }]) {
          const answer = await post('/user', { ...fields, id: person.userId, action: 'promote', sure: 'yes' } as Record<
            string,
            string
          >)
          expect(answer.status).to.equal(403)
          expect(headingOf(answer)).to.equal('Nothing was done')
        }
        expect(await server().hallpass.users.roleOf(person.userId)).to.equal('user')
      })

      it('no page of another origin, not even of one that is allowed elsewhere', async () => {
        const formToken = formTokenIn(await open(''))
        const fields = { form_token: formToken, id: person.userId, action: 'promote', sure: 'yes' }
        for (const headers of [
          { origin: ORIGIN, 'sec-fetch-site': 'same-site' },
          { origin: ORIGIN },
          { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
          { origin: 'null' },
          {},
        ] as Record<string, string>[]) {
          const answer = await post('/user', fields, admin, headers)
          expect(answer.status).to.equal(403)
          if (headers['origin'] !== undefined) expect((await open('', admin, headers)).status).to.equal(403)
        }
        expect(await server().hallpass.users.roleOf(person.userId)).to.equal('user')
        expect((await post('/user', fields, admin, { origin: TEST_ISSUER })).status).to.equal(200)
        expect(await server().hallpass.users.roleOf(person.userId)).to.equal('admin')
      })

      it('nobody who was demoted, disabled or signed out while the page is open', async () => {
        const changes = [
          (who: SignedIn) => server().hallpass.accounts.amend(who.userId, { role: 'user' }, SYSTEM),
          (who: SignedIn) => server().hallpass.accounts.disable(who.userId, SYSTEM),
          (who: SignedIn) => server().hallpass.sessions.revoke(who.userId, who.sessionId, 'revoked_by_admin', SYSTEM),
        ]
        const statuses: number[] = []
        for (const change of changes) {
          const who = await anAdmin()
          const formToken = formTokenIn(await open('', who))
          await change(who)
          const answer = await post(
            '/user',
            { form_token: formToken, id: person.userId, action: 'disable', sure: 'yes' },
            who,
          )
          statuses.push(answer.status)
        }
        expect(statuses).to.deep.equal([404, 303, 303])
        expect((await server().hallpass.directory.show(person.userId))?.disabledAt).to.equal(null)
      })

      it('with a policy that lets the page load nothing and be framed by nobody', async () => {
        const page = await open('/keys')
        expect(policyOf(page, 'default-src')).to.equal("'none'")
        expect(policyOf(page, 'script-src')).to.equal(undefined)
        expect(policyOf(page, 'frame-ancestors')).to.equal("'none'")
        expect(page.headers.get('cache-control')).to.equal('no-store')
        expect(policyOf(await open('/figures'), 'connect-src')).to.equal("'self'")
      })
    })

    describe('for users', () => {
      it('shows the newest, and finds one by address, id or subject', async () => {
        const page = await open('')
        expect(headingOf(page)).to.equal('Users')
        expect(wordsOf(page)).to.include(person.email)
        await server().hallpass.startForSubject({ subject: 'customer-4711', amr: ['pwd'], transport: 'body' })

        const found = await submit('', { who: person.email.toUpperCase() })
        expect(wordsOf(found)).to.include(person.email)
        expect(wordsOf(await submit('', { who: person.userId }))).to.include(person.email)
        expect(wordsOf(await submit('', { who: 'customer-4711' }))).to.include('customer-4711')
        const none = await submit('', { who: 'nobody@example.com' })
        expect(none.status).to.equal(200)
        expect(wordsOf(none)).to.include('There is nobody like that.')
        const hostile = await submit('', { who: '"><script>alert(1)</script>' })
        expect(hostile.html).to.not.include('<script>')
      })

      it('goes on to the next page of them', async () => {
        for (let count = 0; count < 26; count += 1) await createUser(server())
        const first = await open('')
        const href = /href="(admin\?cursor=[^"]*)"/.exec(first.html)?.[1] ?? ''
        const next = await openPage(`${server().url}/${href}`, cookieOf(admin))
        expect(next.status).to.equal(200)
        expect(wordsOf(next)).to.include(person.email)
        expect((await open('?cursor=none')).status).to.equal(400)
      })

      it('shows one with sessions of every status, keys and history, and no secret', async () => {
        const { id: keyId, key } = await makeKey(server().url, person.accessToken, { name: 'Nightly <job>' })
        const gone = await signIn(server().url, person.email)
        await server().hallpass.sessions.revoke(person.userId, gone.sessionId, 'token_reuse', SYSTEM)
        const idle = await signIn(server().url, person.email)
        await moveTimes(server(), idle, { idle_expires_at: -HOUR })

        const page = await openUser(person.userId)
        expect(headingOf(page)).to.equal(person.email)
        const words = wordsOf(page)
        expect(words).to.include(person.userId)
        expect(words).to.include('Live').and.include('Ended token_reuse').and.include('Expired expired_idle')
        expect(words)
          .to.include('Nightly <job>')
          .and.include(`…${key.slice(-4)}`)
        expect(words).to.include('session.created').and.include('api_key.created')
        expect(page.html).to.include(keyId)
        expect(page.html)
          .to.not.include(key)
          .and.not.match(/hprt_|hpak_|hpem_|\$argon2|eyJ/)
      })

      it('pages through the history', async () => {
        for (let count = 0; count < 12; count += 1) {
          await server().hallpass.accounts.disable(person.userId, SYSTEM)
          await server().hallpass.accounts.enable(person.userId, SYSTEM)
        }
        const page = await openUser(person.userId)
        expect(wordsOf(page)).to.not.include('user.created')
        const href = /href="\.\.\/(admin\/user\?[^"]*cursor=[^"]*)"/.exec(page.html)?.[1] ?? ''
        const older = await openPage(`${server().url}/${href.replaceAll('&#38;', '&')}`, cookieOf(admin))
        expect(wordsOf(older)).to.include('user.created')
        expect((await open(`/user?id=${person.userId}&cursor=none`)).status).to.equal(400)
      })

      it('knows nobody of another id', async () => {
        for (const id of [NOBODY, 'none', '']) {
          expect((await openUser(id)).status).to.equal(404)
          for (const action of ['disable', 'promote', 'claims', 'end_all']) {
            const answer = await submit('/user', { id, action, claims: '{}', sure: 'yes' })
            expect(answer.status, action).to.equal(404)
          }
        }
        expect((await submit('/user', { id: person.userId, action: 'toString' })).status).to.equal(400)
      })

      it('disables after a question, and enables, with the administrator in the history', async () => {
        const question = await submit('/user', { id: person.userId, action: 'disable' })
        expect(headingOf(question)).to.equal('Disable this account?')
        expect(await isAlive(server(), person)).to.equal(true)
        const done = await post('/user', fieldsIn(question))
        expect(noticeOf(done)).to.include('is disabled')
        expect(await isAlive(server(), person)).to.equal(false)
        expect(wordsOf(done)).to.include('Disabled since')
        expect(noticeOf(await submit('/user', { id: person.userId, action: 'enable' }))).to.include('is enabled')

        const changes = (await changesOf(server(), person.userId)).slice(-2)
        expect(changes.map(({ type }) => type)).to.deep.equal(['user.disabled', 'user.enabled'])
        for (const change of changes) {
          expect(change).to.deep.include({ actor: 'admin', actor_id: admin.userId, ip: '127.0.0.1' })
        }
        const [revoked] = (await eventsOf(server(), person)).slice(-1)
        expect(revoked).to.deep.include({
          type: 'session.revoked',
          actor_id: admin.userId,
          actor_session_id: admin.sessionId,
        })
        const told = await send<{ events: { actor: string; by: unknown; ip: unknown }[] }>(
          `${server().url}/v1/events`,
          {
            token: (await signIn(server().url, person.email)).accessToken,
          },
        )
        expect(JSON.stringify(told.body)).to.not.include(admin.userId).and.not.include(admin.sessionId)
      })

      it('gives the role and takes it away, never from oneself', async () => {
        expect(noticeOf(await insist('/user', { id: person.userId, action: 'promote' }))).to.include(
          'is an administrator now',
        )
        expect(await server().hallpass.users.roleOf(person.userId)).to.equal('admin')
        await submit('/user', { id: person.userId, action: 'demote' })
        expect(await server().hallpass.users.roleOf(person.userId)).to.equal('user')

        for (const action of ['demote', 'disable']) {
          for (const id of [admin.userId, admin.userId.toUpperCase()]) {
            const refused = await submit('/user', { id, action, sure: 'yes' })
            expect(refused.status).to.equal(400)
            expect(faultOf(refused)).to.include('You cannot take your own role away')
          }
        }
        expect(await server().hallpass.users.roleOf(admin.userId)).to.equal('admin')
      })

      it('changes claims, which older tokens are outdated by', async () => {
        const page = await submit('/user', { id: person.userId, action: 'claims', claims: '{"roles": ["buyer"]}' })
        expect(noticeOf(page)).to.equal('The claims are saved.')
        expect(wordsOf(page)).to.include('"roles"')
        expect((await feedOf(server(), person)).map(({ kind }) => kind)).to.deep.equal(['stale'])
        expect(claimsOf((await refresh(server().url, person.refreshToken)).body.access_token)['roles']).to.deep.equal([
          'buyer',
        ])
      })

      it('says what is wrong with claims, and keeps what was entered', async () => {
        for (const [claims, fault] of [
          ['{"roles": [', 'This is no JSON: '],
          ['["buyer"]', 'claims: Enter an object'],
          ['null', 'claims: Enter an object'],
          ['{"sub": "root"}', 'claims/sub: This name means something'],
          [`{"x": "${'y'.repeat(1100)}"}`, 'claims: It is larger than 1 kB.'],
          ['', 'This is no JSON: '],
        ] as const) {
          const refused = await submit('/user', { id: person.userId, action: 'claims', claims })
          expect(refused.status).to.equal(400)
          expect(faultOf(refused)).to.include(fault)
          if (claims !== '') expect(wordsOf(refused)).to.include(claims)
        }
        expect((await server().hallpass.directory.show(person.userId))?.claims).to.deep.equal({})
      })

      it('ends every session of somebody, and revokes a key', async () => {
        const { id: key } = await makeKey(server().url, person.accessToken, { name: 'Nightly' })
        const phone = await signIn(server().url, person.email)
        expect(noticeOf(await insist('/user', { id: person.userId, action: 'end_all' }))).to.equal('Ended: 2.')
        expect([await isAlive(server(), person), await isAlive(server(), phone)]).to.deep.equal([false, false])

        const question = await submit('/user', { id: person.userId, action: 'revoke_key', key })
        expect(wordsOf(question)).to.include('What uses Nightly gets in no more')
        expect(noticeOf(await post('/user', fieldsIn(question)))).to.equal('The key is revoked.')
        expect(await server().hallpass.apiKeys.list(person.userId)).to.be.empty
        expect(faultOf(await submit('/user', { id: person.userId, action: 'revoke_key', key }))).to.include(
          'no such key',
        )
        const { accessToken } = await signIn(server().url, await register(server().url))
        const others = await makeKey(server().url, accessToken, { name: 'Others' })
        const refused = await submit('/user', { id: person.userId, action: 'revoke_key', key: others.id, sure: 'yes' })
        expect(faultOf(refused)).to.include('no such key')
      })
    })

    describe('for one session', () => {
      const act = (action: string, fields: Record<string, string> = {}): Promise<HtmlAnswer> =>
        submit('/session', { user: person.userId, id: person.sessionId, action, ...fields })

      it('shows all that is known of it', async () => {
        const page = await open(`/session?user=${person.userId}&id=${person.sessionId}`)
        expect(page.status).to.equal(200)
        expect(wordsOf(page)).to.include(person.sessionId).and.include('127.0.0.1').and.include('Absolute end')
        for (const query of [
          `user=${person.userId}&id=${NOBODY}`,
          `user=${NOBODY}&id=${person.sessionId}`,
          'user=1&id=2',
          '',
        ]) {
          expect((await open(`/session?${query}`)).status).to.equal(404)
        }
        expect((await submit('/session', { user: person.userId, id: NOBODY, action: 'end' })).status).to.equal(404)
        expect((await submit('/session', { user: person.userId, id: NOBODY, action: 'pin' })).status).to.equal(404)
      })

      it('ends it, expires it, and brings it back', async () => {
        expect(noticeOf(await act('end'))).to.equal('The session has ended.')
        expect((await rowOf(server(), person)).revoked_reason).to.equal('revoked_by_admin')
        expect(faultOf(await act('pin'))).to.include('This session has ended.')
        expect(noticeOf(await act('revive'))).to.equal('The session lives again.')
        expect(noticeOf(await act('expire'))).to.include('is over')
        expect((await refresh(server().url, person.refreshToken)).body.reason).to.equal('expired_idle')

        await moveTimes(server(), person, { absolute_expires_at: -HOUR })
        expect(faultOf(await act('revive'))).to.include('Say until when')
        expect(faultOf(await act('revive', { until: '2001-01-01T00:00' }))).to.include('Say until when')
        const until = new Date(Date.now() + 2 * DAY * 1000).toISOString().slice(0, 16)
        expect(noticeOf(await act('revive', { until }))).to.equal('The session lives again.')
        expect((await refresh(server().url, person.refreshToken)).status).to.equal(200)

        const events = (await eventsOf(server(), person)).slice(1)
        const types = ['revoked', 'revived', 'expired', 'revived'].map((what) => `session.${what}`)
        expect(events.map(({ type }) => type)).to.deep.equal(types)
        for (const event of events) {
          expect(event).to.deep.include({ actor: 'admin', actor_id: admin.userId, actor_session_id: admin.sessionId })
        }
      })

      it('pins it and moves its end', async () => {
        expect(wordsOf(await act('pin'))).to.include('Pinned')
        expect(noticeOf(await act('unpin'))).to.include('expires by idleness again')
        expect(noticeOf(await act('extend', { until: '2099-05-06T07:08' }))).to.equal('The absolute end is moved.')
        expect((await rowOf(server(), person)).absolute_expires_at.toISOString()).to.equal('2099-05-06T07:08:00.000Z')
        for (const until of ['', 'tomorrow', '2099-13-06T07:08']) {
          expect(faultOf(await act('extend', { until }))).to.equal('Enter a date and a time of day.')
        }
      })
    })

    describe('for many sessions', () => {
      it('counts first, says the number, and ends them when that is confirmed', async () => {
        const app = { 'hallpass-client': `app="Tinder box"; version="2.2"` }
        const devices = [
          await signIn(server().url, person.email, { headers: app }),
          await signIn(server().url, person.email, { headers: app }),
        ]
        expect(headingOf(await open('/sessions'))).to.equal('Many sessions')

        const predicate = { action: 'revoke', method: 'pwd', ip: '127.0.0.0/8', created_before: '2099-01-01T00:00' }
        const count = await server().hallpass.sessions.count({ method: 'pwd', ip: '127.0.0.0/8' }, 'active')
        const question = await submit('/sessions', predicate)
        expect(headingOf(question)).to.equal(`End ${count} sessions?`)
        expect(await isAlive(server(), devices[0] ?? person)).to.equal(true)
        expect(fieldsIn(question)).to.deep.include({
          method: 'pwd',
          ip: '127.0.0.0/8',
          created_before: '2099-01-01T00:00',
        })
        // Everybody's, the administrator's own among them: who comes back has to sign in.
        const done = await post('/sessions', fieldsIn(question))
        expect(noticeOf(done)).to.equal(`Ended: ${count}.`)
        expect(await isAlive(server(), devices[1] ?? person)).to.equal(false)
        expect((await open('')).status).to.equal(303)
        admin = await anAdmin()
      })

      it('says what is wrong, and what is missing', async () => {
        for (const [fields, fault] of [
          [{}, 'Say which sessions.'],
          [{ ip: 'here' }, 'ip: Enter an address or a block'],
          [{ app_version_below: 'new' }, 'app_version_below: Enter a version'],
          [{ created_before: 'yesterday' }, 'Enter a date'],
          [{ sure: 'yes' }, 'Say which sessions.'],
          [{ ip: 'here', sure: 'yes' }, 'ip: Enter an address or a block'],
          [{ created_before: 'yesterday', sure: 'yes' }, 'Say which sessions.'],
        ] as const) {
          const refused = await submit('/sessions', { action: 'revoke', ...fields })
          expect(refused.status).to.equal(400)
          expect(faultOf(refused)).to.include(fault)
        }
        expect(noticeOf(await submit('/sessions', { action: 'revoke', country: 'AQ' }))).to.include(
          'no live session like that',
        )
      })
    })

    describe('for keys', () => {
      it('shows signing keys, and makes one after a question, once', async () => {
        const before = server().hallpass.keys.list()
        const page = await open('/keys')
        expect(wordsOf(page))
          .to.include(before[0]?.kid ?? '')
          .and.include('active')
        const question = await submit('/keys', { action: 'rotate', newest: before.at(-1)?.kid ?? '' })
        expect(headingOf(question)).to.equal('Make a new signing key?')
        expect(server().hallpass.keys.list()).to.have.lengthOf(before.length)

        expect(noticeOf(await post('/keys', fieldsIn(question)))).to.match(/ is made\. It signs from /)
        const again = await post('/keys', fieldsIn(question))
        expect(faultOf(again)).to.include('There is a newer key already')
        expect(
          server()
            .hallpass.keys.list()
            .map(({ state }) => state),
        ).to.deep.equal([...before.map(({ state }) => state), 'next'])
        expect(again.html).to.not.include('"d"').and.not.include('PRIVATE')
      })

      it('shows keys of the service, and revokes one', async () => {
        const { id, key } = await makeServiceKey(server(), 'introspect')
        const page = await open('/keys')
        expect(wordsOf(page))
          .to.include('introspect')
          .and.include(`…${key.slice(-4)}`)
        expect(page.html).to.not.include(key)
        expect(noticeOf(await insist('/keys', { action: 'revoke_key', key: id }))).to.equal('The key is revoked.')
        expect(await server().hallpass.apiKeys.list(null)).to.not.include.deep.members([{ id }])
        expect(faultOf(await submit('/keys', { action: 'revoke_key', key: id }))).to.include('no such key')
        // Only those of the service: a person's are on their page.
        const { id: theirs } = await makeKey(server().url, person.accessToken, { name: 'Mine' })
        expect(faultOf(await submit('/keys', { action: 'revoke_key', key: theirs, sure: 'yes' }))).to.include(
          'no such key',
        )
      })
    })

    describe('for figures and webhooks', () => {
      it('shows what happened, of all processes together', async () => {
        const [first] = await rotate(server().url, person, 3)
        await refresh(server().url, first)
        server().hallpass.counters.count(`policy.${POLICY_RULES[0]}.shadow.revoke`)
        const page = await open('/figures')
        const row = (label: string): string =>
          (new RegExp(`<td>${label}[^<]*</td>(.*?)</tr>`, 's').exec(page.html)?.[1] ?? '')
            .replace(/<[^>]*>/g, ' ')
            .trim()
        for (const label of ['Sign-ins', 'Refreshes', 'Reuse: an old token']) {
          expect(row(label), label).to.match(/[1-9]\d*$/)
        }
        expect(wordsOf(page)).to.include('would have been done')
        // As the page's own script asks.
        const fresh = await post('/figures', { form_token: formTokenIn(page) })
        expect(fresh.html).to.include('id="figures"')
      })

      it('shows webhooks with their state, without what their URL may hold', async () => {
        expect(wordsOf(await open('/webhooks'))).to.include('There are none.')
        const { secret } = await server().hallpass.webhooks.create({
          url: 'https://hooks.example/in?key=k3y',
          description: 'Billing',
          eventTypes: ['user.deleted'],
        })
        const page = await open('/webhooks')
        expect(wordsOf(page)).to.include('Billing').and.include('https://hooks.example/in?…').and.include('enabled')
        expect(page.html).to.not.include('k3y').and.not.include(secret)
      })
    })

    describe('while others administer', () => {
      let second: SecondConnection
      before(async () => {
        second = await connectTo(server().databaseUrl)
      })
      after(() => second.end())

      const actorOf = ({ userId: id, sessionId }: SignedIn): Actor => ({ kind: 'admin', id, sessionId, ip: null })

      /** What was changed of an administrator by somebody whom a change of theirs has to wait for. */
      async function meanwhile(
        change: string,
        values: (who: SignedIn) => unknown[],
      ): Promise<PromiseSettledResult<unknown>> {
        const who = await anAdmin()
        await second.query('begin')
        await second.query('select 1 from users where id = $1 for no key update', [person.userId])
        const changing = server().hallpass.accounts.amend(person.userId, { role: 'admin' }, actorOf(who))
        const settled = Promise.allSettled([changing])
        expect(await second.isWaitedForBy(changing)).to.equal(true)
        await second.query(change, values(who))
        await second.query('commit')
        const [outcome] = await settled
        return outcome as PromiseSettledResult<unknown>
      }

      it('changes nothing for whoever was signed out meanwhile', async () => {
        const outcome = await meanwhile(
          `update sessions set revoked_at = now(), revoked_reason = 'revoked_by_user' where user_id = $1 and id = $2`,
          ({ userId, sessionId }) => [userId, sessionId],
        )
        expect(outcome.status).to.equal('rejected')
        expect((outcome as PromiseRejectedResult).reason).to.be.instanceOf(Unavailable)
        expect(await server().hallpass.users.roleOf(person.userId)).to.equal('user')
      })

      it('lets one of two who demote each other succeed', async () => {
        for (let round = 0; round < 5; round += 1) {
          const [one, other] = [await anAdmin(), await anAdmin()]
          const outcomes = await Promise.allSettled([
            server().hallpass.accounts.amend(other.userId, { role: 'user' }, actorOf(one)),
            server().hallpass.accounts.amend(one.userId, { role: 'user' }, actorOf(other)),
          ])
          expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.lengthOf(1)
          const roles = await Promise.all([one, other].map(({ userId }) => server().hallpass.users.roleOf(userId)))
          expect(roles).to.have.members(['admin', 'user'])
        }
      })

      it('refuses what a former administrator does to accounts and sessions', async () => {
        const former = await anAdmin()
        await server().hallpass.accounts.amend(former.userId, { role: 'user' }, SYSTEM)
        const { accounts, sessions } = server().hallpass
        const actor = actorOf(former)
        for (const attempt of [
          () => accounts.amend(person.userId, { claims: { a: 1 } }, actor),
          () => accounts.disable(person.userId, actor),
          () => accounts.delete(person.userId, actor),
          () => sessions.update(person.userId, person.sessionId, { pinned: true }, actor),
          () => sessions.revokeAll(person.userId, null, 'revoked_by_admin', actor),
        ]) {
          const [outcome] = await Promise.allSettled([attempt()])
          expect(outcome?.status).to.equal('rejected')
        }
        expect(await isAlive(server(), person)).to.equal(true)
        // On the command line and with a key of the service nobody is signed in.
        expect(
          await accounts.amend(
            person.userId,
            { claims: { a: 1 } },
            { kind: 'admin', id: NOBODY, sessionId: null, ip: null },
          ),
        ).to.equal(true)
      })
    })
  })
})
