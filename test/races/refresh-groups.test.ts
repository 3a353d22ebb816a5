import { expect } from 'chai'
import type { Statement } from '../../src/server/database/database.ts'
import type { IssuedTokens } from '../../src/server/sessions/token-issuance.ts'
import { connectTo } from '../support/held.ts'
import { generationOf } from '../support/people.ts'
import { isAlive, rowOf } from '../support/rows.ts'
import { onBothStores, onStore, type TestServer } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'

/** What is presented together with others is asked of the database together; the first one goes ahead. */
describe('Refreshes that are under way at once', function () {
  this.timeout(60_000)

  const refreshAt = ({ hallpass }: TestServer, refreshToken: string, idempotencyKey: string | null = null) =>
    hallpass.sessions.refresh({ refreshToken, transport: 'body', clientId: null, idempotencyKey, ip: '192.0.2.1' })

  const reasonOf = (ended: PromiseSettledResult<IssuedTokens>): unknown =>
    ended.status === 'fulfilled' ? 'granted' : (ended.reason as { extra?: { reason?: string } }).extra?.reason

  /** Of devices that were seen before: nothing about them is new. */
  async function makeSessions(server: TestServer, count: number) {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const session = await createSession(server, await createUser(server))
        const { refreshToken } = await refreshAt(server, session.refreshToken)
        return { ...session, refreshToken }
      }),
    )
  }

  /** Names of the statements meanwhile. */
  async function statementsOf({ hallpass }: TestServer, work: () => Promise<unknown>): Promise<string[]> {
    const { database } = hallpass.store
    const itself = { ...database }
    const names: string[] = []
    database.query = (statement: Statement<never>, values) => {
      names.push(statement.name)
      return itself.query(statement, values)
    }
    try {
      await work()
    } finally {
      Object.assign(database, itself)
    }
    return names.filter((name) => name.startsWith('refresh.'))
  }

  onBothStores((server) => {
    it('share a statement, and each gets the successor of its own token', async () => {
      const sessions = await makeSessions(server(), 20)
      let tokens: IssuedTokens[] = []
      const statements = await statementsOf(server(), async () => {
        tokens = await Promise.all(sessions.map(({ refreshToken }) => refreshAt(server(), refreshToken)))
      })
      expect(statements).to.deep.equal(['refresh.rotate', 'refresh.rotate_many'])
      expect(tokens.map(({ sessionId }) => sessionId)).to.deep.equal(sessions.map(({ sessionId }) => sessionId))
      expect(tokens.map(({ refreshToken }) => generationOf(refreshToken))).to.deep.equal(sessions.map(() => 2))
      const again = await Promise.all(tokens.map(({ refreshToken }) => refreshAt(server(), refreshToken)))
      expect(again.map(({ refreshToken }) => generationOf(refreshToken))).to.deep.equal(sessions.map(() => 3))
    })

    it('keep apart what each of them sent', async () => {
      const sessions = await makeSessions(server(), 5)
      const clients = [null, 'default', 'another application', null, null]
      const presented = sessions.map(({ refreshToken }, index) => ({
        refreshToken,
        transport: index === 3 ? ('cookie' as const) : ('body' as const),
        clientId: clients[index] ?? null,
        idempotencyKey: `key ${index}`,
        ip: index === 4 ? null : `192.0.2.${index}`,
      }))
      const ended = await Promise.allSettled(presented.map((each) => server().hallpass.sessions.refresh(each)))
      expect(ended.map(reasonOf)).to.deep.equal(['granted', 'granted', 'wrong_client', 'wrong_transport', 'granted'])
      const repeated = await Promise.allSettled(presented.map((each) => server().hallpass.sessions.refresh(each)))
      expect(repeated.map(reasonOf)).to.deep.equal(ended.map(reasonOf))
      const generations = await Promise.all(
        sessions.map(async (session) => (await rowOf(server(), session)).generation),
      )
      expect(generations).to.deep.equal([2, 2, 1, 1, 2])
    })

    it('of one session are one rotation, and the others know nothing of it', async () => {
      const [twice, ...others] = await makeSessions(server(), 10)
      const presented = [...others, twice, twice, twice].map((session) => session?.refreshToken ?? '')
      const tokens = await Promise.all(presented.map((refreshToken) => refreshAt(server(), refreshToken)))
      expect(new Set(tokens.slice(-3).map(({ refreshToken }) => refreshToken)).size).to.equal(1)
      expect(tokens.map(({ refreshToken }) => generationOf(refreshToken))).to.deep.equal(tokens.map(() => 2))
    })

    it('end the session of a token that was stolen, and no other', async () => {
      const [stolen, ...others] = await makeSessions(server(), 10)
      if (stolen === undefined) throw new Error('there are no sessions')
      const old = stolen.refreshToken
      let { refreshToken } = await refreshAt(server(), old)
      ;({ refreshToken } = await refreshAt(server(), refreshToken))
      const presented = [...others.map((session) => session.refreshToken), old]
      const ended = await Promise.allSettled(presented.map((token) => refreshAt(server(), token)))
      expect(ended.map(reasonOf)).to.deep.equal([...others.map(() => 'granted'), 'token_reuse'])
      expect(await Promise.all(others.map((session) => isAlive(server(), session)))).not.to.include(false)
      expect(await isAlive(server(), stolen)).to.equal(false)
    })
  })

  onStore('postgresql', (server) => {
    it('do not wait for a row that somebody else holds, which is refreshed when it is free', async () => {
      const [held, ...others] = await makeSessions(server(), 20)
      if (held === undefined) throw new Error('there are no sessions')
      const other = await connectTo(server().databaseUrl)
      try {
        await other.query('begin')
        await other.query('select from sessions where id = $1 for update', [held.sessionId])
        const first = refreshAt(server(), others[0]?.refreshToken ?? '')
        const waiting = refreshAt(server(), held.refreshToken)
        const rest = others.slice(1).map(({ refreshToken }) => refreshAt(server(), refreshToken))
        const tokens = await Promise.all([first, ...rest])
        expect(tokens.map(({ refreshToken }) => generationOf(refreshToken))).to.deep.equal(others.map(() => 2))
        expect(await other.isWaitedForBy(waiting), 'the held one waits').to.equal(true)
        await other.query('commit')
        expect(generationOf((await waiting).refreshToken)).to.equal(2)
      } finally {
        await other.end()
      }
    })
  })

  onStore(
    'postgresql',
    (server) => {
      it('share none where that is switched off', async () => {
        const sessions = await makeSessions(server(), 3)
        const statements = await statementsOf(server(), () =>
          Promise.all(sessions.map(({ refreshToken }) => refreshAt(server(), refreshToken))),
        )
        expect(statements).to.deep.equal(['refresh.rotate', 'refresh.rotate', 'refresh.rotate'])
      })
    },
    { HALLPASS_REFRESH_GROUPS: 'off' },
  )
})
