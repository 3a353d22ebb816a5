/** A refresh with any token that was ever handed out, by whoever may have it, compared with the model. */
import { expect } from 'chai'
import fc from 'fast-check'
import type { PresentedRefreshToken } from '../../src/server/sessions/refresh.ts'
import { decodeRefreshToken, encodeRefreshToken } from '../../src/server/tokens/refresh-token.ts'
import { answerOf, type RefreshAnswer } from '../support/device.ts'
import { saveRow, type SavedRow } from '../support/sessions.ts'
import { compare, open, processOf, sessionAt, type KeptSession, type Real, type Step } from './life.ts'
import { present, type Outcome, type Presented, type Row } from './model.ts'

/** The last two: a cookie that is older than its key, with the keys before; and a copy that uses them as it likes. */
type Keying = 'own' | 'none' | 'constant' | 'of another token' | 'newer' | 'newer, out of order'

const keyed = (weights: Partial<Record<Keying, number>>): fc.Arbitrary<Keying> =>
  fc.oneof(...Object.entries(weights).map(([keying, weight]) => ({ weight, arbitrary: fc.constant(keying as Keying) })))

/** Which token (0 is the newest that was handed out, 1 its predecessor, ...), and with which Idempotency-Key. */
const choice = fc.oneof(
  { weight: 6, arbitrary: fc.record({ back: fc.constant(0), keying: keyed({ own: 9, none: 2, constant: 3 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      back: fc.constant(1),
      keying: keyed({ own: 4, none: 2, constant: 2, newer: 3, 'newer, out of order': 1 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      back: fc.integer({ min: 2, max: 6 }),
      keying: keyed({ own: 14, none: 1, constant: 2, 'of another token': 1, newer: 8, 'newer, out of order': 2 }),
    }),
  },
)

const mistake = fc.oneof(
  { weight: 12, arbitrary: fc.constant('none' as const) },
  { weight: 1, arbitrary: fc.constantFrom('secret' as const, 'transport' as const, 'client' as const) },
)

interface Request {
  readonly which: number
  readonly choice: { readonly back: number; readonly keying: Keying }
  readonly mistake: 'none' | 'secret' | 'transport' | 'client'
  readonly process: number
  readonly namesClient: boolean
  readonly ip: string | null
}

/** Policies that only log change no answer, wherever anybody asks from. */
const ip = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom('192.0.2.1', '2001:db8::1') },
)

/** @param which of the sessions, @param process of the three */
export const refreshStep = (which: fc.Arbitrary<number>, process: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
  fc.record({ which, choice, mistake, process, namesClient: fc.boolean(), ip }).map((request) => ({
    check: () => true,
    toString: () => `refresh ${JSON.stringify(request)}`,
    async run(model, real) {
      const { index, session, row } = sessionAt(model, real, request.which)
      const token = session.tokens.at(Math.max(-session.tokens.length, -1 - request.choice.back)) ?? ''
      const { ring, sessions } = processOf(real, request.process)
      const newest = open(session.tokens.at(-1) ?? '', real).generation
      const presented = presentation(request, row, open(token, real).generation, newest)
      const before = withoutNote(await saveRow(real.server, session.sessionId))

      const answer = await answerOf(sessions.refresh(toSend(token, presented, request, real)))
      const isUnknown = presented.hasRightSecret && decodeRefreshToken(token, ring).kind === 'unknown_key'
      const expected = isUnknown ? { row, outcome: UNKNOWN_KEY } : present(row, presented, (model.now += 1))
      expectOutcome(answer, expected.outcome, session, request, real)
      if (expected.row === row) {
        const after = withoutNote(await saveRow(real.server, session.sessionId))
        expect(after, 'a replay and a refusal write nothing, and extend nothing').to.deep.equal(before)
      }
      model.rows[index] = expected.row ?? row
      await compare(model, real)
    },
  }))

const UNKNOWN_KEY: Outcome = { kind: 'refused', reason: 'unknown_key' }

function presentation(request: Request, row: Row, generation: number, newest: number): Presented {
  const { mistake, namesClient, choice } = request
  const before = [1, 2, 3, 4].map((back) => `key ${newest - back}`)
  const keys = {
    own: `key ${generation}`,
    none: null,
    constant: 'key',
    'of another token': `key ${generation + 1}`,
    newer: `key ${newest}`,
    'newer, out of order': `key ${newest}`,
  }
  const formerKeys: Partial<Record<Keying, string[]>> = { newer: before, 'newer, out of order': before.toReversed() }
  const other = row.transport === 'body' ? 'cookie' : 'body'
  return {
    generation,
    key: keys[choice.keying],
    former: formerKeys[choice.keying] ?? [],
    hasRightSecret: mistake !== 'secret',
    transport: mistake === 'transport' ? other : row.transport,
    clientId: mistake === 'client' ? 'demo' : namesClient ? 'default' : null,
  }
}

function toSend(token: string, presented: Presented, request: Request, real: Real): PresentedRefreshToken {
  const { transport, clientId, key, former } = presented
  // What somebody could make who has the server's key, and nothing of this session.
  const forged = { ...open(token, real), secret: Buffer.alloc(32, 7) }
  const refreshToken = presented.hasRightSecret
    ? token
    : encodeRefreshToken(forged, processOf(real, request.process).ring)
  return { refreshToken, transport, clientId, idempotencyKey: key, formerKeys: former, ip: request.ip }
}

/** Of what a policy found. */
const withoutNote = (row: SavedRow): object => ({ ...(JSON.parse(row) as object), step_up: null })

function expectOutcome(answer: RefreshAnswer, outcome: Outcome, session: KeptSession, request: Request, real: Real) {
  if (outcome.kind === 'refused') {
    const { reason } = outcome
    expect(answer).to.deep.equal({ kind: 'refused', reason, terminal: reason !== 'unknown_key' })
    return
  }
  const { ring } = processOf(real, request.process)
  const genuine = open(session.tokens[0] ?? '', real)
  const successor = encodeRefreshToken({ ...genuine, generation: outcome.generation }, ring)
  expect(answer, outcome.kind).to.include({ kind: 'granted', refreshToken: successor })
  if (!session.tokens.includes(successor)) session.tokens.push(successor)
}
