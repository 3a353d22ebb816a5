import { createHash, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { statement } from '../../src/server/database/database.ts'
import {
  basic,
  BASIC_CHALLENGE,
  exchange,
  makeKey,
  makeServiceKey,
  moveKeyTimes,
  tokenOf,
  type Key,
} from '../support/api-keys.ts'
import { untilAnswered } from '../support/device.ts'
import { expectOAuthError, expectProblem } from '../support/expectations.ts'
import { connectTo } from '../support/held.ts'
import { mailsAbout, tokenFor } from '../support/mail.ts'
import {
  aSignedInPerson,
  claimsOf,
  PASSWORD,
  refresh,
  register,
  send,
  sendForm,
  signIn,
  type Answer,
  type SignedIn,
} from '../support/people.ts'
import { eventsOf, feedOf, HOUR, MINUTE, moveTimes } from '../support/rows.ts'
import { onBothStores, onStore } from '../support/server.ts'

const STEP_UP = 'Bearer error="insufficient_user_authentication", max_age="600"'

describe('API keys', () => {
  onBothStores((server) => {
    let owner: SignedIn
    beforeEach(async () => (owner = await aSignedInPerson(server().url)))

    const create = (body: unknown, token: string | undefined = owner.accessToken): Promise<Answer> =>
      send(`${server().url}/v1/api-keys`, { method: 'POST', body, ...(token === undefined ? {} : { token }) })

    const list = async (token = owner.accessToken): Promise<Record<string, unknown>[]> => {
      const { status, body } = await send(`${server().url}/v1/api-keys`, { token })
      expect(status).to.equal(200)
      return body['api_keys'] as Record<string, unknown>[]
    }

    const revoke = (id: string, token = owner.accessToken): Promise<Answer> =>
      send(`${server().url}/v1/api-keys/${id}`, { method: 'DELETE', token })

    const introspect = async (token: string): Promise<boolean> => {
      const inspector = await makeServiceKey(server(), 'introspect')
      const { status, body } = await sendForm(`${server().url}/oauth/introspect`, { token }, basic(inspector))
      expect(status).to.equal(200)
      return body['active'] as boolean
    }

    const rowOf = async ({ id }: Key): Promise<{ text: string; key_hash: Buffer } | undefined> => {
      const read = statement<{ text: string; key_hash: Buffer }>(
        'test.api_key',
        'select to_jsonb(api_keys)::text as text, key_hash from api_keys where id = $1::uuid',
      )
      return (await server().hallpass.store.database.query(read, [id]))[0]
    }

    const isDead = async (key: Key): Promise<void> => {
      const refused = await exchange(server().url, key)
      expectOAuthError(refused, 'invalid_client', 401)
      expect(refused.headers.get('www-authenticate')).to.equal(BASIC_CHALLENGE)
      expect(await introspect(key.key)).to.equal(false)
    }

    describe('are made', () => {
      it('by somebody signed in, and shown once', async () => {
        const expiresAt = new Date(Date.now() + HOUR * 1000).toISOString()
        const { status, headers, body } = await create({ name: 'Build', scope: 'orders:read', expires_at: expiresAt })
        expect(status).to.equal(201)
        expect(headers.get('cache-control')).to.equal('no-store')
        expect(body).to.have.all.keys('id', 'name', 'scope', 'hint', 'created_at', 'expires_at', 'last_used_at', 'key')
        expect(body).to.include({ name: 'Build', scope: 'orders:read', expires_at: expiresAt, last_used_at: null })
        expect(body['key']).to.match(/^hpak_[A-Za-z0-9_-]{43}$/)
        expect(body['hint']).to.equal((body['key'] as string).slice(-4))

        const { key, ...shown } = body
        expect(await list()).to.deep.equal([shown])
        expect(key).to.be.a('string')
      })

      it('with a name alone, for nothing in particular and for good', async () => {
        expect((await create({ name: 'Build' })).body).to.include({ scope: '', expires_at: null })
      })

      it('so that only the hash is kept', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const secret = key.key.slice('hpak_'.length)
        const row = await rowOf(key)
        expect(row?.key_hash).to.deep.equal(createHash('sha256').update(Buffer.from(secret, 'base64url')).digest())
        expect(row?.text).not.to.include(secret.slice(0, 12))
        expect(row?.text).not.to.include(Buffer.from(secret, 'base64url').toString('hex').slice(0, 12))
      })

      it('and their owner hears of it, by mail and in the history', async () => {
        await create({ name: 'Nightly build' })
        const [mail] = await mailsAbout(owner.email, 'api_key_created')
        expect(mail?.text).to.include('Nightly build')
        expect(mail?.text).not.to.include('hpak_')
      })

      it('with a name that can be shown', async () => {
        const { body } = await create({ name: ' Build\u202e\r\nserver ' })
        expect(body['name']).to.equal('Build server')
      })

      it('and nothing else is taken: not another owner, not a limit of one’s own', async () => {
        const victim = await aSignedInPerson(server().url)
        for (const member of [
          'user_id',
          'userId',
          'id',
          'key',
          'remaining',
          'rate_limit',
          'permissions',
          'created_at',
        ]) {
          const answer = await create({ name: 'Build', [member]: victim.userId })
          expectProblem(answer, 400, 'invalid_request')
          expect(answer.body['errors']).to.deep.equal([{ pointer: `/${member}`, code: 'unknown_member' }])
        }
        expect(await list()).to.be.empty
        expect(await list(victim.accessToken)).to.be.empty
      })

      it('within bounds', async () => {
        for (const [body, pointer] of [
          [{}, '/name'],
          [{ name: '' }, '/name'],
          [{ name: 'x'.repeat(101) }, '/name'],
          [{ name: 4 }, '/name'],
          [{ name: 'Build', scope: 'x'.repeat(1001) }, '/scope'],
          [{ name: 'Build', scope: 'a"b' }, '/scope'],
          [{ name: 'Build', scope: ['a'] }, '/scope'],
          [{ name: 'Build', expires_at: 'tomorrow' }, '/expires_at'],
          [{ name: 'Build', expires_at: 1_800_000_000 }, '/expires_at'],
          [{ name: 'Build', expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
        ] as const) {
          const answer = await create(body)
          expectProblem(answer, 400, 'invalid_request')
          expect((answer.body['errors'] as { pointer: string }[]).map((error) => error.pointer)).to.deep.equal([
            pointer,
          ])
        }
        expectProblem(await create({ name: 'Build', note: 'x'.repeat(17_000) }), 413, 'payload_too_large')
      })

      it('a hundred at most for one person', async () => {
        const fill = statement(
          'test.fill_api_keys',
          `insert into api_keys (id, user_id, name, key_hash, hint)
           select gen_random_uuid(), $1::uuid, 'One of many', sha256(gen_random_uuid()::text::bytea), 'abcd'
           from generate_series(1, 99)`,
        )
        await server().hallpass.store.database.query(fill, [owner.userId])
        const answers = await Promise.all(Array.from({ length: 4 }, () => create({ name: 'At once' })))
        expect(answers.map(({ status }) => status)).to.have.members([201, 400, 400, 400])
        const refused = answers.find(({ status }) => status === 400)
        expect(refused?.body['errors']).to.deep.equal([{ pointer: '', code: 'too_many' }])

        const keys = await list()
        expect(keys).to.have.lengthOf(100)
        await revoke(keys[0]?.['id'] as string)
        expect((await create({ name: 'Instead' })).status).to.equal(201)
      })
    })

    describe('need somebody who has signed in a moment ago', () => {
      /** A token as a refresh gives it half an hour after the sign-in. */
      const anOlderToken = async (): Promise<string> => {
        await moveTimes(server(), owner, { authenticated_at: -30 * MINUTE })
        return (await refresh(server().url, owner.refreshToken)).body.access_token
      }

      it('to make one, not to look, and not to revoke one that leaked', async () => {
        const { id } = await makeKey(server().url, owner.accessToken)
        const token = await anOlderToken()
        const refused = await create({ name: 'Build' }, token)
        expectProblem(refused, 401, 'insufficient_user_authentication')
        expect(refused.headers.get('www-authenticate')).to.equal(STEP_UP)
        expect((await list(token)).map((key) => key['id'])).to.deep.equal([id])
        expect((await revoke(id, token)).status).to.equal(204)

        const confirmed = await send(`${server().url}/v1/sessions/current/reauthentication`, {
          token,
          body: { password: PASSWORD },
        })
        expect((await create({ name: 'Build' }, confirmed.body['access_token'] as string)).status).to.equal(201)
      })

      it('and nobody else', async () => {
        for (const token of [undefined, 'garbage']) {
          const options = token === undefined ? {} : { token }
          for (const answer of [
            await send(`${server().url}/v1/api-keys`, options),
            await send(`${server().url}/v1/api-keys`, { ...options, body: { name: 'Build', user_id: owner.userId } }),
            await send(`${server().url}/v1/api-keys/${randomUUID()}`, { ...options, method: 'DELETE' }),
          ]) {
            expectProblem(answer, 401, 'invalid_access_token')
          }
        }
      })
    })

    describe('open', () => {
      it('never this service: such scopes are for operators to give', async () => {
        for (const scope of [
          'admin',
          'introspect',
          'sessions:create',
          'revocations:read',
          'metrics:read',
          'a admin b',
        ]) {
          const answer = await create({ name: 'Build', scope })
          expectProblem(answer, 400, 'invalid_request')
          expect(answer.body['errors']).to.deep.equal([{ pointer: '/scope', code: 'scope_not_allowed' }])
        }
      })

      it('nothing that is not open to their maker', async () => {
        const client = `app-${randomUUID()}`
        await server().hallpass.clients.save(client, { scope: 'orders:read orders:write' })
        const { accessToken } = await signIn(server().url, owner.email, { body: { client_id: client } })
        expect((await create({ name: 'Build', scope: 'orders:write' }, accessToken)).body['scope']).to.equal(
          'orders:write',
        )
        expect((await create({ name: 'Build' }, accessToken)).body['scope']).to.equal('')
        const beyond = await create({ name: 'Build', scope: 'orders:read orders:delete' }, accessToken)
        expectProblem(beyond, 400, 'invalid_request')
        expect(beyond.body['errors']).to.deep.equal([{ pointer: '/scope', code: 'scope_not_allowed' }])
      })
    })

    describe('are exchanged for access tokens', () => {
      it('which are their owner’s and say that a key got them', async () => {
        const key = await makeKey(server().url, owner.accessToken, { scope: 'orders:read orders:write' })
        const { status, headers, body } = await exchange(server().url, key)
        expect(status).to.equal(200)
        expect(headers.get('cache-control')).to.equal('no-store')
        expect(headers.getSetCookie()).to.be.empty
        expect(body).to.have.all.keys('access_token', 'token_type', 'expires_in', 'scope')
        expect(body).to.include({ token_type: 'Bearer', scope: 'orders:read orders:write' })
        expect(body.expires_in).to.be.within(285, 300)
        const claims = claimsOf(body.access_token)
        expect(claims).to.deep.include({
          iss: 'http://localhost',
          aud: 'http://localhost',
          sub: owner.userId,
          sid: key.id,
          client_id: key.id,
          amr: ['key'],
          scope: 'orders:read orders:write',
        })
        expect(claims['auth_time']).to.equal(claims['iat'])
        expect(await introspect(body.access_token)).to.equal(true)
      })

      it('which are the key’s own, where nobody owns it', async () => {
        const key = await makeServiceKey(server(), 'introspect')
        expect(claimsOf(await tokenOf(server().url, key))).to.deep.include({
          sub: key.id,
          sid: key.id,
          scope: 'introspect',
        })
      })

      it('for less than the key has, or for no more', async () => {
        const key = await makeKey(server().url, owner.accessToken, { scope: 'a b c' })
        for (const [asked, given] of [
          ['b', 'b'],
          ['c a', 'c a'],
          [' b  b ', 'b'],
          ['', 'a b c'],
        ] as const) {
          const { body } = await exchange(server().url, key, { scope: asked })
          expect(body.scope, asked).to.equal(given)
          expect(claimsOf(body.access_token)['scope']).to.equal(given)
        }
        for (const asked of ['d', 'a d', 'admin', 'A', 'a"', 'a\tb']) {
          expectOAuthError(await exchange(server().url, key, { scope: asked }), 'invalid_scope')
        }
      })

      it('that do not outlive them', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        await moveKeyTimes(server(), key, { expires_at: 20 })
        const { body } = await exchange(server().url, key)
        expect(body.expires_in).to.be.within(15, 20)
        const expiresAt = (await list())[0]?.['expires_at'] as string
        expect(claimsOf(body.access_token)['exp']).to.be.at.most(Date.parse(expiresAt) / 1000)
      })

      it('by id and key in HTTP Basic, and by nothing else', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const other = await makeKey(server().url, owner.accessToken)
        const pair = (id: string, secret: string) => basic({ id, key: secret }).authorization
        const bad: Record<string, string>[] = [
          {},
          ...[
            pair(key.id, other.key),
            pair(randomUUID(), key.key),
            pair('not an id', key.key),
            pair('', key.key),
            pair(key.id, ''),
            pair(key.id, `${key.key}A`),
            pair(key.id, key.key.replace('hpak_', '')),
            pair(key.key, key.id),
            `Basic ${Buffer.from(key.key).toString('base64')}`,
            `Basic ${Buffer.from(`${key.id}%:${key.key}`).toString('base64')}`,
            'Basic !!!!',
            'Basic',
            'Basic ',
            `Bearer ${key.key}`,
            key.key,
          ].map((authorization) => ({ authorization })),
        ]
        for (const headers of bad) {
          const form = { grant_type: 'client_credentials' }
          const refused = await sendForm(`${server().url}/oauth/token`, form, headers)
          expectOAuthError(refused, 'invalid_client', 401)
          expect(refused.headers.get('www-authenticate'), headers['authorization']).to.equal(BASIC_CHALLENGE)
        }
        // Not in the form either, and least of all where a log would keep it.
        const credential = { client_id: key.id, client_secret: key.key }
        const inForm = await sendForm(`${server().url}/oauth/token`, {
          grant_type: 'client_credentials',
          ...credential,
        })
        expectOAuthError(inForm, 'invalid_client', 401)
        const query = new URLSearchParams(credential).toString()
        const inQuery = await sendForm(`${server().url}/oauth/token?${query}`, { grant_type: 'client_credentials' })
        expectOAuthError(inQuery, 'invalid_client', 401)
        expect((await exchange(server().url, key)).status).to.equal(200)
      })

      it('and when one was used last is known to the minute', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const lastUse = async () => (await list())[0]?.['last_used_at'] as string | null
        expect(await lastUse()).to.equal(null)
        await exchange(server().url, { ...key, key: `hpak_${'A'.repeat(43)}` })
        expect(await lastUse()).to.equal(null)

        await exchange(server().url, key)
        const first = await lastUse()
        expect(Date.now() - Date.parse(first ?? '')).to.be.within(-5_000, 60_000)
        await exchange(server().url, key)
        expect(await lastUse()).to.equal(first)

        await moveKeyTimes(server(), key, { last_used_at: -2 * MINUTE })
        await exchange(server().url, key)
        expect(Date.parse((await lastUse()) ?? '')).to.be.at.least(Date.parse(first ?? ''))
      })

      it('by many at once', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(server().url, key)))
        expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]))
        expect(new Set(answers.map(({ body }) => claimsOf(body.access_token)['jti'])).size).to.equal(50)
      })
    })

    describe('manage no account and no session', () => {
      const REQUESTS: [string, string, unknown?][] = [
        ['GET', '/v1/users/me'],
        ['DELETE', '/v1/users/me'],
        ['PUT', '/v1/users/me/password', { current_password: PASSWORD, password: 'another long passphrase' }],
        ['GET', '/v1/sessions'],
        ['DELETE', '/v1/sessions'],
        ['DELETE', '/v1/sessions?except=current'],
        ['GET', '/v1/sessions/current'],
        ['DELETE', '/v1/sessions/current'],
        ['PATCH', '/v1/sessions/current', { device_name: 'Mine' }],
        ['POST', '/v1/sessions/current/reauthentication', { password: PASSWORD }],
        ['GET', '/v1/sessions/:session'],
        ['PATCH', '/v1/sessions/:session', { device_name: 'Mine' }],
        ['DELETE', '/v1/sessions/:session'],
        ['POST', '/v1/email-changes', { email: 'new@example.com' }],
        ['GET', '/v1/api-keys'],
        ['POST', '/v1/api-keys', { name: 'Another' }],
        ['DELETE', '/v1/api-keys/:key'],
      ]

      it('neither by themselves nor by their tokens', async () => {
        const key = await makeKey(server().url, owner.accessToken, { scope: 'everything' })
        const token = await tokenOf(server().url, key)
        for (const authorization of [`Bearer ${token}`, `Bearer ${key.key}`, basic(key).authorization]) {
          for (const [method, path, body] of REQUESTS) {
            const url = server().url + path.replace(':session', owner.sessionId).replace(':key', key.id)
            const options = { method, headers: { authorization }, ...(body === undefined ? {} : { body }) }
            expectProblem(await send(url, options), 401, 'invalid_access_token')
          }
        }
        expect((await list()).map(({ id }) => id)).to.deep.equal([key.id])
        expect((await refresh(server().url, owner.refreshToken)).status).to.equal(200)
      })

      it('and are nothing at all in a query', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const token = await tokenOf(server().url, key)
        for (const query of [
          `api_key=${key.key}`,
          `key=${key.key}`,
          `access_token=${token}`,
          `access_token=${owner.accessToken}`,
        ]) {
          const answer = await send(`${server().url}/v1/api-keys?${query}`)
          expectProblem(answer, 401, 'invalid_access_token')
          expect(answer.headers.get('www-authenticate')).to.equal('Bearer')
        }
      })
    })

    describe('end', () => {
      it('when their owner revokes them, with their tokens, once and for all', async () => {
        const [key, kept] = [
          await makeKey(server().url, owner.accessToken),
          await makeKey(server().url, owner.accessToken, { name: 'Kept' }),
        ]
        const token = await tokenOf(server().url, key)
        for (let count = 0; count < 2; count += 1) expect((await revoke(key.id)).status).to.equal(204)
        await isDead(key)
        expect(await introspect(token)).to.equal(false)
        expect((await list()).map(({ id }) => id)).to.deep.equal([kept.id])
        expect((await exchange(server().url, kept)).status).to.equal(200)

        const feed = await feedOf(server(), { userId: owner.userId, sessionId: key.id })
        expect(feed.map(({ kind, seconds }) => [kind, seconds])).to.deep.equal([['revoked', 360]])
      })

      it('and the history says who did what', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        await revoke(key.id)
        const events = await eventsOf(server(), { userId: owner.userId, sessionId: key.id })
        const by = { actor: 'user', actor_session_id: owner.sessionId }
        expect(events).to.have.lengthOf(2)
        expect(events[0]).to.include({ type: 'api_key.created', ...by })
        expect(events[1]).to.include({ type: 'api_key.revoked', reason: 'revoked_by_user', ...by })
      })

      it('by nobody else: somebody’s own keys are all that there is', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const other = await aSignedInPerson(server().url)
        const ofService = await makeServiceKey(server(), 'introspect')
        for (const id of [key.id, ofService.id, randomUUID(), 'garbage', key.key, '%00', '1']) {
          expectProblem(await revoke(id, other.accessToken), 404, 'not_found')
        }
        expect((await exchange(server().url, key)).status).to.equal(200)
        expect((await exchange(server().url, ofService)).status).to.equal(200)
      })

      it('when their time is over', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const token = await tokenOf(server().url, key)
        await moveKeyTimes(server(), key, { expires_at: -1 })
        await isDead(key)
        expect(await introspect(token)).to.equal(false)
      })

      it('for as long as their owner is disabled', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const token = await tokenOf(server().url, key)
        const { accounts } = server().hallpass
        await accounts.disable(owner.userId, { kind: 'admin', sessionId: null, ip: null })
        await isDead(key)
        expect(await introspect(token)).to.equal(false)
        expect(await feedOf(server(), { userId: owner.userId, sessionId: key.id })).to.have.lengthOf(1)

        await accounts.enable(owner.userId, { kind: 'admin', sessionId: null, ip: null })
        expect(await introspect(token), 'what was ended stays ended').to.equal(false)
        // In the second in which tokens ended none is made, as it would be taken for one of them.
        const again = await untilAnswered(() => exchange(server().url, key))
        expect(again.status).to.equal(200)
        expect(await introspect(again.body.access_token)).to.equal(true)
      })

      it('of the tokens made so far, when one of them is revoked (RFC 7009); the key stays', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const token = await tokenOf(server().url, key)
        expect((await sendForm(`${server().url}/oauth/revoke`, { token })).status).to.equal(200)
        expect(await introspect(token)).to.equal(false)
        expect(await feedOf(server(), { userId: owner.userId, sessionId: key.id })).to.have.lengthOf(1)
        const again = await untilAnswered(() => exchange(server().url, key))
        expect(await introspect(again.body.access_token)).to.equal(true)

        await sendForm(`${server().url}/oauth/revoke`, { token })
        expect(await introspect(again.body.access_token), 'one that is over ends no others').to.equal(true)
        expect(await feedOf(server(), { userId: owner.userId, sessionId: key.id })).to.have.lengthOf(1)
      })

      it('with the account of their owner', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const token = await tokenOf(server().url, key)
        const { status } = await send(`${server().url}/v1/users/me`, { method: 'DELETE', token: owner.accessToken })
        expect(status).to.equal(204)
        await isDead(key)
        expect(await introspect(token)).to.equal(false)
        expect(await rowOf(key)).to.equal(undefined)
        expect(await feedOf(server(), { userId: owner.userId, sessionId: key.id })).to.have.lengthOf(1)
      })

      it('when the password is reset, and not when it is changed', async () => {
        const key = await makeKey(server().url, owner.accessToken)
        const changed = await send(`${server().url}/v1/users/me/password`, {
          method: 'PUT',
          token: owner.accessToken,
          body: { current_password: PASSWORD, password: 'another long passphrase' },
        })
        expect(changed.status).to.equal(204)
        const token = await tokenOf(server().url, key)

        await send(`${server().url}/v1/password-resets`, { body: { email: owner.email } })
        const reset = await send(`${server().url}/v1/password-resets`, {
          method: 'PUT',
          body: { token: await tokenFor(owner.email, 'reset'), password: 'yet another long passphrase' },
        })
        expect(reset.status).to.equal(204)
        await isDead(key)
        expect(await introspect(token)).to.equal(false)
        expect(await feedOf(server(), { userId: owner.userId, sessionId: key.id })).to.have.lengthOf(1)
      })
    })
  })

  describe('while something else happens to the account', () => {
    onStore('postgresql', (server) => {
      it('are not made by a session that ends meanwhile', async () => {
        const owner = await signIn(server().url, await register(server().url))
        const sql = await connectTo(server().databaseUrl)
        try {
          await sql.query('begin')
          await sql.query('select id from users where id = $1 for update', [owner.userId])
          const making = send(`${server().url}/v1/api-keys`, { token: owner.accessToken, body: { name: 'Thief' } })
          expect(await sql.isWaitedForBy(making)).to.equal(true)
          await sql.query('update sessions set revoked_at = clock_timestamp() where user_id = $1', [owner.userId])
          await sql.query('commit')
          expectProblem(await making, 503, 'temporarily_unavailable')
          const keys = await sql.query('select id from api_keys where user_id = $1', [owner.userId])
          expect(keys).to.be.empty
        } finally {
          await sql.end()
        }
      })
    })
  })
})
