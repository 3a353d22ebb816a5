import { expect } from 'chai'
import fc from 'fast-check'
import { CredentialStore, Device, presentTo, type Credential, type RefreshAnswer } from '../support/device.ts'
import { HOUR, moveTimes, rowOf } from '../support/rows.ts'
import { onStore, type StoreKind, type TestServer } from '../support/server.ts'
import { createSession, createUser, restoreRow, saveRow, type SavedRow } from '../support/sessions.ts'
import { expectOneLineage, start } from './life.ts'
import { LIMIT, steps } from './steps.ts'

/** PostgreSQL inside the process is several times slower than a real one, and the rules are the same. */
const RUNS: Record<StoreKind, { lives: number; devices: number; thieves: number }> = {
  embedded: { lives: 10, devices: 10, thieves: 10 },
  postgresql: { lives: 40, devices: 40, thieves: 40 },
}

describe('the refresh rules, in any order of events', function () {
  this.timeout(300_000)

  for (const store of ['embedded', 'postgresql'] as const) {
    onStore(
      store,
      (server) => {
        it('answer what the model says, leave what it says, and keep one lineage alive', () =>
          fc.assert(
            fc.asyncProperty(fc.commands(steps, { maxCommands: 60, size: 'max' }), async (commands) => {
              const { model, real } = await start(server())
              await fc.asyncModelRun(() => ({ model, real }), commands)
              await expectOneLineage(model, real)
            }),
            { numRuns: RUNS[store].lives },
          ))

        it('sign no honest device out, whatever is lost, late or repeated', () =>
          fc.assert(
            fc.asyncProperty(fc.array(mishap, { maxLength: 40, size: 'max' }), (mishaps) =>
              liveWith(server(), mishaps),
            ),
            { numRuns: RUNS[store].devices },
          ))

        it('catch whoever uses a copied token, at the latest when the grace is over', () =>
          fc.assert(
            fc.asyncProperty(fc.array(deed, { maxLength: 25, size: 'max' }), fc.boolean(), (deeds, isConstant) =>
              stealFrom(server(), deeds, isConstant),
            ),
            { numRuns: RUNS[store].thieves },
          ))
      },
      { HALLPASS_MAX_SESSIONS: String(LIMIT), HALLPASS_REFRESH_GRACE: '10m' },
    )
  }
})

/** What can happen to an honest device between two of its refreshes, and during one. */
const mishap = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('refresh' as const),
      /** What becomes of each attempt, until one is answered. */
      attempts: fc.array(fc.constantFrom('request lost', 'answer lost', 'sent twice'), { maxLength: 3 }),
    }),
  },
  /** An old request arrives once more, with its key; so late that it is not kept for ever. */
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('late duplicate' as const), back: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'grace over' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'commit reached the standby' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'later commits lost' as const }) },
)
type Mishap = typeof mishap extends fc.Arbitrary<infer Value> ? Value : never

async function liveWith(server: TestServer, mishaps: Mishap[]): Promise<void> {
  const session = await createSession(server, await createUser(server))
  /** What went over the wire since the last lost commit, the latest first. */
  let sent: Credential[] = []
  let attempts: string[] = []
  let saved: SavedRow = await saveRow(server, session.sessionId)

  const device = new Device(new CredentialStore(session.refreshToken), async (credential) => {
    const fate = attempts.shift()
    if (fate === 'request lost') return LOST
    if (sent[0] !== credential) sent.unshift(credential)
    const answer = await presentTo(server.hallpass.sessions, credential)
    if (fate === 'sent twice') return presentTo(server.hallpass.sessions, credential)
    return fate === 'answer lost' ? LOST : answer
  })

  for (const event of mishaps) {
    if (event.kind === 'refresh') {
      attempts = [...event.attempts]
      await device.refresh()
    } else if (event.kind === 'late duplicate') {
      const late = sent[event.back - 1]
      if (late !== undefined) await presentTo(server.hallpass.sessions, late)
    } else if (event.kind === 'grace over') {
      await moveTimes(server, session, { rotated_at: -HOUR })
    } else if (event.kind === 'commit reached the standby') {
      saved = await saveRow(server, session.sessionId)
    } else {
      await restoreRow(server, saved)
      sent = []
    }
    expect(device.refusal, JSON.stringify(event)).to.equal(null)
  }
  await device.refresh()
  expect(device.isSignedIn).to.equal(true)
}

const LOST: RefreshAnswer = { kind: 'unanswered' }

/** What a device and somebody with a copy of its token do. */
const deed = fc.constantFrom('device refreshes', 'answer lost', 'copied', 'thief refreshes', 'grace over')

async function stealFrom(server: TestServer, deeds: string[], hasConstantKey: boolean): Promise<void> {
  const session = await createSession(server, await createUser(server))
  const { sessions } = server.hallpass
  const keyed = ({ refreshToken, key }: Credential): Credential =>
    hasConstantKey ? { refreshToken, key: 'the same for ever' } : { refreshToken, key }
  let isLost = false
  const device = new Device(new CredentialStore(session.refreshToken), async (credential) => {
    const answer = await presentTo(sessions, keyed(credential))
    if (!isLost) return answer
    isLost = false
    return LOST
  })

  let stolen: string | undefined
  const thiefRefreshes = async (): Promise<void> => {
    if (stolen === undefined) return
    // A constant key is no secret; one that is made for each token is not copied with the token.
    const key = hasConstantKey ? { key: 'the same for ever' } : {}
    const answer = await presentTo(sessions, { refreshToken: stolen, ...key })
    if (answer.kind === 'granted') stolen = answer.refreshToken
  }
  const graceEnds = () => moveTimes(server, session, { rotated_at: -HOUR })

  for (const each of deeds) {
    isLost = each === 'answer lost'
    if (each === 'device refreshes' || each === 'answer lost') await device.refresh()
    else if (each === 'copied') stolen = device.store.read()?.refreshToken ?? stolen
    else if (each === 'thief refreshes') await thiefRefreshes()
    else await graceEnds()
  }
  if (stolen === undefined) {
    expect(device.refusal, 'nobody stole anything').to.equal(null)
    return
  }
  // They take turns, each time after the grace: with one token for two there is no third turn.
  for (let turn = 0; turn < 3; turn += 1) {
    await graceEnds()
    await thiefRefreshes()
    await graceEnds()
    await device.refresh()
  }
  expect((await rowOf(server, session)).revoked_reason).to.equal('token_reuse')
  expect(await presentTo(sessions, { refreshToken: stolen })).to.include({ reason: 'token_reuse' })
}
