import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { expect } from 'chai'
import { runCommand } from '../../../src/server/commands.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { createSigningKeys } from '../../../src/server/tokens/signing-keys.ts'
import { send } from '../../support/people.ts'
import { onStore, TEST_SECRET, type TestServer } from '../../support/server.ts'

/** The file that it makes: a comment, then the key, for each. */
const ENTRY = /# (\S+) (\S+) (\S+)\n(-----BEGIN PUBLIC KEY-----\n(?:[\w+/=]+\n)+-----END PUBLIC KEY-----\n)/y

interface Listed {
  readonly kid: string
  readonly alg: string
  readonly state: string
  readonly pem: string
}

async function listPem({ hallpass }: TestServer): Promise<Listed[]> {
  let output = ''
  expect(await runCommand(['keys', 'list', '--pem'], hallpass, (text) => (output += text))).to.equal(0)
  const entries: Listed[] = []
  while (ENTRY.lastIndex < output.length) {
    const [, kid = '', alg = '', state = '', pem = ''] = ENTRY.exec(output) ?? []
    if (kid === '') throw new Error(`this is something else:\n${output}`)
    entries.push({ kid, alg, state, pem })
  }
  ENTRY.lastIndex = 0
  return entries
}

const jwksOf = async ({ url }: TestServer) =>
  (await send<{ keys: (JsonWebKey & { kid: string; alg: string })[] }>(`${url}/.well-known/jwks.json`)).body.keys

describe('hallpass keys list --pem', () => {
  onStore('embedded', (server) => {
    it('prints the keys of the JWKS, each with its kid, its algorithm and its state', async () => {
      const { kid: active } = server().hallpass.keys.active()
      const { kid: next } = await server().hallpass.keys.rotate()
      const listed = await listPem(server())
      expect(listed.map(({ kid, alg, state }) => [kid, alg, state])).to.deep.equal([
        [active, 'ES256', 'active'],
        [next, 'ES256', 'next'],
      ])
      expect(
        listed.map(({ kid, pem }) => ({ kid, key: createPublicKey(pem).export({ format: 'jwk' }) })),
      ).to.deep.equal((await jwksOf(server())).map(({ kid, kty, crv, x, y }) => ({ kid, key: { kty, crv, x, y } })))
    })

    it('leaves out what was revoked, and shows what is retired', async () => {
      const { hallpass } = server()
      const [revoked, retired] = [hallpass.keys.active().kid, (await hallpass.keys.rotate({ immediately: true })).kid]
      await hallpass.keys.rotate({ immediately: true })
      await hallpass.keys.revoke(revoked)
      const listed = await listPem(server())
      expect(listed.map(({ kid }) => kid)).not.to.include(revoked)
      expect(listed.find(({ kid }) => kid === retired)).to.include({ state: 'retired' })
    })

    it('shows nothing of the private halves', async () => {
      for (const { pem } of await listPem(server())) {
        expect(createPublicKey(pem).type).to.equal('public')
        expect(pem).not.to.include('PRIVATE')
      }
    })

    for (const alg of ['RS256', 'EdDSA'] as const) {
      it(`prints keys of ${alg}`, async () => {
        const { database } = server().hallpass.store
        await createSigningKeys({ database, ring: createRing(TEST_SECRET), alg, accessTtl: 300 }).start()
        await server().hallpass.keys.reload()
        const { kid, pem } = (await listPem(server())).find((each) => each.alg === alg) ?? { pem: '' }
        const jwk = (await jwksOf(server())).find((each) => each.kid === kid)
        expect(jwk).to.include({ alg, ...createPublicKey(pem).export({ format: 'jwk' }) })
      })
    }
  })
})
