import { inspect } from 'node:util'
import { expect } from 'chai'
import {
  Refused,
  requireClaim,
  requireRecentAuth,
  requireScope,
  type AccessTokenClaims,
  type Guard,
  type Verifier,
} from 'hallpass/verifier'
import { createTestIssuer, type TestIssuer } from 'hallpass/verifier/testing'

const NOW = 1_800_000_000

const claims = (more: Partial<AccessTokenClaims> = {}): AccessTokenClaims => ({
  iss: 'https://id.example',
  sub: 'user-1',
  aud: 'https://api.example',
  client_id: 'default',
  iat: NOW,
  exp: NOW + 300,
  jti: 'token-1',
  sid: 'session-1',
  auth_time: NOW,
  amr: ['pwd'],
  scope: '',
  ...more,
})

/** What a guard says to a token: nothing where it passes. */
function ask(guard: Guard, more: Partial<AccessTokenClaims> = {}, now = NOW): Refused | undefined {
  try {
    return guard(claims(more), now)
  } catch (error) {
    if (error instanceof Refused) return error
    throw error
  }
}

const expectPass = (refused: Refused | undefined): void => void expect(refused).to.equal(undefined)

describe('requireScope', () => {
  const refusedFor = (wanted: string): Partial<Refused> => ({
    code: 'insufficient_scope',
    status: 403,
    challenge: { error: 'insufficient_scope', scope: wanted },
  })
  const told = (refused: Refused | undefined) =>
    refused && { code: refused.code, status: refused.status, challenge: refused.challenge }

  it('lets a token pass that has it', () => {
    expectPass(ask(requireScope('orders:read'), { scope: 'orders:read' }))
  })

  it('lets a token pass that has more, in any order', () => {
    const scope = 'orders:write profile orders:read'
    expectPass(ask(requireScope('orders:read'), { scope }))
    expectPass(ask(requireScope('orders:read', 'orders:write'), { scope }))
  })

  it('wants all of several, and names them all', () => {
    const guard = requireScope('orders:read', 'orders:write')
    expect(told(ask(guard, { scope: 'orders:read' }))).to.deep.equal(refusedFor('orders:read orders:write'))
    expect(told(ask(guard, { scope: 'orders:write' }))).to.deep.equal(refusedFor('orders:read orders:write'))
  })

  it('takes them in one string as well, however many spaces are between', () => {
    for (const wanted of ['orders:read orders:write', ' orders:read   orders:write ']) {
      expectPass(ask(requireScope(wanted), { scope: 'orders:write orders:read' }))
      const refused = ask(requireScope(wanted), { scope: 'orders:read' })
      expect(told(refused)).to.deep.equal(refusedFor('orders:read orders:write'))
    }
  })

  it('takes no part of a word, and no other case, for the word', () => {
    for (const scope of ['', 'orders', 'orders:reader', 'xorders:read', 'ORDERS:READ', 'orders:read,profile', '*']) {
      expect(told(ask(requireScope('orders:read'), { scope })), scope).to.deep.equal(refusedFor('orders:read'))
    }
  })

  it('is told at once when it is to guard nothing, or what cannot be a scope', () => {
    for (const wanted of [[], [''], ['  '], ['a"b'], ['a\\b'], ['größe'], ['a\nb'], ['orders', 'a\tb']]) {
      expect(() => requireScope(...wanted), JSON.stringify(wanted)).to.throw(TypeError, /one scope or several/)
    }
  })
})

