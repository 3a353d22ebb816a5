import { expect } from 'chai'
import { statement } from '../../src/server/database/database.ts'
import { aSignedInPerson, claimsOf, refresh, rotate, send, signIn, type SignedIn } from '../support/people.ts'
import { MINUTE, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

const CLAIMS = ['iss', 'sub', 'aud', 'client_id', 'iat', 'exp', 'jti', 'sid', 'auth_time', 'amr', 'scope']

const headerOf = (accessToken: string): unknown =>
  JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString())

describe('An access token', () => {
  onBothStores((server) => {
    let device: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
    })

    const isAccepted = async (token: string): Promise<boolean> =>
      (await send(`${server().url}/v1/sessions/current`, { token })).status === 200

    it('is a JWT as RFC 9068 profiles it, and its header names nothing but algorithm, type and key', () => {
      const kid = server().hallpass.keys.active().kid
      expect(headerOf(device.accessToken)).to.deep.equal({ alg: 'ES256', typ: 'at+jwt', kid })
    })

    it('has exactly the claims of the contract', async () => {
      const claims = claimsOf(device.accessToken)
      expect(claims).to.have.all.keys(CLAIMS)
      expect(claims).to.deep.include({
        iss: 'http://localhost',
        aud: 'http://localhost',
        client_id: 'default',
        sid: device.sessionId,
        amr: ['pwd'],
        scope: '',
      })
      const { body } = await send(`${server().url}/v1/sessions/current`, { token: device.accessToken })
      expect(claims['auth_time']).to.equal(Math.floor(Date.parse(body['authenticated_at'] as string) / 1000))
      expect(claims['iat']).to.be.within(claims['auth_time'] as number, (claims['auth_time'] as number) + MINUTE)
      const me = await send(`${server().url}/v1/users/me`, { token: device.accessToken })
      expect(claims['sub']).to.equal(me.body['id'])
    })

    it("carries the user's own claims, which cannot take the place of ours", async () => {
      const give = statement(
        'test.give_claims',
        `update sessions set claims = '{"role":"editor","sub":"somebody else","exp":9999999999}'
         where user_id = $1::uuid and id = $2::uuid`,
      )
      await server().hallpass.store.database.query(give, [device.userId, device.sessionId])
      const { body } = await refresh(server().url, device.refreshToken)
      const claims = claimsOf(body.access_token)
      expect(claims).to.include({ role: 'editor', sub: device.userId })
      expect(claims['exp']).to.equal((claims['iat'] as number) + body.expires_in)
    })

    it('is never issued twice', async () => {
      const ids = new Set([claimsOf(device.accessToken)['jti']])
      for (let count = 0; count < 5; count += 1) {
        ids.add(claimsOf((await refresh(server().url, device.refreshToken)).body.access_token)['jti'])
      }
      expect(ids.size).to.equal(6)
    })

    it('lives five minutes, less up to five percent, so that a fleet does not come back in step', async () => {
      const lives = new Set<number>()
      for (let count = 0; count < 40; count += 1) {
        const { body } = await refresh(server().url, device.refreshToken)
        const { iat, exp } = claimsOf(body.access_token) as { iat: number; exp: number }
        expect(exp - iat).to.equal(body.expires_in)
        expect(exp - iat).to.be.within(285, 300)
        lives.add(exp - iat)
      }
      expect(lives.size).to.be.greaterThan(1)
    })

    it('does not end the ones before it', async () => {
      const { body: first } = await refresh(server().url, device.refreshToken)
      await rotate(server().url, { ...device, refreshToken: first.refresh_token }, 2)
      expect(await isAccepted(device.accessToken)).to.equal(true)
      expect(await isAccepted(first.access_token)).to.equal(true)
    })

    it('never outlives the absolute end of its session', async () => {
      await moveTimes(server(), device, { absolute_expires_at: MINUTE })
      const { body } = await refresh(server().url, device.refreshToken)
      expect(body.expires_in).to.be.at.most(MINUTE)
      expect(body.refresh_expires_in).to.be.at.most(MINUTE)
      const { absolute_expires_at: end } = await rowOf(server(), device)
      expect((claimsOf(body.access_token)['exp'] as number) * 1000).to.be.at.most(end.getTime())
    })

    it('never outlives the idle end of its session, which a replay does not move', async () => {
      await refresh(server().url, device.refreshToken)
      await moveTimes(server(), device, { idle_expires_at: MINUTE })
      const { body } = await refresh(server().url, device.refreshToken)
      expect(body.expires_in).to.be.at.most(MINUTE)
      const { idle_expires_at: end } = await rowOf(server(), device)
      expect((claimsOf(body.access_token)['exp'] as number) * 1000).to.be.at.most(end.getTime())
    })

    it('is refused here as soon as its session has ended or expired, although it has not expired itself', async () => {
      const expired = await signIn(server().url, device.email)
      await moveTimes(server(), expired, { idle_expires_at: -1 })
      expect(await isAccepted(expired.accessToken)).to.equal(false)
      await send(`${server().url}/v1/sessions/current`, { method: 'DELETE', token: device.accessToken })
      expect(await isAccepted(device.accessToken)).to.equal(false)
    })

    it('is refused with any character of its signature or its content changed', async () => {
      const at = (part: number): number => device.accessToken.split('.').slice(0, part).join('.').length + 3
      for (const position of [at(0), at(1), at(2)]) {
        const other = device.accessToken[position] === 'A' ? 'B' : 'A'
        const changed = device.accessToken.slice(0, position) + other + device.accessToken.slice(position + 1)
        expect(await isAccepted(changed)).to.equal(false)
      }
    })
  })
})

describe('An access token for several audiences', () => {
  onBothStores(
    (server) => {
      it('lists them, and is accepted here although we are none of them', async () => {
        const { accessToken } = await aSignedInPerson(server().url)
        expect(claimsOf(accessToken)['aud']).to.deep.equal(['https://api.example', 'urn:other'])
        expect((await send(`${server().url}/v1/users/me`, { token: accessToken })).status).to.equal(200)
      })
    },
    { HALLPASS_AUDIENCE: 'https://api.example, urn:other' },
  )
})
