import { expect } from 'chai'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { expectOAuthError, expectProblem } from '../support/expectations.ts'
import { aSignedInPerson, send, sendForm } from '../support/people.ts'
import { onBothStores } from '../support/server.ts'

describe('For operators', () => {
  onBothStores((server) => {
    const at = (path: string): string => `${server().url}${path}`

    describe('whoever watches over the process', () => {
      it('learns that it lives and that it can serve', async () => {
        expect(await send(at('/healthz'))).to.deep.include({ status: 200, body: { status: 'ok' } })
        expect(await send(at('/readyz'))).to.deep.include({ status: 200, body: { status: 'ready' } })
      })

      it('learns that it lives but cannot serve while the database is away', async () => {
        const { accessToken } = await aSignedInPerson(server().url)
        await withDatabaseAway(server(), async () => {
          expect((await send(at('/healthz'))).status).to.equal(200)
          expect((await send(at('/readyz'))).status).to.equal(503)
          const answer = await send(at('/v1/sessions'), { token: accessToken })
          expectProblem(answer, 503, 'temporarily_unavailable')
          expect(answer.headers.get('retry-after')).to.match(/^\d+$/)
          const form = { token: accessToken }
          expectOAuthError(await sendForm(at('/oauth/revoke'), form), 'temporarily_unavailable', 503)
        })
        expect((await send(at('/readyz'))).status).to.equal(200)
      })
    })
  })
})
