import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runCommand } from '../../src/server/commands.ts'
import { statement } from '../../src/server/database/database.ts'
import { hashKeptToken } from '../../src/server/tokens/imported-token.ts'
import {
  aFormerSystem,
  anEctoToken,
  aPhoenixToken,
  digestOf,
  ECTO_SESSIONS,
  PHOENIX_1_7,
  PHOENIX_1_8,
  type FormerSystem,
} from '../support/former-system.ts'
import {
  claimsOf,
  cookieIn,
  generationOf,
  ORIGIN,
  refresh,
  refreshByCookie,
  register,
  send,
  sendForm,
  type Answer,
  type RefreshBody,
} from '../support/people.ts'
import { accountsOf, DAY, eventsOf, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores, onStore, type TestServer } from '../support/server.ts'

/** Apache's htpasswd and Python's hashlib made these of it. */
const PASSWORD = 'correct horse battery'
const BCRYPT = '$2y$04$gbBEqkbSB49dFgXwuqC0uepJc0DsVm6jys2u4DCR7AmE0cEEGF.6i'
const PBKDF2 =
  '$pbkdf2-sha512$1000$AAECAwQFBgcICQoLDA0ODw$ToxFUi5y3fprZRW/V6CupR2uIDYfuy5rlsF9Z4E648lE68lw5lzmucru/HdPvmBJDSLroVh1Q2xCvjqd8NI/6Q'
const SALT = 'a pepper of theirs, with a comma'

