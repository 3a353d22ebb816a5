/**
 * What a signed token costs: as it is made here, and by jose, in turns (docs/decisions/0036).
 *
 *   npm run bench:sign
 *   npm run bench:sign -- --rounds 5 --tokens 20000
 */
import { createPrivateKey } from 'node:crypto'
import { parseArgs } from 'node:util'
import { SignJWT } from 'jose'
import { ACCESS_TOKEN_TYPE } from '../src/protocol/claims.ts'
import { signCompact } from '../src/server/tokens/compact-jws.ts'
import { makeKeyPair } from '../src/server/tokens/key-pair.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, tokens: { type: 'string', default: '6000' } },
})
const TOKENS = Number(values.tokens)

const id = '01890a5d-ac96-774b-bcce-b302099a8057'
const claims = {
  iss: 'https://auth.example.com',
  sub: id,
  aud: 'https://api.example.com',
  client_id: 'default',
  iat: 1_700_000_000,
  exp: 1_700_000_300,
  jti: id,
  sid: id,
  auth_time: 1_700_000_000,
  amr: ['pwd'],
  scope: '',
}

for (const alg of ['ES256', 'EdDSA'] as const) {
  const { kid, pkcs8 } = await makeKeyPair(alg)
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const header = { alg, typ: ACCESS_TOKEN_TYPE, kid }
  const makers = {
    jose: () => new SignJWT(claims).setProtectedHeader(header).sign(privateKey),
    here: () => signCompact(ACCESS_TOKEN_TYPE, claims, { kid, alg, privateKey }),
  }
  // The first round warms up.
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    for (const [name, make] of Object.entries(makers)) {
      for (const atOnce of [1, 16]) {
        const cost = await costOf(make, atOnce)
        if (round > 0) console.log(`${alg}  ${name}  ${String(atOnce).padStart(2)} at once: ${cost.toFixed(0)} µs`)
      }
    }
  }
}

/** @returns processor time of one, in all threads of this process; microseconds */
async function costOf(make: () => Promise<string>, atOnce: number): Promise<number> {
  const before = process.cpuUsage()
  for (let made = 0; made < TOKENS; made += atOnce) await Promise.all(Array.from({ length: atOnce }, make))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / TOKENS
}