describe('requireClaim', () => {
  const expectRefused = (refused: Refused | undefined, why = ''): void => {
    expect(refused, why).to.be.instanceOf(Refused)
    expect(refused, why).to.include({ code: 'claim_refused', status: 403 })
    expect(refused?.challenge).to.deep.equal({})
  }

  it('compares text, numbers and booleans, and mixes them up with nothing', () => {
    expectPass(ask(requireClaim('plan', 'pro'), { plan: 'pro' }))
    expectPass(ask(requireClaim('level', 3), { level: 3 }))
    expectPass(ask(requireClaim('is_staff', false), { is_staff: false }))
    for (const [expected, plan] of [
      ['pro', 'Pro'],
      ['3', 3],
      [3, '3'],
      [true, 'true'],
      [true, 1],
      [false, null],
      ['null', null],
      ['', undefined],
      [0, false],
      ['[object Object]', {}],
    ] as const) {
      expectRefused(ask(requireClaim('plan', expected), { plan }), `${JSON.stringify(plan)} for ${String(expected)}`)
    }
  })

  it('finds one element of an array, and looks no deeper', () => {
    expectPass(ask(requireClaim('roles', 'editor'), { roles: ['author', 'editor'] }))
    expectRefused(ask(requireClaim('roles', 'editor'), { roles: [] }))
    expectRefused(ask(requireClaim('roles', 'editor'), { roles: [['editor']] }))
    expectRefused(ask(requireClaim('roles', 'editor'), { roles: 'editor author' }))
    expectRefused(ask(requireClaim('roles', 'editor'), { roles: { 0: 'editor', length: 1 } }))
  })

  it('asks a function, which gets the claim as it is', () => {
    const seen: unknown[] = []
    const guard = requireClaim('limits', (value) => {
      seen.push(value)
      return (value as { orders: number }).orders > 5
    })
    expectPass(ask(guard, { limits: { orders: 6 } }))
    expectRefused(ask(guard, { limits: { orders: 5 } }))
    expect(seen).to.deep.equal([{ orders: 6 }, { orders: 5 }])
  })

  it('takes nothing but true from it: not a promise, which is always true enough', () => {
    for (const answer of [Promise.resolve(false), 1, 'yes', {}, null, undefined]) {
      const careless = (() => answer) as unknown as () => boolean
      expectRefused(ask(requireClaim('plan', careless), { plan: 'pro' }), inspect(answer))
    }
  })

  it('leaves alone what the function itself throws', () => {
    const guard = requireClaim('plan', (value) => (value as string).startsWith('p'))
    expect(() => guard(claims(), NOW)).to.throw(TypeError)
  })

  it('tells a missing claim from one that is there', () => {
    expectRefused(ask(requireClaim('plan', 'pro')))
    const seen: unknown[] = []
    expectRefused(ask(requireClaim('plan', (value) => seen.push(value) > 5)))
    expect(seen).to.deep.equal([undefined])
  })

  it('finds nothing under names that every object has', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
      expectRefused(ask(requireClaim(name, (value) => value !== undefined)), name)
    }
  })

  it('reads such a claim where the token really has it', () => {
    const token = JSON.parse('{"constructor":"yes","__proto__":"yes"}') as Partial<AccessTokenClaims>
    const own = Object.assign(Object.create(null) as object, claims()) as AccessTokenClaims
    Object.defineProperty(own, '__proto__', { value: 'yes', enumerable: true })
    expect(requireClaim('__proto__', 'yes')(own, NOW)).to.equal(undefined)
    expectPass(ask(requireClaim('constructor', 'yes'), token))
  })

  it('is told at once when it has nothing to compare with: every token without the claim would pass', () => {
    for (const nothing of [undefined, null]) {
      expect(() => requireClaim('tenant', nothing as unknown as string)).to.throw(TypeError, /tenant/)
    }
  })
})

describe('requireRecentAuth', () => {
  const guard = requireRecentAuth({ maxAge: 600 })

  it('lets pass who proved themselves a moment ago', () => {
    expectPass(ask(guard))
    expectPass(ask(guard, { auth_time: NOW - 300 }))
  })

  it('is exact to the second', () => {
    expectPass(ask(guard, { auth_time: NOW - 599 }))
    expectPass(ask(guard, { auth_time: NOW - 600 }))
    expect(ask(guard, { auth_time: NOW - 601 })).to.include({ code: 'insufficient_user_authentication', status: 401 })
    expect(ask(guard, { auth_time: NOW - 600 }, NOW + 0.5)).to.be.instanceOf(Refused)
  })

  it('does not mind a clock that is behind the issuer’s', () => {
    expectPass(ask(guard, { auth_time: NOW + 5 }))
  })

  it('asks for the confirmation that RFC 9470 describes', () => {
    expect(ask(guard, { auth_time: NOW - 86_400 })?.challenge).to.deep.equal({
      error: 'insufficient_user_authentication',
      max_age: '600',
    })
  })

  it('goes by when the person signed in, not by how young the token is', () => {
    expect(ask(guard, { iat: NOW, auth_time: NOW - 3600 })).to.be.instanceOf(Refused)
  })

  it('does not take the exchange of an API key for a person', () => {
    expect(ask(guard, { amr: ['key'] })).to.include({ code: 'insufficient_user_authentication' })
  })

  it('is told at once of an age that is none', () => {
    for (const maxAge of [0, -1, 0.5, 600.5, Number.NaN, Infinity, '600' as unknown as number]) {
      expect(() => requireRecentAuth({ maxAge }), String(maxAge)).to.throw(TypeError, /whole number of seconds/)
    }
  })
})

