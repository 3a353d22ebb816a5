import { expect } from 'chai'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../src/server/commands.ts'
import { POLICY_RULES, type PolicyRule } from '../../src/server/sessions/policy.ts'
import { seenOf } from '../../src/server/sessions/seen.ts'
import type { Sessions } from '../../src/server/sessions/sessions.ts'
import { describeDevice, deviceEvidence } from '../../src/server/sessions/device.ts'
import { policyList } from '../../src/server/settings/policies.ts'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { answerOf, type RefreshAnswer } from '../support/device.ts'
import { expectOAuthError, expectProblem, expectRefusal } from '../support/expectations.ts'
import { geoipDatabase } from '../support/geoip.ts'
import { allMailsTo, mailsAbout } from '../support/mail.ts'
import { PASSWORD, refresh, refreshByCookie, register, send, signIn, signInByCookie } from '../support/people.ts'
import { DAY, eventsOf, feedOf, HOUR, isAlive, moveTimes, policyEventsOf, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'
import { addressOf, createSession, createUser, sessionsBeside } from '../support/sessions.ts'

const LISBON = '203.0.113.7'
const PORTO = '203.0.112.1'
const OSLO = '198.51.100.7'

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36'
const NEWER = CHROME.replace('130', '131')
const OLDER = CHROME.replace('130', '129')
const ON_LINUX = CHROME.replace('Windows NT 10.0; Win64; x64', 'X11; Linux x86_64')
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0'
const APP = '"Acme"; version="2.3.1"'

interface Where {
  readonly headers: Record<string, string>
  readonly ip: string
}

const HOME: Where = { headers: { 'user-agent': CHROME }, ip: LISBON }
/** What each rule trips by, and no other one but those that are named. */
const CHANGES: Readonly<Record<PolicyRule, { now: Where; from?: unknown; to?: unknown; besides?: PolicyRule }>> = {
  browser: { now: { ...HOME, headers: { 'user-agent': FIREFOX } }, from: 'Chrome', to: 'Firefox' },
  browser_downgrade: { now: { ...HOME, headers: { 'user-agent': OLDER } }, from: 'Chrome 130', to: 'Chrome 129' },
  os: { now: { ...HOME, headers: { 'user-agent': ON_LINUX } }, from: 'Windows', to: 'Linux' },
  country: { now: { ...HOME, ip: OSLO }, from: 'PT', to: 'NO', besides: 'network' },
  network: { now: { ...HOME, ip: PORTO }, from: '203.0.113.0/24', to: '203.0.112.0/24' },
  idle: { now: HOME },
  app_version: { now: { ...HOME, headers: { ...HOME.headers, 'hallpass-client': APP } }, from: '2.4', to: '2.3.1' },
}

const directory = mkdtempSync(join(tmpdir(), 'hallpass-policies-'))
const geoip = join(directory, 'city.mmdb')
writeFileSync(
  geoip,
  geoipDatabase([
    { network: '203.0.113.0/24', city: 'Lisbon', country: 'Portugal', code: 'PT' },
    { network: '203.0.112.0/24', city: 'Porto', country: 'Portugal', code: 'PT' },
    { network: '198.51.100.0/24', city: 'Oslo', country: 'Norway', code: 'NO' },
  ]),
)

const showing = (ip: string, userAgent: string): { headers: Record<string, string> } => ({
  headers: { 'x-forwarded-for': ip, 'user-agent': userAgent },
})

const granted = (answer: RefreshAnswer): string => {
  if (answer.kind !== 'granted') throw new Error(`the refresh was answered ${JSON.stringify(answer)}`)
  return answer.refreshToken
}
const STEP_UP = { kind: 'refused', reason: 'insufficient_user_authentication', terminal: false }

describe('Policies at a refresh', function () {
  this.timeout(60_000)
  after(() => rmSync(directory, { recursive: true }))

  onBothStores(
    (server) => {
      before(() => server().hallpass.clients.save('app', { minAppVersion: '2.4' }))

      /** A session at home, in a service with these policies. */
      async function begin(policies: string) {
        const counted: string[] = []
        const logged: Record<string, unknown>[] = []
        const sessions = sessionsBeside(server(), {
          policies: policyList.parse(policies),
          count: (name) => void (name.startsWith('policy.') && counted.push(name)),
          log: (line) => void (line['event'] === 'policy' && logged.push(line)),
        })
        const userId = await createUser(server())
        const { headers, ip } = HOME
        const session = await createSession(server(), userId, {
          through: sessions,
          clientId: 'app',
          device: describeDevice(deviceEvidence(headers, 'Ada’s laptop')),
          userAgent: CHROME,
          seen: seenOf(headers, ip),
          ip,
        })
        const from = (where: Where, refreshToken: string, key: string | null = null) =>
          refreshFrom(sessions, where, refreshToken, key)
        return { session, sessions, counted, logged, from }
      }

      const only = (rule: PolicyRule, action: string): string =>
        POLICY_RULES.map((each) => `${each}=${each === rule ? action : 'off'}`).join(', ')
      const detailsOf = (rule: PolicyRule, action: string) => ({
        rule,
        action,
        from: CHANGES[rule].from,
        to: CHANGES[rule].to,
      })

      for (const rule of POLICY_RULES) {
        const { now } = CHANGES[rule]
        const change = async (session: { userId: string; sessionId: string }): Promise<void> => {
          if (rule === 'idle') await moveTimes(server(), session, { last_used_at: -15 * DAY })
        }
        const expectTrip = (event: object | undefined, action: string): void => {
          expect(event).to.include(rule === 'idle' ? { rule, action } : detailsOf(rule, action))
        }

        it(`by ${rule}: logs it, once, and lets it pass: no history is made of it`, async () => {
          const { session, counted, logged, from } = await begin(only(rule, 'log'))
          await change(session)
          let token = granted(await from(now, session.refreshToken))
          token = granted(await from(now, token))
          expect(await policyEventsOf(server(), session)).to.be.empty
          expect(counted).to.deep.equal([`policy.${rule}.log`])
          const [line, ...others] = logged
          expectTrip(line, 'log')
          expect(others).to.be.empty
        })

        it(`by ${rule}: lets it pass when it is off`, async () => {
          const { session, counted, from } = await begin(only(rule, 'off'))
          await change(session)
          granted(await from(now, session.refreshToken))
          expect(await policyEventsOf(server(), session)).to.be.empty
          expect(counted).to.be.empty
        })

        it(`by ${rule}: ends the session, and says why`, async () => {
          const { session, counted, from } = await begin(only(rule, 'revoke'))
          await change(session)
          const refused = { kind: 'refused', reason: `policy:${rule}`, terminal: true }
          expect(await from(now, session.refreshToken, 'key')).to.deep.equal(refused)
          expect(await from(HOME, session.refreshToken, 'key'), 'and so does its owner learn').to.deep.equal(refused)
          expect((await rowOf(server(), session)).generation).to.equal(0)
          const events = await eventsOf(server(), session)
          expect(events.find(({ type }) => type === 'session.revoked')).to.include({
            reason: `policy:${rule}`,
            actor: 'system',
          })
          const trips = await policyEventsOf(server(), session)
          expect(trips).to.have.length(1)
          expectTrip(trips[0], 'revoke')
          expect(await feedOf(server(), session)).to.have.length(1)
          expect(counted).to.deep.equal([`policy.${rule}.revoke`])
        })

        it(`by ${rule}: in shadow does nothing, and counts what it would have done`, async () => {
          const { session, counted, logged, from } = await begin(only(rule, 'shadow:revoke'))
          await change(session)
          granted(await from(now, session.refreshToken))
          expect(await policyEventsOf(server(), session)).to.be.empty
          expect(logged[0]).to.include({ rule, action: 'revoke', shadow: true })
          expect(counted).to.deep.equal([`policy.${rule}.shadow.revoke`])
          expect(await isAlive(server(), session)).to.equal(true)
        })

        it(`by ${rule}: wants to know who it is, and lets it pass then`, async () => {
          const { session, sessions, counted, from } = await begin(only(rule, 'step-up'))
          await change(session)
          for (let attempt = 0; attempt < 3; attempt += 1) {
            expect(await from(now, session.refreshToken, 'key')).to.deep.equal(STEP_UP)
          }
          expect(await policyEventsOf(server(), session), 'said once').to.have.length(1)
          expect(counted).to.deep.equal([`policy.${rule}.step-up`])
          expect((await rowOf(server(), session)).generation, 'nothing is used up').to.equal(0)

          await sessions.reauthenticate(session.userId, session.sessionId, 'pwd', now.ip, now.headers)
          const token = granted(await from(now, session.refreshToken, 'key'))
          granted(await from(now, token))
          expect(await policyEventsOf(server(), session)).to.have.length(1)
        })
      }

      it('do nothing about a browser that updated itself, nor about an address next door', async () => {
        const { session, from } = await begin('browser=revoke, browser_downgrade=revoke, os=revoke, network=revoke')
        const later: Where = { headers: { 'user-agent': NEWER }, ip: '203.0.113.200' }
        const token = granted(await from(later, session.refreshToken))
        granted(await from(later, token))
        expect(await policyEventsOf(server(), session)).to.be.empty
        const [shown] = await server().hallpass.sessions.list(session.userId, 'active')
        expect(shown?.device).to.deep.include({ name: 'Ada’s laptop', browser: { name: 'Chrome', version: '131' } })
        expect(shown).to.deep.include({ ip: '203.0.113.200', location: { city: 'Lisbon', country: 'Portugal' } })
      })

      it('cost a device that shows what it showed before nothing: one statement, as ever', async () => {
        const asked: string[] = []
        const { database } = server().hallpass.store
        const sessions = sessionsBeside(server(), {
          database: { ...database, query: (given, values) => (asked.push(given.name), database.query(given, values)) },
        })
        const { session } = await begin('network=log')
        let token = session.refreshToken
        for (const where of [HOME, { ...HOME, ip: PORTO }, { ...HOME, ip: PORTO }]) {
          token = granted(await refreshFrom(sessions, where, token, null))
        }
        const changed = ['refresh.rotate', 'refresh.read', 'refresh.rotate_changed']
        expect(asked).to.deep.equal(['refresh.rotate', ...changed, 'refresh.rotate'])
      })

      it('do the strongest of all that trip, and record each that is in force', async () => {
        const { session, counted, from } = await begin('browser=notify, network=shadow:revoke, country=step-up, os=log')
        const elsewhere: Where = { headers: { 'user-agent': FIREFOX }, ip: OSLO }
        expect(await from(elsewhere, session.refreshToken)).to.deep.equal(STEP_UP)
        expect(counted).to.have.members([
          'policy.browser.notify',
          'policy.network.shadow.revoke',
          'policy.country.step-up',
        ])
        expect(await policyEventsOf(server(), session)).to.have.deep.members([
          detailsOf('browser', 'notify'),
          detailsOf('country', 'step-up'),
        ])
      })

      it('write to the owner: once for a change, a question and an end', async () => {
        for (const [action, words] of [
          ['notify', /Something changed.*another country.*Ada’s laptop.*Oslo, Norway.*198\.51\.100\.7/s],
          ['step-up', /has to confirm first.*Oslo, Norway.*enter your password/s],
          ['revoke', /was signed out.*Oslo, Norway.*sign in again/s],
        ] as const) {
          const { session, from } = await begin(only('country', action))
          for (let attempt = 0; attempt < 3; attempt += 1) await from(CHANGES.country.now, session.refreshToken, 'key')
          expect(await allMailsTo(server(), addressOf(session.userId)), action).to.deep.equal(['device_changed'])
          const [mail] = await mailsAbout(addressOf(session.userId), 'device_changed')
          expect(mail?.text).to.match(words)
          expect(mail?.html.replaceAll(/<[^>]*>/g, '')).to.match(words)
        }
      })

      it('write ten times an hour at most, however often a telephone changes its network', async () => {
        const { session, from } = await begin(only('network', 'notify'))
        let token = session.refreshToken
        for (let each = 0; each < 12; each += 1) {
          token = granted(await from({ ...HOME, ip: each % 2 === 0 ? PORTO : LISBON }, token))
          await server().hallpass.sending.run()
        }
        expect(await mailsAbout(addressOf(session.userId), 'device_changed', 10)).to.have.length(10)
        expect(await policyEventsOf(server(), session)).to.have.length(12)
      })

      describe('each request by itself', () => {
        const AWAY: Where = { ...HOME, ip: PORTO }

        it('so that a thief who is asked disturbs nobody', async () => {
          const { session, from } = await begin(only('network', 'step-up'))
          let token = session.refreshToken
          for (let each = 0; each < 3; each += 1) {
            expect(await from(AWAY, token), 'the thief').to.deep.equal(STEP_UP)
            token = granted(await from(HOME, token, `key ${each}`))
          }
          expect(await isAlive(server(), session)).to.equal(true)
          expect(await policyEventsOf(server(), session), 'one thief is told of once').to.have.length(1)
        })

        it('also a replay from elsewhere, within the grace or with a stolen key', async () => {
          const { session, from } = await begin(only('network', 'step-up'))
          await from(HOME, session.refreshToken, 'key')
          expect(await from(AWAY, session.refreshToken)).to.deep.equal(STEP_UP)
          await moveTimes(server(), session, { rotated_at: -HOUR })
          expect(await from(AWAY, session.refreshToken, 'key')).to.deep.equal(STEP_UP)
          granted(await from(HOME, session.refreshToken, 'key'))
        })

        it('and a replay that may pass extends nothing, but is recorded, once', async () => {
          const { session, counted, from } = await begin(only('network', 'notify'))
          const current = granted(await from(HOME, session.refreshToken))
          const before = await rowOf(server(), session)
          for (let each = 0; each < 3; each += 1)
            expect(granted(await from(AWAY, session.refreshToken))).to.equal(current)
          expect(await rowOf(server(), session)).to.deep.equal(before)
          expect(counted).to.deep.equal(['policy.network.notify'])
          expect(await policyEventsOf(server(), session)).to.have.length(1)
        })

        it('and reuse is reuse, wherever it comes from', async () => {
          for (const action of ['revoke', 'step-up']) {
            const { session, from } = await begin(only('network', action))
            const first = granted(await from(HOME, session.refreshToken))
            await from(HOME, first)
            expect(await from(AWAY, session.refreshToken)).to.deep.include({ reason: 'token_reuse', terminal: true })
          }
        })

        it('so that answers that were lost on a new network are had again', async () => {
          const { session, from } = await begin(only('network', 'notify'))
          const lost = granted(await from(AWAY, session.refreshToken, 'key'))
          await moveTimes(server(), session, { rotated_at: -HOUR })
          expect(granted(await from(AWAY, session.refreshToken, 'key'))).to.equal(lost)
          expect(granted(await from(HOME, session.refreshToken, 'key')), 'on a third one').to.equal(lost)
        })

        it('so that who lost an answer, moved and was asked has it after the proof', async () => {
          const { session, sessions, from } = await begin(only('network', 'step-up'))
          const lost = granted(await from(HOME, session.refreshToken, 'key'))
          expect(await from(AWAY, session.refreshToken, 'key')).to.deep.equal(STEP_UP)
          await sessions.reauthenticate(session.userId, session.sessionId, 'pwd', AWAY.ip, AWAY.headers)
          expect(granted(await from(AWAY, session.refreshToken, 'key'))).to.equal(lost)
        })
      })

      it('have nothing to compare with at the first refresh of a session of before, or of another application', async () => {
        const { body } = await startForSubject()
        const refreshed = await refresh(server().url, body.refresh_token, showing(OSLO, FIREFOX))
        expect(refreshed.status).to.equal(200)
        expectRefusal(
          await refresh(server().url, refreshed.body.refresh_token, showing(OSLO, CHROME)),
          'policy:browser',
        )
      })

      it('look again at an app whose client asks for a newer one meanwhile', async () => {
        const { clients } = server().hallpass
        await clients.save('mobile', { minAppVersion: null })
        const device = { headers: { ...HOME.headers, 'hallpass-client': APP, 'x-forwarded-for': LISBON } }
        const email = await register(server().url)
        const signedIn = await signIn(server().url, email, { ...device, body: { client_id: 'mobile' } })
        const { body } = await refresh(server().url, signedIn.refreshToken, device)
        await clients.save('mobile', { minAppVersion: '2.3.2' })
        expectRefusal(await refresh(server().url, body.refresh_token, device), 'policy:app_version')
      })

      describe('over HTTP', () => {
        const atHome = showing(LISBON, CHROME)
        const elsewhere = showing(OSLO, CHROME)

        it('a device that is asked confirms with the password and its refresh token, and goes on', async () => {
          const device = await signIn(server().url, await register(server().url), atHome)
          const url = `${server().url}/v1/sessions/current/reauthentication`
          const confirm = (password: string) =>
            send(url, { body: { password, refresh_token: device.refreshToken }, ...elsewhere })

          const asked = await refresh(server().url, device.refreshToken, { key: 'key', ...elsewhere })
          expectRefusal(asked, 'insufficient_user_authentication', false)
          expect(asked.body.error_description).to.equal(
            'Confirm that it is you, then try again. The refresh token stays good.',
          )
          expectProblem(await confirm('not the passphrase'), 401, 'invalid_credentials')
          expectRefusal(
            await refresh(server().url, device.refreshToken, { key: 'key', ...elsewhere }),
            'insufficient_user_authentication',
            false,
          )

          const confirmed = await confirm(PASSWORD)
          expect(confirmed.status).to.equal(200)
          expect(
            (await send(`${server().url}/v1/sessions/current`, { token: confirmed.body['access_token'] as string }))
              .body,
          ).to.deep.include({
            ip: OSLO,
            location: { city: 'Oslo', country: 'Norway' },
          })
          expect((await refresh(server().url, device.refreshToken, { key: 'key', ...elsewhere })).status).to.equal(200)
        })

        it('a browser that is asked keeps its cookie, and confirms with it', async () => {
          const browser = await signInByCookie(server().url, await register(server().url), atHome)
          expectRefusal(
            await refreshByCookie(server().url, browser.refreshToken, elsewhere.headers),
            'insufficient_user_authentication',
            false,
          )
          const headers = {
            cookie: `hallpass=${browser.refreshToken}`,
            origin: 'https://app.example',
            ...elsewhere.headers,
          }
          const confirmed = await send(`${server().url}/v1/sessions/current/reauthentication`, {
            body: { password: PASSWORD },
            headers,
          })
          expect(confirmed.status).to.equal(200)
          expect((await refreshByCookie(server().url, browser.refreshToken, elsewhere.headers)).status).to.equal(200)
        })

        it('a database that is away decides nothing, and the device is judged when it is back', async () => {
          const device = await signIn(server().url, await register(server().url), atHome)
          await withDatabaseAway(server(), async () => {
            expectOAuthError(
              await refresh(server().url, device.refreshToken, elsewhere),
              'temporarily_unavailable',
              503,
            )
          })
          expectRefusal(
            await refresh(server().url, device.refreshToken, elsewhere),
            'insufficient_user_authentication',
            false,
          )
          expect((await refresh(server().url, device.refreshToken, atHome)).status).to.equal(200)
        })

        it('a place is known from the sign-in on, also of who was signed in by another application', async () => {
          const device = await signIn(server().url, await register(server().url), atHome)
          const { body } = await send(`${server().url}/v1/sessions/current`, { token: device.accessToken })
          expect(body['location']).to.deep.equal({ city: 'Lisbon', country: 'Portugal' })
          expect((await startForSubject()).session.location).to.deep.equal({ city: 'Lisbon', country: 'Portugal' })
        })
      })

      it('are reported: what each did, and would have done', async () => {
        const lines: string[] = []
        const device = await signIn(server().url, await register(server().url), showing(LISBON, CHROME))
        await refresh(server().url, device.refreshToken, showing(PORTO, ON_LINUX))
        const run = (...argv: string[]) =>
          runCommand(argv, server().hallpass, (text) => void lines.push(text.trimEnd()))
        expect(await run('policies', 'report', '--days', '2')).to.equal(0)
        expect(lines[0]).to.match(/^rule +now +did in 2 days +would have done$/)
        expect(lines.find((line) => line.startsWith('os '))).to.match(/^os +log +log \d+ +-$/)
        expect(lines.find((line) => line.startsWith('network '))).to.match(/^network +shadow:revoke +- +revoke \d+$/)
        expect(lines.find((line) => line.startsWith('browser '))).to.match(/^browser +revoke +revoke \d+ +-$/)
        expect(await run('policies', 'report', '--days', 'many')).to.equal(1)
        expect(lines.at(-1)).to.include('A whole number from 1 to 999.')
      })

      async function startForSubject() {
        const { session, tokens } = await server().hallpass.startForSubject({
          subject: `subject-${Math.random()}`,
          amr: ['pwd'],
          device: { userAgent: CHROME, ip: LISBON },
        })
        return { session, body: { refresh_token: tokens.refreshToken } }
      }
    },
    {
      HALLPASS_GEOIP_DB: geoip,
      HALLPASS_TRUSTED_PROXIES: '127.0.0.1',
      HALLPASS_POLICIES: 'browser=revoke, country=step-up, network=shadow:revoke, app_version=revoke',
    },
  )
})

const refreshFrom = (sessions: Sessions, { headers, ip }: Where, refreshToken: string, key: string | null) =>
  answerOf(sessions.refresh({ refreshToken, transport: 'body', clientId: null, idempotencyKey: key, ip, headers }))
