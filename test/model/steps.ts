/** What can happen to a person's sessions, as fast-check strings it together. */
import { expect } from 'chai'
import fc from 'fast-check'
import { HOUR, moveTimes } from '../support/rows.ts'
import { createSession, restoreRow, saveRow } from '../support/sessions.ts'
import { compare, keep, processOf, sessionAt, type Model, type Real, type Step } from './life.ts'
import { isLive, newRow, revoke, revokeAll, signIn } from './model.ts'
import { refreshStep } from './refresh-step.ts'

/** Of the session limit. */
export const LIMIT = 3

const NOBODY = { kind: 'user', sessionId: null, ip: null } as const

/** Mostly the session that was made last. */
const which = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) })
const process = fc.nat({ max: 2 })

/** A step that can be taken at any time. */
const step = (name: string, run: (model: Model, real: Real) => Promise<void>): Step => ({
  check: () => true,
  toString: () => name,
  async run(model, real) {
    await run(model, real)
    await compare(model, real)
  },
})

const signInStep = fc.record({ transport: fc.constantFrom('body' as const, 'cookie' as const), process }).map((given) =>
  step(`sign in ${JSON.stringify(given)}`, async (model, real) => {
    const { sessions: through } = processOf(real, given.process)
    const made = await createSession(real.server, real.userId, { transport: given.transport, through })
    real.sessions.push(await keep(real.server, made))
    const row = newRow(given.transport, 'default', (model.now += 1))
    model.rows = signIn(model.rows, row, LIMIT)
    model.saved.push(row)
  }),
)

const revokeStep = fc.record({ which, process }).map((given) =>
  step(`revoke ${JSON.stringify(given)}`, async (model, real) => {
    const { index, session, row } = sessionAt(model, real, given.which)
    const { sessions } = processOf(real, given.process)
    expect(await sessions.revoke(real.userId, session.sessionId, 'revoked_by_user', NOBODY)).to.equal(true)
    model.rows[index] = revoke(row, 'revoked_by_user')
  }),
)

const revokeAllStep = fc.record({ which, spares: fc.boolean(), process }).map((given) =>
  step(`revoke all ${JSON.stringify(given)}`, async (model, real) => {
    const { index, session } = sessionAt(model, real, given.which)
    const { sessions } = processOf(real, given.process)
    const before = model.rows.filter(isLive).length
    model.rows = revokeAll(model.rows, given.spares ? index : null, 'revoked_by_user')

    const except = given.spares ? session.sessionId : null
    const count = await sessions.revokeAll(real.userId, except, 'revoked_by_user', NOBODY)
    expect(count).to.equal(before - model.rows.filter(isLive).length)
  }),
)

const time = fc.oneof(
  { weight: 6, arbitrary: fc.constant('grace' as const) },
  { weight: 1, arbitrary: fc.constantFrom('idle' as const, 'absolute' as const) },
)

/** Nobody waits: the row's times are shifted. */
const passTimeStep = fc.record({ which, time }).map((given) =>
  step(`time passes ${JSON.stringify(given)}`, async (model, real) => {
    const { index, session, row } = sessionAt(model, real, given.which)
    const change = {
      grace: { column: 'rotated_at', row: { isWithinGrace: false } },
      idle: { column: 'idle_expires_at', row: { isIdle: true } },
      absolute: { column: 'absolute_expires_at', row: { isOld: true } },
    }[given.time]
    await moveTimes(real.server, session, { [change.column]: -HOUR })
    model.rows[index] = { ...row, ...change.row }
  }),
)

/** It ends the grace of the last rotation. */
const reauthenticateStep = fc.record({ which, process }).map((given) =>
  step(`prove again who it is ${JSON.stringify(given)}`, async (model, real) => {
    const { index, session, row } = sessionAt(model, real, given.which)
    const { sessions } = processOf(real, given.process)
    const answer = await sessions.reauthenticate(real.userId, session.sessionId, 'pwd', null)
    expect(answer !== null).to.equal(isLive(row))
    if (isLive(row)) model.rows[index] = { ...row, isWithinGrace: false, usedAt: (model.now += 1) }
  }),
)

const replicateStep = which.map((given) =>
  step(`a standby has the commits of ${given}`, async (model, real) => {
    const { index, session, row } = sessionAt(model, real, given)
    session.saved = await saveRow(real.server, session.sessionId)
    model.saved[index] = row
  }),
)

const failOverStep = which.map((given) =>
  step(`the later commits of ${given} are lost`, async (model, real) => {
    const { index, session, row } = sessionAt(model, real, given)
    await restoreRow(real.server, session.saved)
    model.rows[index] = model.saved[index] ?? row
  }),
)

const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value)

/** As often as they are listed. */
export const steps = [
  ...times(20, refreshStep(which, process)),
  ...times(3, signInStep),
  ...times(3, passTimeStep),
  ...times(2, replicateStep),
  ...times(2, failOverStep),
  revokeStep,
  revokeAllStep,
  reauthenticateStep,
]
