import { expect } from 'chai'
import { checkRing, RingMismatch } from '../../../src/server/tokens/ring-check.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { aSignedInPerson, refresh } from '../../support/people.ts'
import { onStore, startServer, TEST_SECRET } from '../../support/server.ts'

const NEXT = 'pW7u3Xq9Zt1Vb5Ny8Mk2Lj6Hg4Fd0SaQeRc'
const STRANGER = 'Zz8Yy7Xx6Ww5Vv4Uu3Tt2Ss1Rr0Qq9Pp8Oo'

const failure = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

describe('a process that starts with another secret', () => {
  onStore('postgresql', (server) => {
    it('does not start on a database that never saw it, once there are sessions, and says what to do', async () => {
      const { databaseUrl } = server()
      await aSignedInPerson(server().url)
      const error = await failure(
        startServer('postgresql', { DATABASE_URL: databaseUrl ?? '', HALLPASS_SECRET: STRANGER }),
      )
      expect(error).to.be.instanceOf(RingMismatch)
      expect(error.message)
        .to.include('HALLPASS_SECRET ')
        .and.include('HALLPASS_SECRET_PREVIOUS')
        .and.not.include(STRANGER)
    })

    it('comes in by two deploys, while devices go on refreshing through every process', async () => {
      const { url, databaseUrl } = server()
      const DATABASE_URL = databaseUrl ?? ''
      const person = await aSignedInPerson(url)

      const accepting = await startServer('postgresql', { DATABASE_URL, HALLPASS_SECRET_PREVIOUS: NEXT })
      const using = await startServer('postgresql', {
        DATABASE_URL,
        HALLPASS_SECRET: NEXT,
        HALLPASS_SECRET_PREVIOUS: TEST_SECRET,
      })
      try {
        const first = await refresh(accepting.url, person.refreshToken)
        expect(first.body.refresh_token).to.be.a('string')
        const second = await refresh(using.url, first.body.refresh_token)
        expect(second.status).to.equal(200)
        const third = await refresh(accepting.url, second.body.refresh_token)
        expect(third.status, 'a token of the new secret is good where it is only accepted').to.equal(200)

        const moved = await refresh(using.url, third.body.refresh_token)
        const early = await refresh(url, moved.body.refresh_token)
        expect(early.body, 'a process of before the first deploy keeps the device waiting, not signed out').to.include({
          error: 'invalid_grant',
          reason: 'unknown_key',
          terminal: false,
        })
        expect((await refresh(using.url, moved.body.refresh_token)).status).to.equal(200)
      } finally {
        await accepting.stop()
        await using.stop()
      }
    })

    it('does not start when it cannot open the active signing key', async () => {
      const { hallpass } = server()
      // Seen, but not the one that sealed the key, and that one is gone.
      const error = await failure(checkRing(hallpass.store.database, createRing(NEXT), false))
      expect(error).to.be.instanceOf(RingMismatch)
      expect(error.message).to.include('signing key').and.include('HALLPASS_SECRET_PREVIOUS')
    })

    it('starts when told to accept it, and makes a key that it can use', async () => {
      const { hallpass } = server()
      await checkRing(hallpass.store.database, createRing(STRANGER), true)
      await checkRing(hallpass.store.database, createRing(TEST_SECRET), false)
    })
  })
})