describe('Guards of a route', () => {
  let issuer: TestIssuer
  let verifier: Verifier
  before(async () => {
    issuer = await createTestIssuer()
    verifier = issuer.createVerifier()
  })
  after(() => verifier.close())

  const codeOf = (guards: Guard[], token: string): Promise<unknown> =>
    verifier.verify(token, { guards }).then(
      () => 'passed',
      (error: unknown) => (error instanceof Refused ? error.code : error),
    )

  it('are asked in their order, until one says no', async () => {
    const asked: string[] = []
    const noting = (name: string): Guard => {
      return () => void asked.push(name)
    }
    const token = await issuer.signTestToken({ scope: 'orders' })
    expect(await codeOf([noting('one'), requireScope('orders'), noting('two')], token)).to.equal('passed')
    expect(asked).to.deep.equal(['one', 'two'])
    expect(await codeOf([noting('three'), requireScope('users'), noting('four')], token)).to.equal('insufficient_scope')
    expect(asked).to.deep.equal(['one', 'two', 'three'])
  })

  it('can be an API’s own, by token and time', async () => {
    const duringTheDay: Guard = ({ sub }, now) => {
      if (sub !== 'admin' && now % 86_400 >= 43_200) throw new Refused('claim_refused', 'come again in the morning')
    }
    const noon = issuer.clock.now() / 1000
    issuer.clock.step(86_400 - (noon % 86_400))
    expect(await codeOf([duringTheDay], await issuer.signTestToken())).to.equal('passed')
    issuer.clock.step(50_000)
    expect(await codeOf([duringTheDay], await issuer.signTestToken())).to.equal('claim_refused')
    expect(await codeOf([duringTheDay], await issuer.signTestToken({ sub: 'admin' }))).to.equal('passed')
  })

  it('are not asked of a token that is not good', async () => {
    let asked = 0
    const counting: Guard = () => void (asked += 1)
    const [header, payload] = (await issuer.signTestToken()).split('.')
    expect(await codeOf([counting], `${header}.${payload}.${'A'.repeat(86)}`)).to.equal('signature_invalid')
    const revoked = await issuer.signTestToken({ sid: 'over' })
    issuer.revoke('over')
    await issuer.clock.advance(0)
    expect(await codeOf([counting], revoked)).to.equal('token_revoked')
    expect(asked).to.equal(0)
  })

  it('may have a fault of their own, which is no refusal', async () => {
    const fault = new TypeError('cannot read this of undefined')
    const faulty: Guard = () => {
      throw fault
    }
    expect(await codeOf([faulty], await issuer.signTestToken())).to.equal(fault)
  })

  it('see the very claims that the route gets, which nobody can change', async () => {
    let seen: unknown
    const looking: Guard = (token) => void (seen = token)
    const token = await verifier.verify(await issuer.signTestToken({ roles: ['a'] }), { guards: [looking] })
    expect(seen).to.equal(token)
    expect(Object.isFrozen(token['roles'])).to.equal(true)
  })

  it('answer nothing: what is no refusal by throwing does not compile', () => {
    const token = claims({ amr: ['key'] })
    // @ts-expect-error it would let everybody pass
    const saying: Guard = ({ amr }) => !amr.includes('key')
    // @ts-expect-error it would let everybody pass, and end the process
    const later: Guard = async ({ amr }) => void amr.includes('key')
    expect([saying, later].map((guard) => typeof guard(token, NOW))).to.deep.equal(['boolean', 'object'])
  })
})
