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

      for (const atLimit of ['drop_oldest', 'refuse', 'ask'] as const) {
        it(`never leave a person more sessions than a client allows that says ${atLimit}`, async () => {
          await service().aside.hallpass.clients.save(atLimit, { maxSessions: 3, atLimit })
          const email = await register(service().url(0))
          const body = { email, password: PASSWORD, client_id: atLimit }
          const answers = await Promise.all(
            Array.from({ length: 12 }, (_, turn) =>
              untilAnswered(() => send<SignInBody>(`${service().url(turn)}/v1/sessions`, { body })),
            ),
          )
          const [one, ...others] = answers.filter(({ status }) => status === 201)
          expect(others).to.have.length(atLimit === 'drop_oldest' ? 11 : 2)
          const refused = answers.filter(({ status }) => status !== 201)
          expect(new Set(refused.map(({ status }) => status))).to.deep.equal(new Set(refused.length > 0 ? [409] : []))

          const alive: string[] = []
          for (const { body: signedIn } of [one, ...others].filter((each) => each !== undefined)) {
            const answer = await untilAnswered(() => refresh(service().url(0), signedIn.refresh_token))
            if (answer.status === 200) alive.push(answer.body.refresh_token)
          }
          expect(alive).to.have.length(3)
        })
      }

      it('choose one and the same device, of which one sign-in takes the place', async () => {
        await service().aside.hallpass.clients.save('asking', { maxSessions: 2, atLimit: 'ask' })
        const email = await register(service().url(0))
        const body = { email, password: PASSWORD, client_id: 'asking' }
        const url = `${service().url(0)}/v1/sessions`
        const [first] = [await send<{ session: { id: string } }>(url, { body }), await send(url, { body })]
        const chosen = { ...body, end_session_id: first.body.session.id }
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, turn) =>
            untilAnswered(() => send(`${service().url(turn)}/v1/sessions`, { body: chosen })),
          ),
        )
        const statuses = answers.map(({ status }) => status)
        expect(statuses).to.have.members([201, ...Array<number>(7).fill(409)])
      })

      it('hold to what was changed in another process, without a restart', async () => {
        const { clients } = service().aside.hallpass
        await clients.save('changing', {})
        const email = await register(service().url(0))
        const body = { email, password: PASSWORD, client_id: 'changing' }
        let { refresh_token: token } = (await send<SignInBody>(`${service().url(1)}/v1/sessions`, { body })).body
        await clients.save('changing', { idleTtl: 3600, accessTtl: 60 })
        for (;;) {
          const answer = await refresh(service().url(1), token)
          expect(answer.status).to.equal(200)
          token = answer.body.refresh_token
          // It has not heard yet, or heard between the statement and the token.
          if (answer.body.expires_in > 60 || answer.body.refresh_expires_in > 3600) continue
          expect(answer.body.refresh_expires_in).to.be.within(3590, 3600)
          return
        }
      })
    },
    { HALLPASS_MAX_SESSIONS: String(LIMIT) },
  )
})
