import { expect } from 'chai'
import { paths } from '../../src/protocol/paths.ts'
import type { RevocationReason } from '../../src/protocol/errors.ts'
import { statement } from '../../src/server/database/database.ts'
import { OPERATOR, type Actor } from '../../src/server/sessions/actor.ts'
import {
  aConfirmedPerson,
  askedToken,
  changeAddress,
  changePassword,
  NEW_PASSWORD,
  use,
} from '../support/email-flows.ts'
import { expectRefusal } from '../support/expectations.ts'
import { expectToGoOnTo, openPage, wordsOf } from '../support/pages.ts'
import {
  anAddress,
  aSignedInPerson,
  callSessions,
  PASSWORD,
  refresh,
  refreshByCookie,
  rotate,
  send,
  signIn,
  signInByCookie,
  type RefreshBody,
  type SignedIn,
} from '../support/people.ts'
import { HOUR, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores, type TestServer } from '../support/server.ts'
import { bearer, followSession, inCookie } from '../support/session-events.ts'
import { forge } from '../support/tokens.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
/** As `on` writes it, in the time of the whole world. */
const WHEN = 'on \\d{1,2} [A-Z][a-z]+ at \\d\\d:\\d\\d UTC'
const AT_TWO = new Date('2026-11-28T14:02:31.500Z')
const SYSTEM: Actor = { kind: 'system', sessionId: null, ip: null }

/** Whoever ends it, and from wherever: where that is, is nobody's business. */
const inFirefox = (url: string, email: string, name: string | null = null): Promise<SignedIn> =>
  signIn(url, email, { body: { device_name: name }, headers: { 'user-agent': FIREFOX } })

