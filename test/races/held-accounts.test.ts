import { expect } from 'chai'
import { askedToken, changePassword, NEW_PASSWORD, use } from '../support/email-flows.ts'
import { connectTo, type SecondConnection } from '../support/held.ts'
import { PASSWORD, register, send, signIn, type SignedIn } from '../support/people.ts'
import { isAlive } from '../support/rows.ts'
import { onStore } from '../support/server.ts'

/** A second connection holds the account's row; requests line up behind it, in the order in which they came. */
describe('while an account is held', function () {
  this.timeout(60_000)

  onStore('postgresql', (server) => {
    let other: SecondConnection
    let owner: SignedIn
    let theirs: SignedIn
    beforeEach(async () => {
      other = await connectTo(server().databaseUrl)
      const email = await register(server().url)
      ;[owner, theirs] = [await signIn(server().url, email), await signIn(server().url, email)]
      await other.query('begin')
      await other.query('select from users where id = $1 for no key update', [owner.userId])
    })
    afterEach(() => other.end())

    const deleteAs = ({ accessToken }: SignedIn) =>
      send(`${server().url}/v1/users/me`, { method: 'DELETE', token: accessToken })

    it('a session that a reset ends first deletes no account', async () => {
      const token = await askedTokenWhileFree()
      const resetting = use(server().url, 'reset', { token, password: NEW_PASSWORD })
      await other.isWaitedForBy(resetting)
      const deleting = deleteAs(theirs)
      await other.isWaitedForBy(deleting, 2)
      await other.query('commit')
      expect((await resetting).status).to.equal(204)
      expect((await deleting).status).to.be.oneOf([401, 503])
      await signIn(server().url, owner.email, { body: { password: NEW_PASSWORD } })
    })

    it('a device that is signed out first changes no password and ends nobody', async () => {
      const ending = send(`${server().url}/v1/sessions?except=current`, { method: 'DELETE', token: owner.accessToken })
      await other.isWaitedForBy(ending)
      const changing = changePassword(server().url, theirs.accessToken, PASSWORD, NEW_PASSWORD)
      await other.isWaitedForBy(changing, 2)
      await other.query('commit')
      expect((await ending).status).to.equal(200)
      expect((await changing).status).to.be.oneOf([401, 503])
      expect(await isAlive(server(), owner)).to.equal(true)
      await signIn(server().url, owner.email)
    })

    /** Making a mail's token needs the row, too. */
    async function askedTokenWhileFree(): Promise<string> {
      await other.query('commit')
      const token = await askedToken(server().url, 'reset', owner.email)
      await other.query('begin')
      await other.query('select from users where id = $1 for no key update', [owner.userId])
      return token
    }
  })
})