describe('Moving in', function () {
  this.timeout(30_000)
  let directory: string
  before(() => (directory = mkdtempSync(join(tmpdir(), 'hallpass-import-'))))
  after(() => rmSync(directory, { recursive: true }))

  const file = (name: string, text: string | Uint8Array): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }

  onBothStores(
    (server) => {
      /** As an operator; the service runs on meanwhile. */
      async function hallpass(...argv: string[]): Promise<{ code: number; output: string }> {
        let output = ''
        const code = await runCommand(argv, server().hallpass, (text) => (output += text))
        return { code, output }
      }

      async function expectDone(...argv: string[]): Promise<string> {
        const { code, output } = await hallpass(...argv)
        expect(code, output).to.equal(0)
        return output
      }

      describe('from phx.gen.auth', () => {
        const token = aPhoenixToken()
        const others = {
          revoked: aPhoenixToken(),
          late: aPhoenixToken(),
          twice: aPhoenixToken(),
          stale: aPhoenixToken(),
          hers: aPhoenixToken(),
        }
        const PHX = ['import', 'phx']
        let phoenix: FormerSystem
        before(async () => {
          phoenix = await aFormerSystem(...PHOENIX_1_8)
          await phoenix.sql.query(
            `insert into users (id, email, hashed_password, confirmed_at, inserted_at, updated_at) values
               (1, 'Ada@example.com', $1, '2026-01-02 03:04:05', '2026-01-01 00:00:00', now()),
               (2, 'grace@example.com', $2, null, '2026-01-01', now()),
               (3, 'taken@example.com', $1, '2026-01-01', '2026-01-01', now()),
               (4, 'magic@example.com', null, '2026-01-01', '2026-01-01', now()),
               (5, 'odd@example.com', '$9$unheard of', null, '2026-01-01', now())`,
            [BCRYPT, PBKDF2],
          )
          const insert = `insert into users_tokens (user_id, token, context, authenticated_at, inserted_at)
            values ($1, $2, $3, now() at time zone 'utc' - interval '3 days', now() at time zone 'utc' - $4::interval)`
          for (const each of [token, others.revoked, others.late, others.twice])
            await phoenix.sql.query(insert, [1, each, 'session', '1 day'])
          await phoenix.sql.query(insert, [1, others.stale, 'session', '15 days'])
          await phoenix.sql.query(insert, [3, others.hers, 'session', '1 day'])
          await phoenix.sql.query(insert, [1, aPhoenixToken(), 'login', '1 minute'])
          await register(server().url, 'taken@example.com')
        })
        after(() => phoenix.remove())

        const phx = (...options: string[]) =>
          expectDone(...PHX, '--from', phoenix.url, '--id-claim', 'legacy_id', ...options)

        it('says what would happen, and does nothing', async () => {
          expect(await phx('--dry-run')).to.equal(
            'user 5: password_hash is of no scheme that is known, or costs more than can be borne\n' +
              'user 3: another account has this address already; it is left alone, and nobody’s sessions go to it\n' +
              'token 6: there is no account for it, or one that may not sign in\n' +
              'users     3 new, 0 already here, 1 in conflict\n' +
              'sessions  4 new, 0 already here, 1 expired, 1 without an account\n' +
              'faulty    1\n' +
              'nothing was written\n',
          )
          expect(await accountsOf(server(), 'ada@example.com')).to.deep.equal([])
        })

        it('writes nothing at all where it is to be strict and something is faulty', async () => {
          const { code, output } = await hallpass(...PHX, '--from', phoenix.url, '--strict')
          expect(output).to.match(/^user 5: .*nothing was written, since --strict was given and not all is right\n$/s)
          expect(code).to.equal(1)
          expect(await accountsOf(server(), 'ada@example.com')).to.deep.equal([])
        })

        it('brings accounts and sessions, and nothing the second time', async () => {
          expect(await phx())
            .to.include('users     3 new')
            .and.to.include('sessions  4 new')
          const before = await contentOf(server())
          const again = await phx()
          expect(again).to.include('users     0 new, 3 already here, 1 in conflict')
          expect(again).to.include('sessions  0 new, 4 already here, 1 expired, 1 without an account')
          expect(await contentOf(server())).to.equal(before)
        })

        it('lets people sign in with the password of before, and hashes it anew', async () => {
          for (const email of ['ada@example.com', 'grace@example.com']) {
            expect(await hashOf(server(), email)).to.match(/^\$(2y|pbkdf2)/)
            const wrong = await send(`${server().url}/v1/sessions`, {
              body: { email, password: 'wrong horse battery' },
            })
            expect(wrong.status).to.equal(401)
            const { status } = await send(`${server().url}/v1/sessions`, { body: { email, password: PASSWORD } })
            expect(status).to.equal(201)
            expect(await hashOf(server(), email)).to.match(/^\$argon2id\$/)
            expect(
              (await send(`${server().url}/v1/sessions`, { body: { email, password: PASSWORD } })).status,
            ).to.equal(201)
          }
        })

        it('keeps who was confirmed, and since when there was an account', async () => {
          const session = await send<{ access_token: string }>(`${server().url}/v1/sessions`, {
            body: { email: 'ada@example.com', password: PASSWORD },
          })
          const me = await send(`${server().url}/v1/users/me`, { token: session.body.access_token })
          expect(me.body).to.include({
            email: 'Ada@example.com',
            email_verified: true,
            created_at: '2026-01-01T00:00:00.000Z',
          })
        })

        it('takes no account over: the one that was here keeps its password, and nobody’s device gets in', async () => {
          const body = { email: 'taken@example.com', password: PASSWORD }
          expect((await send(`${server().url}/v1/sessions`, { body })).status).to.equal(401)
          expectRefused(await moveIn(server(), others.hers), 'unknown_session')
        })

        it('lets a device go on with the token of before, once more where the answer was lost', async () => {
          const first = await moveIn(server(), token)
          expect(first.status, JSON.stringify(first.body)).to.equal(200)
          expect(first.headers.get('cache-control')).to.equal('no-store')
          expect(first.body).to.have.all.keys(
            'access_token',
            'token_type',
            'expires_in',
            'refresh_token',
            'refresh_expires_in',
            'issued_token_type',
            'session_id',
          )
          expect(first.body).to.include({ refresh_expires_in: 30 * DAY })
          const claims = claimsOf(first.body.access_token)
          expect(claims).to.deep.include({ legacy_id: '1', sid: first.body.session_id, amr: ['imported'] })
          expect(Date.now() / 1000 - Number(claims['auth_time'])).to.be.closeTo(3 * DAY, 60)

          const again = await moveIn(server(), `${token.toString('base64url')}=`)
          expect(again.body.refresh_token).to.equal(first.body.refresh_token)
          const refreshed = await refresh(server().url, first.body.refresh_token)
          expect(refreshed.status).to.equal(200)
          expect(generationOf(refreshed.body.refresh_token)).to.equal(1)
        })

        it('answers many at once alike', async () => {
          const answers = await Promise.all(Array.from({ length: 8 }, () => moveIn(server(), others.twice)))
          expect(answers.map(({ status }) => status)).to.deep.equal(Array(8).fill(200))
          expect(new Set(answers.map(({ body }) => body.refresh_token)).size).to.equal(1)
          expect((await refresh(server().url, answers[0]?.body.refresh_token ?? '')).status).to.equal(200)
        })

        it('answers the old token as the one before the first refresh: a moment longer, and then as a stolen one', async () => {
          const { body } = await moveIn(server(), others.late)
          const session = { userId: String(claimsOf(body.access_token)['sub']), sessionId: body.session_id }
          const refreshed = await refresh(server().url, body.refresh_token)
          const replayed = await moveIn(server(), others.late)
          expect(replayed.body.refresh_token).to.equal(refreshed.body.refresh_token)

          await moveTimes(server(), session, { rotated_at: -31 })
          expectRefused(await moveIn(server(), others.late), 'token_reuse')
          expect(await rowOf(server(), session)).to.have.property('revoked_reason', 'token_reuse')
          expect((await refresh(server().url, refreshed.body.refresh_token)).body).to.include({ reason: 'token_reuse' })
          expectRefused(await moveIn(server(), others.late), 'token_reuse')
          const history = await eventsOf(server(), session)
          expect(history.map(({ type, subtype }) => `${type} ${subtype}`)).to.deep.equal([
            'session.created imported',
            'session.revoked imported_token',
          ])
        })

        it('lets no device in whose session was revoked, before or after it came, even after another import', async () => {
          const [row] = await server().hallpass.store.database.query(findSession, [
            hashKeptToken({ form: 'token', bytes: others.revoked }),
          ])
          await expectDone('sessions', 'revoke', row?.user_id ?? '', row?.session_id ?? '')
          expectRefused(await moveIn(server(), others.revoked), 'revoked_by_admin')
          await phx()
          expectRefused(await moveIn(server(), others.revoked), 'revoked_by_admin')
        })

        it('knows nobody by a token that was expired there, or was for another purpose', async () => {
          expectRefused(await moveIn(server(), others.stale), 'unknown_session')
          for (const garbage of ['x', 'x'.repeat(600), aPhoenixToken()]) {
            expectRefused(await moveIn(server(), garbage), 'unknown_session')
          }
        })

        it('has the password of a connection string in no word', async () => {
          const url = new URL(phoenix.url)
          url.password = 'hunter2-hunter2'
          const { code, output } = await hallpass(...PHX, '--from', url.href)
          expect(code).to.equal(1)
          expect(output).to.equal('the database at --from cannot be read: 28P01\n')
          const table = await hallpass(...PHX, '--from', phoenix.url, '--users-table', 'people')
          expect(table.output).to.equal('the database at --from cannot be read: relation "people" does not exist\n')
        })
      })

      describe('from phx.gen.auth of Phoenix 1.7, with UUIDs and names of its own', () => {
        const [id, token] = [randomUUID(), aPhoenixToken()]
        let phoenix: FormerSystem
        before(async () => {
          phoenix = await aFormerSystem(...PHOENIX_1_7)
          await phoenix.sql.query(`insert into members values ($1, 'lin@example.com', $2, now(), now(), now())`, [
            id,
            BCRYPT,
          ])
          await phoenix.sql.query(
            `insert into members_tokens values (gen_random_uuid(), $1, $2, 'session', null, now() - interval '13 days')`,
            [id, token],
          )
        })
        after(() => phoenix.remove())

        it('keeps the ids: `sub` is what it was; and browsers get their token as a cookie', async () => {
          const names = [
            '--users-table',
            'public.members',
            '--tokens-table',
            'members_tokens',
            '--user-column',
            'member_id',
          ]
          const output = await expectDone('import', 'phx', '--from', phoenix.url, ...names, '--transport', 'cookie')
          expect(output).to.include('users     1 new').and.to.include('sessions  1 new')

          expect((await moveIn(server(), token)).body).to.include({ error: 'origin_not_allowed' })
          const answer = await moveIn(server(), token, { origin: ORIGIN })
          expect(answer.body).not.to.have.property('refresh_token')
          expect(claimsOf(answer.body.access_token)).to.include({ sub: id })
          const cookie = cookieIn(answer.headers) ?? ''

          // A tab that still has the old page comes with the old token, long after.
          const refreshed = cookieIn((await refreshByCookie(server().url, cookie)).headers) ?? ''
          await moveTimes(server(), { userId: id, sessionId: answer.body.session_id }, { rotated_at: -DAY })
          const held = await moveIn(server(), token, { origin: ORIGIN, cookie: `hallpass=${refreshed}` })
          expect(held.status).to.equal(400)
          expect(held.body).to.include({ error: 'invalid_request', terminal: false })
          expect((await refreshByCookie(server().url, refreshed)).status).to.equal(200)
        })
      })

      describe('from ecto_sessions', () => {
        const [plain, salted, raw, over] = [anEctoToken(), anEctoToken(), anEctoToken(), anEctoToken()]
        let ecto: FormerSystem
        before(async () => {
          ecto = await aFormerSystem(...ECTO_SESSIONS)
          const insert = `insert into sessions (id, auth_token_digest, data, expires_at, user_id, role, inserted_at, updated_at)
            values (gen_random_uuid(), $1, $2, now() at time zone 'utc' + $3::interval, $4, 'editor', now(), now())`
          await ecto.sql.query(insert, [digestOf(plain, 'sha256'), { device_name: 'Desk' }, '1 day', 'shop|7'])
          await ecto.sql.query(insert, [digestOf(salted, 'sha3-512', SALT), {}, '1 day', 'shop|7'])
          await ecto.sql.query(insert, [raw, {}, null, 'shop|8'])
          await ecto.sql.query(insert, [digestOf(over, 'sha256'), {}, '-1 second', 'shop|8'])
        })
        after(() => ecto.remove())

        it('brings sessions with their data and fields, and makes an account for each id', async () => {
          await server().hallpass.clients.save('shop', { scope: 'orders:read', dataClaims: ['role'] })
          const ours = ['import', 'ecto-sessions', '--from', ecto.url, '--client-id', 'shop']
          expect(await expectDone(...ours)).to.equal(
            'users     2 new, 0 already here, 0 in conflict\n' +
              'sessions  3 new, 0 already here, 1 expired, 0 without an account\n' +
              'faulty    0\n',
          )
          expect(await expectDone(...ours))
            .to.include('users     0 new, 2 already here')
            .and.to.include('sessions  0 new')

          const answer = await moveIn(server(), plain)
          expect(claimsOf(answer.body.access_token)).to.include({
            role: 'editor',
            client_id: 'shop',
            scope: 'orders:read',
          })
          const { body } = await send(`${server().url}/v1/sessions/current`, { token: answer.body.access_token })
          expect(body).to.deep.include({ data: { device_name: 'Desk', role: 'editor' }, transport: 'body' })
        })

        it('knows tokens by every algorithm, salted, and kept as they are', async () => {
          for (const token of [salted, raw]) expect((await moveIn(server(), token)).status).to.equal(200)
          expectRefused(await moveIn(server(), over), 'unknown_session')
          expectRefused(await moveIn(server(), digestOf(plain, 'sha256')), 'unknown_session')
        })

        it('is refused to a client that it is not of', async () => {
          expectRefused(await moveIn(server(), salted, {}, { client_id: 'demo' }), 'wrong_client')
        })

        it('asks for a client that is registered', async () => {
          const { code, output } = await hallpass(
            'import',
            'ecto-sessions',
            '--from',
            ecto.url,
            '--client-id',
            'nobody',
          )
          expect(output).to.match(/not registered/)
          expect(code).to.equal(1)
        })
      })

      describe('from a file', () => {
        it('takes people and their sessions from CSV, and says which lines it does not', async () => {
          const people = file(
            'people.csv',
            'email,password_hash,email_verified,created_at,claims,subject,disabled\r\n' +
              `eve@example.com,${BCRYPT},true,2025-05-05T05:05:05Z,"{""plan"":""team""}",,\r\n` +
              'not an address,,,,,,\r\n' +
              `"multi\nline@example.com",,,,,,\r\n` +
              'too,many,columns,,,,,,,,\r\n' +
              'bob@example.com,,false,yesterday,,,\r\n' +
              'mal@example.com,$5$secret,,,,,\r\n' +
              'sly@example.com,,,,"{""sub"":""root""}",,\r\n' +
              'off@example.com,,2025-05-05T05:05:05Z,,,crm|1,true\r\n' +
              ',,,,,,\r\n',
          )
          const output = await expectDone('import', 'csv', people)
          expect(output.split('\n').slice(0, -4)).to.have.members([
            'line 3: email is not an address that can receive mail',
            'line 5: email is not an address that can receive mail',
            'line 6: it has not the columns of the header, or is no CSV',
            'line 7: created_at is missing or wrong',
            'line 8: password_hash is of no scheme that is known, or costs more than can be borne',
            'line 9: claims: reserved_name',
            'line 11: neither email nor subject says who it is',
          ])
          expect(output).to.include('users     2 new').and.to.include('faulty    7')
          expect(output).not.to.match(/bob|mal@|secret|sly|root|yesterday|multi/)

          const sessions = file(
            'sessions.csv',
            'user,token_hash,created_at,expires_at,data,user_agent\n' +
              `EVE@example.com,${digestOf('eve has a long token', 'sha256').toUpperCase()},2026-01-01T00:00:00Z,,"{""a"":1}",Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0\n` +
              `eve@example.com,${digestOf('an older one of hers', 'sha256')},2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,,\n` +
              `crm|1,${digestOf('of somebody disabled', 'sha256')},2026-01-01T00:00:00Z,,,\n` +
              `eve@example.com,not a hash,2026-01-01T00:00:00Z,,,\n` +
              `eve@example.com,,2026-01-01T00:00:00Z,,,\n`,
          )
          const sessionsOutput = await expectDone('import', 'csv', sessions)
          expect(sessionsOutput).to.equal(
            'line 5: token_hash is missing or wrong\n' +
              'line 6: token_hash is missing: no device could ever go on with it\n' +
              'line 4: there is no account for it, or one that may not sign in\n' +
              'users     0 new, 0 already here, 0 in conflict\n' +
              'sessions  1 new, 0 already here, 1 expired, 1 without an account\n' +
              'faulty    2\n',
          )
          const { body } = await moveIn(server(), 'eve has a long token')
          expect(claimsOf(body.access_token)).to.include({ plan: 'team' })
          const current = await send(`${server().url}/v1/sessions/current`, { token: body.access_token })
          expect(current.body['device']).to.deep.include({ browser: { name: 'Firefox', version: '150.0' } })
          expect(await expectDone('import', 'csv', people)).to.include('users     0 new, 2 already here')
        })

        it('takes the same from NDJSON, users and sessions in one file', async () => {
          const lines = [
            { email: 'kim@example.com', password_hash: PBKDF2, email_verified: true, subject: 'crm|kim' },
            {
              user: 'crm|kim',
              token_hash: digestOf('kim has a long token', 'sha256'),
              created_at: '2026-01-01T00:00:00+02:00',
            },
            { email: 'KIM@example.com' },
            { email: 'ann@example.com', mailbox: 1 },
            { email: 'nul\0@example.com' },
          ].map((line) => JSON.stringify(line))
          const path = file('all.ndjson', `${[...lines, '[1]', '{', '', lines[0]].join('\n')}`)
          const output = await expectDone('import', 'ndjson', path, '--dry-run')
          expect(output).to.include('users     1 new, 1 already here, 1 in conflict').and.to.include('sessions  1 new')
          expect(await expectDone('import', 'ndjson', path)).to.equal(output.replace('nothing was written\n', ''))
          expect(output)
            .to.match(/^line 4: a member is unknown/m)
            .and.to.match(/^line 5: a text in it has characters/m)
          expect(output).to.match(/^line 6: .*\nline 7: it is no JSON object$/m)
          expect((await moveIn(server(), 'kim has a long token')).status).to.equal(200)
        })

        it('refuses one that is not there, or no text', async () => {
          const none = await hallpass('import', 'csv', join(directory, 'none.csv'))
          expect(none).to.deep.equal({ code: 1, output: 'the file cannot be read: ENOENT\n' })
          const latin = await hallpass(
            'import',
            'csv',
            file('latin1.csv', Buffer.from('email\ncaf\xe9@example.com\n', 'latin1')),
          )
          expect(latin).to.deep.equal({ code: 1, output: 'the file is not UTF-8\n' })
        })

        it('goes on where it was interrupted, and takes more than one batch', async () => {
          const lines = Array.from({ length: 1100 }, (_, index) =>
            JSON.stringify({ email: `number${index}@example.com` }),
          )
          await expectDone('import', 'ndjson', file('first.ndjson', lines.slice(0, 700).join('\n')))
          expect(await expectDone('import', 'ndjson', file('whole.ndjson', lines.join('\n')))).to.include(
            'users     400 new, 700 already here',
          )
        })
      })

      it('leaves a session as operators have set it before its device came', async () => {
        const old = 'a long token of a device that has not come yet'
        const lines = [
          { email: 'pin@example.com' },
          { user: 'pin@example.com', token_hash: digestOf(old, 'sha256'), created_at: '2026-01-01T00:00:00Z' },
        ]
        await expectDone('import', 'ndjson', file('pin.ndjson', lines.map((line) => JSON.stringify(line)).join('\n')))
        const [row] = await server().hallpass.store.database.query(findSession, [
          hashKeptToken({ form: 'digest', bytes: Buffer.from(digestOf(old, 'sha256')) }),
        ])
        const session = { userId: row?.user_id ?? '', sessionId: row?.session_id ?? '' }
        await expectDone('sessions', 'pin', session.userId, session.sessionId)
        expect((await moveIn(server(), old)).status).to.equal(200)
        const { idle_expires_at: idleEnd, absolute_expires_at: absoluteEnd } = await rowOf(server(), session)
        expect(idleEnd).to.deep.equal(absoluteEnd)
      })

      it('asks for both parameters of the exchange', async () => {
        const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' }
        for (const parameters of [grant, { ...grant, subject_token: 'x', subject_token_type: 'urn:other' }]) {
          const { status, body } = await sendForm(`${server().url}/oauth/token`, parameters)
          expect(status).to.equal(400)
          expect(body['error_description']).to.match(/^Send subject_token, with subject_token_type=urn:hallpass:/)
        }
      })
    },
    { HALLPASS_IMPORTED_TOKEN_SALT: SALT },
  )

  onStore(
    'embedded',
    (server) => {
      it('lets a network guess so often and no more, and counts nobody who was right', async () => {
        const token = 'a good and long token'
        const path = file(
          'one.ndjson',
          `${JSON.stringify({ subject: 'x' })}\n${JSON.stringify({ user: 'x', token_hash: digestOf(token, 'sha256'), created_at: new Date() })}`,
        )
        await runCommand(['import', 'ndjson', path], server().hallpass, () => undefined)
        for (let guess = 0; guess < 29; guess += 1)
          expectRefused(await moveIn(server(), aPhoenixToken()), 'unknown_session')
        for (let turn = 0; turn < 3; turn += 1) expect((await moveIn(server(), token)).status).to.equal(200)
        expectRefused(await moveIn(server(), aPhoenixToken()), 'unknown_session')
        const { status, headers } = await moveIn(server(), token)
        expect(status).to.equal(429)
        expect(headers.get('ratelimit-policy')).to.include('"imported-token"')
      })
    },
    { HALLPASS_RATE_LIMITS: 'on' },
  )
})