describe('Whoever was signed out is told', () => {
  onBothStores((server) => {
    let device: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
    })

    const told = async (session = device): Promise<RefreshBody> => {
      const answer = await refresh(server().url, session.refreshToken)
      expectRefusal(answer, answer.body.reason ?? '')
      return answer.body
    }
    const end = (reason: RevocationReason, actor: Actor): Promise<boolean> =>
      server().hallpass.sessions.revoke(device.userId, device.sessionId, reason, actor)

    const endFrom = async ({ accessToken }: SignedIn): Promise<void> => {
      const { status } = await callSessions(server().url, 'DELETE', `/${device.sessionId}`, accessToken)
      expect(status).to.equal(204)
    }

    describe('where it was their own doing', () => {
      it('what happened, when, and from which device: in words, and for programs', async () => {
        const laptop = await inFirefox(server().url, device.email)
        await endFrom(laptop)
        await setEnd(server(), device, AT_TWO)
        expect(await told()).to.deep.equal({
          error: 'invalid_grant',
          error_description:
            'You signed this device out from Firefox on Linux, on 28 November at 14:02 UTC. Sign in again.',
          reason: 'revoked_by_user',
          terminal: true,
          ended_at: '2026-11-28T14:02:31.500Z',
          ended_by: { session_id: laptop.sessionId, device: 'Firefox on Linux' },
        })
      })

      it('by the name that its owner gave to that device', async () => {
        await endFrom(await inFirefox(server().url, device.email, "Ada's laptop"))
        const { error_description: words, ended_by: by } = await told()
        expect(words).to.match(
          new RegExp(`^You signed this device out from Ada's laptop, ${WHEN}\\. Sign in again\\.$`),
        )
        expect(by?.device).to.equal("Ada's laptop")
      })

      it('by what we call it, where the name is of letters that RFC 6749 has no room for', async () => {
        for (const name of ['Büro', '"quoted"', 'C:\\laptop', '\u05de\u05d7\u05e9\u05d1']) {
          const [phone, laptop] = [
            await signIn(server().url, device.email),
            await inFirefox(server().url, device.email, name),
          ]
          await callSessions(server().url, 'DELETE', `/${phone.sessionId}`, laptop.accessToken)
          const { error_description: words, ended_by: by } = await told(phone)
          expect(words).to.match(new RegExp(`^You signed this device out from Firefox on Linux, ${WHEN}\\.`))
          expect(by?.device).to.equal(name)
        }
      })

      it('and without any name, where no such letters are to be had', async () => {
        const laptop = await inFirefox(server().url, device.email, 'Büro')
        await callItself(server(), laptop, 'Füchslein unter Linux')
        await endFrom(laptop)
        expect((await told()).error_description).to.match(
          new RegExp(`^You signed this device out from another one, ${WHEN}\\. Sign in again\\.$`),
        )
      })

      it('that the password was changed, and from where', async () => {
        await changePassword(
          server().url,
          (await inFirefox(server().url, device.email)).accessToken,
          PASSWORD,
          NEW_PASSWORD,
        )
        const { error_description: words, reason } = await told()
        expect(reason).to.equal('password_changed')
        expect(words).to.match(
          new RegExp(
            `^The password of this account was changed from Firefox on Linux, ${WHEN}\\. Sign in with the new one`,
          ),
        )
      })

      it('that the address was changed, and from where', async () => {
        const { email } = await aConfirmedPerson(server().url)
        const [phone, laptop] = [await signIn(server().url, email), await inFirefox(server().url, email)]
        await changeAddress(server().url, laptop, anAddress())
        const { error_description: words, ended_by: by } = await told(phone)
        expect(words).to.match(/^The address of this account was changed from Firefox on Linux, on /)
        expect(by?.session_id).to.equal(laptop.sessionId)
      })

      it('that the account was deleted, and from where', async () => {
        const { accessToken } = await inFirefox(server().url, device.email)
        await send(`${server().url}${paths.me}`, { method: 'DELETE', token: accessToken })
        expect((await told()).error_description).to.match(
          new RegExp(`^This account was deleted from Firefox on Linux, ${WHEN}\\.$`),
        )
      })

      it('that it was done here, where it was', async () => {
        await callSessions(server().url, 'DELETE', '', device.accessToken)
        const { error_description: words, ended_by: by } = await told()
        expect(words).to.match(new RegExp(`^You signed this device out here, ${WHEN}\\. Sign in again\\.$`))
        expect(by?.session_id).to.equal(device.sessionId)

        const other = await aSignedInPerson(server().url)
        await callSessions(server().url, 'DELETE', '/current', other.accessToken)
        expect((await told(other)).error_description).to.match(
          new RegExp(`^You signed out on this device ${WHEN}\\. Sign in again\\.$`),
        )
      })

      it('of its last end, where the session came back in between', async () => {
        await endFrom(await inFirefox(server().url, device.email, 'first'))
        await setEnd(server(), device, null)
        const second = await inFirefox(server().url, device.email, 'second')
        await endFrom(second)
        expect((await told()).ended_by).to.deep.equal({ session_id: second.sessionId, device: 'second' })
      })

      it('whichever of its tokens is presented, and each session of its own end', async () => {
        const tokens = await rotate(server().url, device, 3)
        const other = await signIn(server().url, device.email)
        const [first, second] = [
          await inFirefox(server().url, device.email, 'first'),
          await signIn(server().url, device.email),
        ]
        await endFrom(first)
        await callSessions(server().url, 'DELETE', `/${other.sessionId}`, second.accessToken)
        for (const token of tokens) {
          expect((await refresh(server().url, token)).body.ended_by?.session_id).to.equal(first.sessionId)
        }
        expect((await told(other)).ended_by?.session_id).to.equal(second.sessionId)
      })
    })

    describe('in plain words', () => {
      const expectPlain = ({ error_description: words, ended_at: at, ended_by: by }: RefreshBody): void => {
        expect(words).to.match(new RegExp(`^You signed this device out from another one, ${WHEN}\\. Sign in again\\.$`))
        expect(at).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        expect(by).to.equal(null)
      }

      it('where the history is gone', async () => {
        await endFrom(await inFirefox(server().url, device.email))
        await server().hallpass.store.database.query(forgetHistory, [device.userId])
        expectPlain(await told())
      })

      it('where the other device is gone', async () => {
        const laptop = await inFirefox(server().url, device.email)
        await endFrom(laptop)
        await server().hallpass.store.database.query(forgetSession, [device.userId, laptop.sessionId])
        expectPlain(await told())
      })

      it('where the history says so of another time', async () => {
        await endFrom(await inFirefox(server().url, device.email))
        await server().hallpass.store.database.query(moveHistory, [device.userId, '2 minutes'])
        expectPlain(await told())
        await server().hallpass.store.database.query(moveHistory, [device.userId, '-4 minutes'])
        expectPlain(await told())
      })

      it('where nobody who is signed in did it', async () => {
        await end('revoked_by_user', { kind: 'user', sessionId: null, ip: null })
        expectPlain(await told())
      })

      it('where it was an administrator, in whose name ever', async () => {
        const laptop = await inFirefox(server().url, device.email)
        await end('revoked_by_user', { kind: 'admin', sessionId: laptop.sessionId, ip: '192.0.2.7' })
        expectPlain(await told())
      })
    })

    describe('when it was, and nothing of who it was', () => {
      const STORIES = {
        revoked_by_admin: () => end('revoked_by_admin', OPERATOR),
        account_disabled: () => server().hallpass.accounts.disable(device.userId, OPERATOR),
        password_reset: async () => {
          const token = await askedToken(server().url, 'reset', device.email)
          await use(server().url, 'reset', { token, password: NEW_PASSWORD })
        },
        session_limit: () => end('session_limit', SYSTEM),
      } satisfies Partial<Record<RevocationReason, () => Promise<unknown>>>

      for (const [reason, story] of Object.entries(STORIES)) {
        it(reason, async () => {
          await story()
          const body = await told()
          expect(body).to.include({ reason, ended_by: null })
          expect(body.error_description).to.match(new RegExp(`${WHEN}\\.`))
          expect(Math.abs(Date.now() - Date.parse(body.ended_at ?? ''))).to.be.below(HOUR * 1000)
        })
      }

      it('replaced', async () => {
        const browser = await signInByCookie(server().url, device.email)
        await signInByCookie(server().url, device.email, { headers: inCookie(browser) })
        const { body } = await refreshByCookie(server().url, browser.refreshToken)
        expect(body).to.include({ reason: 'replaced', ended_by: null })
        expect(body.error_description).to.match(new RegExp(`^You signed in again in this browser ${WHEN}, `))
      })
    })

    describe('the reason alone, where the device that was ended may be a thief’s', () => {
      it('token_reuse', async () => {
        const tokens = await rotate(server().url, device, 3)
        for (const token of [tokens[0] ?? '', tokens[2] ?? '']) {
          const { body } = await refresh(server().url, token)
          expect(body).to.have.all.keys('error', 'error_description', 'reason', 'terminal')
          expect(body.error_description)
            .to.match(/can mean that it was copied/)
            .and.not.match(/UTC|from/)
        }
      })

      it('not_me, from whichever device it was reported', async () => {
        const laptop = await inFirefox(server().url, device.email)
        await end('not_me', { kind: 'user', sessionId: laptop.sessionId, ip: '192.0.2.7' })
        expect(await told()).to.have.all.keys('error', 'error_description', 'reason', 'terminal')
      })

      const RULES = {
        browser: 'in another browser than before',
        os: 'under another operating system than before',
        browser_downgrade: 'in an older version of its browser than before',
        country: 'in another country than before',
        network: 'in another network than before',
        idle: 'away for longer than this service allows',
        app_version: 'Update the app',
        something_new: 'by a rule of this service',
      }
      for (const [rule, words] of Object.entries(RULES)) {
        it(`policy:${rule}`, async () => {
          await end(`policy:${rule}`, SYSTEM)
          const body = await told()
          expect(body.error_description)
            .to.include(words)
            .and.match(/sign in again\.$/i)
          expect(body.reason).to.equal(`policy:${rule}`)
        })
      }
    })

    it('nothing of where anybody is, nor whose account it is', async () => {
      await end('revoked_by_user', {
        kind: 'user',
        sessionId: (await inFirefox(server().url, device.email)).sessionId,
        ip: '192.0.2.7',
      })
      const answer = JSON.stringify(await told())
      for (const secret of ['192.0.2.7', '127.0.0.1', device.email, device.userId])
        expect(answer).not.to.include(secret)
    })

    it('nothing at all, with a token that was forged with our key', async () => {
      await endFrom(await inFirefox(server().url, device.email))
      expectRefusal(await refresh(server().url, forge(device)), 'malformed')
    })

    it('by the service’s own word that it has ended, and by the refusal that follows who did it', async () => {
      const laptop = await inFirefox(server().url, device.email)
      const follower = await followSession(server().url, bearer(device))
      await endFrom(laptop)
      await follower.until(() => follower.events.some(({ event }) => event === 'ended'))
      follower.close()
      expect((await told()).ended_by?.session_id).to.equal(laptop.sessionId)
    })

    describe('at the page that signs in', () => {
      let browser: SignedIn
      beforeEach(async () => {
        browser = await signInByCookie(server().url, device.email)
      })
      const page = ({ refreshToken } = browser, query = '') =>
        openPage(`${server().url}/sign-in${query}`, inCookie({ refreshToken }))
      const endBrowser = (reason: RevocationReason, actor: Actor): Promise<boolean> =>
        server().hallpass.sessions.revoke(browser.userId, browser.sessionId, reason, actor)
      const TITLE = 'You were signed out'

      it('in the same words, above the form, and without touching the cookie', async () => {
        const laptop = await inFirefox(server().url, device.email)
        await callSessions(server().url, 'DELETE', `/${browser.sessionId}`, laptop.accessToken)
        const { body } = await refreshByCookie(server().url, browser.refreshToken)
        const answer = await page()
        expect(answer.status).to.equal(200)
        expect(answer.headers.getSetCookie()).to.be.empty
        expect(wordsOf(answer).replace(/[\u2068\u2069]/g, '')).to.include(`${TITLE} ${body.error_description} `)
        expect(answer.html.indexOf(TITLE)).to.be.below(answer.html.indexOf('<form'))
        expect(answer.html).to.include('<div class="ended" id="ended" role="status">')
        expect(answer.html).to.match(/<input[^>]*id="email"[^>]*aria-describedby="ended"/)
        expect((await refreshByCookie(server().url, browser.refreshToken)).body).to.deep.equal(body)
      })

      it('by any name that the other device has, and whatever it is made of, as words and no more', async () => {
        for (const name of ['<b>Büro & Co</b>', '\u05de\u05d7\u05e9\u05d1 "\u05e9\u05dc\u05d9"']) {
          const [tab, laptop] = [
            await signInByCookie(server().url, device.email),
            await inFirefox(server().url, device.email, name),
          ]
          await callSessions(server().url, 'DELETE', `/${tab.sessionId}`, laptop.accessToken)
          const { html } = await page(tab)
          const shown = name.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
          expect(html).to.include(`out from \u2068${shown}\u2069, on `)
          expect(html).not.to.include('<b>')
        }
      })

      it('where somebody wanted to see the devices', async () => {
        await endBrowser('password_changed', SYSTEM)
        const devices = await openPage(`${server().url}/devices`, inCookie(browser))
        expectToGoOnTo(devices, 'sign-in?return_to=%2Fdevices')
        expect(wordsOf(await page(browser, '?return_to=%2Fdevices'))).to.include(
          'The password of this account was changed',
        )
      })

      it('why it may have been a thief, and nothing more', async () => {
        await endBrowser('token_reuse', SYSTEM)
        expect(wordsOf(await page()))
          .to.include(TITLE)
          .and.include('it was copied')
          .and.not.include('UTC')
      })

      it('that its time was over, whichever end was reached', async () => {
        await moveTimes(server(), browser, { idle_expires_at: -1 })
        expect(wordsOf(await page())).to.include('You were away for too long.')
        await moveTimes(server(), browser, { idle_expires_at: HOUR, absolute_expires_at: -1 })
        expect(wordsOf(await page())).to.include('This sign-in has reached its longest life.')
      })

      it('with any token of the session, however old', async () => {
        for (let count = 0; count < 3; count += 1) await refreshByCookie(server().url, browser.refreshToken)
        await moveGeneration(server(), browser, 7)
        await endBrowser('revoked_by_admin', OPERATOR)
        expect(wordsOf(await page())).to.include('An administrator signed this device out')
      })

      it('not, where somebody signed out at this very device', async () => {
        await endBrowser('signed_out', { kind: 'user', sessionId: browser.sessionId, ip: null })
        expect(wordsOf(await page())).not.to.include(TITLE)
        const other = await signInByCookie(server().url, device.email)
        await callSessions(server().url, 'DELETE', '', other.accessToken)
        expect(wordsOf(await page(other))).not.to.include(TITLE)
      })

      it('not, where nobody was signed in, or the cookie is no session’s', async () => {
        await endBrowser('revoked_by_admin', OPERATOR)
        await end('revoked_by_admin', OPERATOR)
        const [head = ''] = browser.refreshToken.split('.')
        const forged = forge(browser)
        for (const refreshToken of ['', 'x', `${head.slice(0, -1)}!`, forged, device.refreshToken]) {
          expect(wordsOf(await page({ ...browser, refreshToken })), refreshToken).not.to.include(TITLE)
        }
        const { refreshToken } = browser
        const twice = { cookie: `hallpass=${refreshToken}; hallpass=${refreshToken}` }
        expect(wordsOf(await openPage(`${server().url}/sign-in`, twice))).not.to.include(TITLE)
        expect(wordsOf(await openPage(`${server().url}/sign-in`))).not.to.include(TITLE)
      })

      it('not, where the session lives', async () => {
        const answer = await page(browser, '?again')
        expect(wordsOf(answer)).to.include('You are signed in.').and.not.include(TITLE)
        expect(answer.html).not.to.include('id="ended"')
      })

      it('not, when the history of it is over: the row is gone', async () => {
        await endBrowser('revoked_by_admin', OPERATOR)
        await server().hallpass.store.database.query(forgetSession, [browser.userId, browser.sessionId])
        expect(wordsOf(await page())).not.to.include(TITLE)
      })

      it('until a sign-in takes the place of the cookie, which ends nothing more', async () => {
        await endBrowser('revoked_by_admin', OPERATOR)
        const again = await signInByCookie(server().url, device.email, { headers: inCookie(browser) })
        expectToGoOnTo(await page(again), 'devices')
        expect((await rowOf(server(), browser)).revoked_reason).to.equal('revoked_by_admin')
      })
    })
  })
})

