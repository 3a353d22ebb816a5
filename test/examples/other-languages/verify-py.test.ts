import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { onStore, type TestServer } from '../../support/server.ts'
import { startBetween, type Between } from './between.ts'
import { isThere, PYTHON, startProgram, type Program } from './programs.ts'
import { anExample, FORGED, forgedByNobody, GOOD, NOT_GOOD_HERE, ODD, signBy, type Example } from './tokens.ts'

const VERIFY = fileURLToPath(new URL('../../../examples/other-languages/python/verify.py', import.meta.url))
const JWKS = '/.well-known/jwks.json'

/** It checks one line after the other. */
class Verifier {
  readonly #program: Program
  readonly #answers: AsyncIterator<string>

  constructor(...argv: string[]) {
    this.#program = startProgram(PYTHON, [VERIFY, ...argv])
    this.#answers = this.#program.lines[Symbol.asyncIterator]()
  }

  async check(token: string): Promise<Record<string, unknown>> {
    this.#program.input.write(`${token}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`it has ended, and wrote:\n${this.#program.errors()}`)
    return JSON.parse(value as string) as Record<string, unknown>
  }

  stop = (): Promise<void> => this.#program.stop()
}

describe('verify.py, with PyJWT', () => {
  before(function () {
    if (!isThere(PYTHON, ['-c', 'import jwt, cryptography'])) this.skip()
  })

  const running: Verifier[] = []
  const start = ({ config }: TestServer, from: { url: string }, ...more: string[]): Verifier => {
    const verifier = new Verifier(config.issuer, '--jwks', from.url + JWKS, ...more)
    running.push(verifier)
    return verifier
  }
  afterEach(() => Promise.all(running.splice(0).map((verifier) => verifier.stop())))

  onStore('embedded', (server) => {
    let example: Example

    for (const alg of ['ES256', 'RS256', 'EdDSA'] as const) {
      describe(`where Hallpass signs by ${alg}`, () => {
        before(() => signBy(server(), alg))
        let verifier: Verifier
        beforeEach(async () => {
          example = await anExample(server())
          verifier = start(server(), server())
        })

        it('takes what a sign-in gave, and prints its claims', async () => {
          expect(await verifier.check(example.token)).to.deep.equal(example.claims)
        })

        it('takes others that are good', async () => {
          for (const [what, make] of Object.entries(GOOD)) {
            expect(await verifier.check(await make(example)), what).to.include({ sid: example.claims['sid'] })
          }
        })

        it('refuses every one that is not, and goes on', async () => {
          for (const [what, make] of Object.entries({ ...FORGED, ...NOT_GOOD_HERE, ...ODD })) {
            expect(await verifier.check(await make(example)), what).to.include({ error: 'Refused' })
          }
          expect(await verifier.check(example.token)).to.deep.equal(example.claims)
        })
      })
    }

    describe('fetches the keys', () => {
      let between: Between
      beforeEach(async () => {
        example = await anExample(server())
        between = await startBetween(() => server().url)
      })
      afterEach(() => between.stop())

      it('once, whatever keys tokens name', async () => {
        const verifier = start(server(), between)
        for (let count = 0; count < 3; count += 1) {
          expect(await verifier.check(example.token)).to.deep.equal(example.claims)
          expect(await verifier.check(await forgedByNobody(example))).to.include({ error: 'Refused' })
        }
        expect(between.seen).to.have.lengthOf(1)
      })

      it('again, when a token names one that is new', async () => {
        const verifier = start(server(), between, '--cooldown', '0')
        await verifier.check(example.token)
        await server().hallpass.keys.rotate({ immediately: true })
        const next = await anExample(server())
        expect(await verifier.check(next.token)).to.deep.equal(next.claims)
        expect(await verifier.check(example.token)).to.deep.equal(example.claims)
        expect(between.seen).to.have.lengthOf(2)
      })

      it('and goes on with those it has, while it cannot', async () => {
        const verifier = start(server(), between, '--cooldown', '0')
        await verifier.check(example.token)
        between.isBroken = true
        expect(await verifier.check(await forgedByNobody(example))).to.include({ error: 'Refused' })
        expect(await verifier.check(example.token)).to.deep.equal(example.claims)
      })

      it('and says that it cannot, where it has none: that is not the fault of the token', async () => {
        between.isBroken = true
        expect(await start(server(), between).check(example.token)).to.include({ error: 'KeysUnavailable' })
      })
    })
  })
})