const moveIn = (
  { url }: TestServer,
  token: Buffer | string,
  headers: Record<string, string> = {},
  parameters: Record<string, string> = {},
): Promise<Answer<RefreshBody>> =>
  sendForm(
    `${url}/oauth/token`,
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: typeof token === 'string' ? token : token.toString('base64url'),
      subject_token_type: 'urn:hallpass:params:oauth:token-type:imported-session',
      ...parameters,
    },
    headers,
  )

/** RFC 8693 section 2.2.2 has one error for all, and our two members say more. */
function expectRefused({ status, headers, body }: Answer<object>, reason: string): void {
  expect(body).to.have.all.keys('error', 'error_description', 'reason', 'terminal')
  expect(body).to.include({ error: 'invalid_request', reason, terminal: true })
  expect(status).to.equal(400)
  expect(headers.getSetCookie()).to.be.empty
}

const findSession = statement<{ user_id: string; session_id: string }>(
  'test.imported_session',
  'select user_id, session_id from imported_tokens where token_hash = $1::bytea',
)

async function hashOf({ hallpass }: TestServer, canonical: string): Promise<string | null> {
  const read = statement<{ password_hash: string | null }>(
    'test.password_hash',
    'select password_hash from users where email_canonical = $1::text',
  )
  return (await hallpass.store.database.query(read, [canonical]))[0]?.password_hash ?? null
}

/** Everything that an import writes, as one text. */
async function contentOf({ hallpass }: TestServer): Promise<string> {
  const read = statement<{ content: string }>(
    'test.content',
    `select (select jsonb_agg(to_jsonb(users) order by id) from users)::text
       || (select jsonb_agg(to_jsonb(sessions) order by id) from sessions)::text
       || (select jsonb_agg(to_jsonb(imported_tokens) order by token_hash) from imported_tokens)::text
       || (select count(*) from events)::text as content`,
  )
  return (await hallpass.store.database.query(read, []))[0]?.content ?? ''
}