/** The session's end, and what the history has of it, at another time; null where it never was. */
async function setEnd({ hallpass }: TestServer, { userId, sessionId }: SignedIn, at: Date | null): Promise<void> {
  const reason = at === null ? 'null' : 'revoked_reason'
  const move = statement(
    `test.set_end_${at === null ? 'away' : 'to'}`,
    `update sessions set revoked_at = $3::timestamptz, revoked_reason = ${reason}
     where user_id = $1::uuid and id = $2::uuid`,
  )
  const moveEvents = statement(
    'test.set_end_in_history',
    `update events set created_at = $3::timestamptz + interval '3 milliseconds'
     where user_id = $1::uuid and session_id = $2::uuid and type = 'session.revoked'`,
  )
  await hallpass.store.database.query(move, [userId, sessionId, at])
  if (at !== null) await hallpass.store.database.query(moveEvents, [userId, sessionId, at])
}

/** What we would call a device of letters that are yet to come. */
const callItself = ({ hallpass }: TestServer, { userId, sessionId }: SignedIn, label: string): Promise<unknown> =>
  hallpass.store.database.query(
    statement('test.label', 'update sessions set device_label = $3::text where user_id = $1::uuid and id = $2::uuid'),
    [userId, sessionId, label],
  )

const moveGeneration = (
  { hallpass }: TestServer,
  { userId, sessionId }: SignedIn,
  generation: number,
): Promise<unknown> =>
  hallpass.store.database.query(
    statement(
      'test.generation',
      'update sessions set generation = $3::bigint where user_id = $1::uuid and id = $2::uuid',
    ),
    [userId, sessionId, generation],
  )

const forgetHistory = statement('test.forget_history', 'delete from events where user_id = $1::uuid')
const moveHistory = statement(
  'test.move_history',
  'update events set created_at = created_at + $2::text::interval where user_id = $1::uuid',
)
const forgetSession = statement(
  'test.forget_session',
  'delete from sessions where user_id = $1::uuid and id = $2::uuid',
)
