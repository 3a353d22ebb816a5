import { expect } from 'chai'
import { expectProblem } from '../support/expectations.ts'
import { allMailsTo, mailsAbout, mailsFor, tokenIn } from '../support/mail.ts'
import { refresh, register, send, signIn, type SignedIn } from '../support/people.ts'
import { isAlive } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const NEWER_FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0'
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

describe('A device that was not seen before', () => {
  onBothStores(
    (server) => {
      let email: string
      beforeEach(async () => {
        email = await register(server().url)
      })

      const signInFrom = (userAgent: string, ip = '198.51.100.7'): Promise<SignedIn> =>
        signIn(server().url, email, { headers: { 'user-agent': userAgent, 'x-forwarded-for': ip } })
      const isTold = async (): Promise<boolean> => (await allMailsTo(server(), email)).includes('new_device')

      it('is told of by mail: which device, where from and when', async () => {
        await signInFrom(FIREFOX)
        await signInFrom(CHROME, '203.0.113.80')
        const [mail] = await mailsAbout(email, 'new_device')
        expect(mail?.text).to.include('Chrome on Windows').and.include('203.0.113.80')
        expect(mail?.text).to.match(new RegExp(`${new Date().getUTCFullYear()}`))
        expect(mail?.html).to.include('Chrome on Windows')
      })

      it('is not news when it is the first of the account', async () => {
        await signInFrom(FIREFOX)
        expect(await isTold()).to.equal(false)
      })

      it('is not news when one of its kind was there before, near this address, whatever its version', async () => {
        await signInFrom(FIREFOX, '198.51.100.7')
        await signInFrom(NEWER_FIREFOX, '198.51.100.200')
        expect(await isTold()).to.equal(false)
      })

      it('is news from another network, although it looks like one that is known', async () => {
        await signInFrom(FIREFOX, '198.51.100.7')
        await signInFrom(FIREFOX, '203.0.113.7')
        expect(await isTold()).to.equal(true)
      })

      it('takes IPv6 addresses of one /48 for near, and others not', async () => {
        await signInFrom(FIREFOX, '2001:db8:1:1::7')
        await signInFrom(FIREFOX, '2001:db8:1:2::9')
        expect(await isTold()).to.equal(false)
        await signInFrom(FIREFOX, '2001:db8:2:1::7')
        expect(await isTold()).to.equal(true)
      })

      it('is signed out by "this was not me", that device and no other', async () => {
        const mine = await signInFrom(FIREFOX)
        const theirs = await signInFrom(CHROME, '203.0.113.80')
        const [mail] = await mailsFor(email, 'not-me').then(async (mails) =>
          mails.length > 0 ? mails : mailsAbout(email, 'new_device'),
        )
        const token = tokenIn(mail, 'not-me')
        const open = () => fetch(`${server().url}/not-me?token=${token}`)
        for (let count = 0; count < 3; count += 1) expect((await open()).status).to.equal(200)
        expect(await isAlive(server(), theirs), 'opening the link does nothing').to.equal(true)

        const answer = await fetch(`${server().url}/not-me`, {
          method: 'POST',
          headers: { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' },
          body: new URLSearchParams({ token }),
        })
        expect(answer.status).to.equal(200)
        expect(await answer.text(), 'offers a reset').to.include('href="reset"')
        expect((await refresh(server().url, theirs.refreshToken)).body).to.include({ reason: 'not_me', terminal: true })
        expectProblem(
          await send(`${server().url}/v1/users/me`, { token: theirs.accessToken }),
          401,
          'invalid_access_token',
        )
        expect((await refresh(server().url, mine.refreshToken)).status).to.equal(200)
      })

      it('has a link of its own for each device', async () => {
        await signInFrom(FIREFOX)
        const one = await signInFrom(CHROME, '203.0.113.80')
        const other = await signInFrom(CHROME, '192.0.2.80')
        const mails = await mailsAbout(email, 'new_device', 2)
        for (const mail of mails) {
          await fetch(`${server().url}/not-me`, {
            method: 'POST',
            headers: { origin: 'http://localhost' },
            body: new URLSearchParams({ token: tokenIn(mail, 'not-me') }),
          })
        }
        expect([await isAlive(server(), one), await isAlive(server(), other)]).to.deep.equal([false, false])
      })

      it('is told of ten times an hour at most', async () => {
        await signInFrom(FIREFOX)
        for (let count = 0; count < 12; count += 1) await signInFrom(FIREFOX, `203.0.${count}.1`)
        const told = (await allMailsTo(server(), email)).filter((purpose) => purpose === 'new_device')
        expect(told).to.have.lengthOf(10)
      })
    },
    { HALLPASS_TRUSTED_PROXIES: '127.0.0.1' },
  )
})
