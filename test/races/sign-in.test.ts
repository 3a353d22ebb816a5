import { expect } from 'chai'
import { untilAnswered } from '../support/device.ts'
import { PASSWORD, refresh, register, send } from '../support/people.ts'
import { onTwoProcesses } from '../support/processes.ts'

const LIMIT = 5

interface SignInBody {
  refresh_token: string
}

describe('sign-ins that arrive at once', function () {
  this.timeout(180_000)

  onTwoProcesses(
    (service) => {
      it('never leave a person more sessions than the limit', async () => {
        const email = await register(service().url(0))
        let total = 0
        for (let round = 0; round < 3; round += 1) {
          const answers = await Promise.all(
            Array.from({ length: 16 }, (_, turn) =>
              untilAnswered(() =>
                send<SignInBody>(`${service().url(turn)}/v1/sessions`, { body: { email, password: PASSWORD } }),
              ),
            ),
          )
          expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([201]))
          total += answers.length

          const alive: string[] = []
          for (const [turn, { body: signedIn }] of answers.entries()) {
            const { status, body } = await untilAnswered(() => refresh(service().url(turn), signedIn.refresh_token))
            if (status === 200) alive.push(body.access_token)
            else expect(body).to.include({ reason: 'session_limit', terminal: true })
          }
          expect(alive).to.have.length(LIMIT)

          const [token = ''] = alive
          const list = async (status: string) =>
            (await send<{ sessions: unknown[] }>(`${service().url(round)}/v1/sessions?status=${status}`, { token }))
              .body.sessions
          expect(await list('active')).to.have.length(LIMIT)
          expect(await list('revoked')).to.have.length(total - LIMIT)
        }
      })
    },
    { HALLPASS_MAX_SESSIONS: String(LIMIT) },
  )
})
