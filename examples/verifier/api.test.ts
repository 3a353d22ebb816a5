/** How an API is tested, without Hallpass: `npx mocha examples/verifier/api.test.ts`. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Verifier } from 'hallpass/verifier'
import { createTestIssuer, type TestIssuer } from 'hallpass/verifier/testing'
import { createApi } from './api.ts'

describe('The API of orders', () => {
  let issuer: TestIssuer
  let verifier: Verifier
  let server: Server

  beforeEach(async () => {
    issuer = await createTestIssuer()
    verifier = issuer.createVerifier()
    await verifier.ready()
    server = createApi(verifier).listen(0)
    await once(server, 'listening')
  })
  afterEach(() => {
    verifier.close()
    server.close()
  })

  function send(method: string, path: string, token: string): Promise<Response> {
    const { port } = server.address() as AddressInfo
    return fetch(`http://localhost:${port}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
  }

  it('shows orders to whom may read them', async () => {
    const token = await issuer.signTestToken({ sub: 'ada', scope: 'orders:read' })
    const response = await send('GET', '/orders', token)
    expect(await response.json()).to.deep.equal({ orders: [], of: 'ada' })
    expect((await send('GET', '/orders', await issuer.signTestToken())).status).to.equal(403)
  })

  it('refuses a device that was signed out', async () => {
    const token = await issuer.signTestToken({ scope: 'orders:read', sid: 'phone' })
    issuer.revoke('phone')
    await issuer.clock.advance(0) // the verifier hears of it
    expect((await send('GET', '/orders', token)).status).to.equal(401)
  })

  it('has people confirm who they are before money moves', async () => {
    const token = await issuer.signTestToken()
    expect((await send('POST', '/payouts', token)).status).to.equal(201)
    const anHourAgo = Math.floor(issuer.clock.now() / 1000) - 3600
    const old = await issuer.signTestToken({ auth_time: anHourAgo })
    const response = await send('POST', '/payouts', old)
    expect(response.status).to.equal(401)
    expect(response.headers.get('www-authenticate')).to.include('max_age="600"')
  })

  it('goes on while Hallpass is away, and pays nothing out', async () => {
    issuer.isDown = true
    await issuer.clock.advance(60)
    const token = await issuer.signTestToken({ scope: 'orders:read' })
    expect((await send('GET', '/orders', token)).status).to.equal(200)
    expect((await send('POST', '/payouts', token)).status).to.equal(503)
  })
})
