import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { accessibilityFaults } from '../support/accessibility.ts'
import { useBrowser, type OpenedPage } from '../support/browser.ts'
import { callSessions, PASSWORD, register, signIn, signInByCookie, type SignedIn } from '../support/people.ts'
import { eventually } from '../support/revocation-feed.ts'
import { HOUR, isAlive, moveTimes } from '../support/rows.ts'
import { onStore } from '../support/server.ts'

const FIREFOX = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' }
const PHONE = {
  'user-agent':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
}
const EVENTS = '/v1/sessions/current/events'
const HOSTILE = `<img src=x onerror="document.title='broken'">`

/** Each of both once: day and night, narrow and wide. */
const VIEWS = [
  ['light', 320],
  ['dark', 1280],
] as const

describe('The page of your devices, in a browser', () => {
  onStore('embedded', (server) => {
    const openPage = useBrowser()
    let email: string
    beforeEach(async () => {
      email = await register(server().url)
    })

    const devices = (): string => `${server().url}/devices`

    /** A browser in which somebody is signed in, at the page. */
    async function aBrowserAtThePage(
      options: BrowserContextOptions = {},
      signedIn?: SignedIn,
    ): Promise<OpenedPage & { device: SignedIn }> {
      const device = signedIn ?? (await signInByCookie(server().url, email, { body: { device_name: 'My laptop' } }))
      const opened = await openPage(options)
      await opened.page
        .context()
        .addCookies([{ name: 'hallpass', value: device.refreshToken, url: server().url, sameSite: 'Strict' }])
      await opened.page.goto(devices())
      return { ...opened, device }
    }

    /** Once its stream is open, whatever happens from now on is told. */
    async function aBrowserThatIsTold(): ReturnType<typeof aBrowserAtThePage> {
      const opened = await aBrowserAtThePage()
      const isOpen = opened.page.waitForResponse((response) => response.url().endsWith('/v1/sessions/current/events'))
      await opened.page.reload()
      expect((await isOpen).status()).to.equal(200)
      return opened
    }

    it('lets two browsers of one person see each other, name each other and end each other', async () => {
      const first = await openPage()
      await first.page.goto(devices())
      expect(new URL(first.page.url()).pathname).to.equal('/sign-in')
      await first.page.getByLabel('Email address').fill(email)
      await first.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
      await first.page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await first.page.getByRole('heading', { name: 'Your devices' }).waitFor()
      expect(await deviceNames(first.page)).to.have.lengthOf(1)

      const second = await aBrowserAtThePage()
      expect(await deviceNames(second.page)).to.have.lengthOf(2)
      expect((await deviceNames(second.page))[0]).to.include('My laptop')
      const other = second.page.locator('li.device').nth(1)
      await other.getByText('Rename').click()
      await other.getByLabel('Name of this device').fill('Other browser')
      await other.getByRole('button', { name: 'Save name' }).click()
      await second.page.getByRole('status').getByText('The new name is saved: Other browser.').waitFor()
      expect(new URL(second.page.url()).search).to.equal('')

      await second.page.getByRole('button', { name: 'Sign out Other browser' }).click()
      await second.page.getByRole('status').getByText('Other browser is signed out.').waitFor()
      expect(await deviceNames(second.page)).to.have.lengthOf(1)
      await second.page.getByRole('button', { name: 'Undo: keep Other browser signed in' }).click()
      await second.page.getByRole('status').getByText('Undone: Other browser stays signed in.').waitFor()
      expect(await deviceNames(second.page)).to.have.lengthOf(2)
      await first.page.reload()
      expect(await deviceNames(first.page)).to.have.lengthOf(2)

      await second.page.getByRole('button', { name: 'Sign out My laptop' }).click()
      await second.page.getByRole('heading', { name: 'You are signed out' }).waitFor()
      expect(await second.page.context().cookies()).to.be.empty
      for (const { violations } of [first, second]) expect(violations).to.be.empty
    })

    describe('kept open', () => {
      it('shows a device that signs in elsewhere, says so, and loses nothing of what is being done', async () => {
        const { page, violations, device } = await aBrowserThatIsTold()
        await page.locator('li.device').first().getByText('Rename').click()
        const field = page.getByLabel('Name of this device').first()
        await field.fill('Half a na')
        await page.evaluate("window.sameDocument = true; document.activeElement.setSelectionRange(2, 4, 'backward')")

        const phone = await signIn(server().url, email, { headers: PHONE, body: { device_name: HOSTILE } })
        await page.getByRole('status').getByText('A device has signed in').waitFor()
        expect(await deviceNames(page)).to.have.lengthOf(2)
        expect(await page.getByRole('heading', { name: HOSTILE }).count()).to.equal(1)
        expect(await page.getByRole('status').textContent()).to.include(HOSTILE)
        expect(await page.locator('img').count()).to.equal(0)
        expect(await page.getByRole('button', { name: 'Sign out all other devices' }).isVisible()).to.be.true

        expect(await page.evaluate('window.sameDocument')).to.be.true
        expect(await field.inputValue()).to.equal('Half a na')
        expect(await page.evaluate('[document.activeElement.id, document.activeElement.selectionStart]')).to.deep.equal(
          [`name-${device.sessionId}`, 2],
        )

        await callSessions(server().url, 'DELETE', '/current', phone.accessToken)
        await page.getByRole('status').getByText('A device was signed out').waitFor()
        expect(await deviceNames(page)).to.have.lengthOf(1)
        expect(await page.getByRole('button', { name: 'Sign out all other devices' }).isVisible()).to.be.false
        expect(await field.inputValue()).to.equal('Half a na')
        expect(violations).to.be.empty
      })

      it('shows a name that was given elsewhere, also in the words of its buttons', async () => {
        const phone = await signIn(server().url, email, { headers: PHONE })
        const { page } = await aBrowserThatIsTold()
        await callSessions(server().url, 'PATCH', '/current', phone.accessToken, { device_name: "Jo$'s $& phone" })
        await page.getByRole('status').getByText("A device has a new name: Jo$'s $& phone").waitFor()
        await callSessions(server().url, 'PATCH', '/current', phone.accessToken, { device_name: 'Work phone' })
        await page.getByRole('status').getByText('A device has a new name: Work phone').waitFor()
        expect(await page.getByRole('heading', { name: 'Work phone' }).count()).to.equal(1)
        for (const button of ['Sign out Work phone', 'Details of Work phone', 'Rename Work phone']) {
          expect(await page.getByLabel(button, { exact: true }).count(), button).to.equal(1)
        }
      })

      it('moves the cursor to what was said when the device under it is gone', async () => {
        const phone = await signIn(server().url, email, { body: { device_name: 'Phone' } })
        const { page } = await aBrowserThatIsTold()
        await page.getByRole('button', { name: 'Sign out Phone' }).focus()
        await callSessions(server().url, 'DELETE', '/current', phone.accessToken)
        await page.getByRole('heading', { name: 'Phone' }).waitFor({ state: 'detached' })
        expect(await page.evaluate('document.activeElement.id')).to.equal('notice')
      })

      it('offers to undo what was signed out elsewhere, tells it in the history, and leaves the cursor where it is', async () => {
        const phone = await signIn(server().url, email, { body: { device_name: 'Phone' } })
        const tablet = await signIn(server().url, email, { body: { device_name: 'Tablet' } })
        const { page, device } = await aBrowserThatIsTold()
        const undo = (name: string) => page.getByRole('button', { name: `Undo: keep ${name} signed in` })
        await callSessions(server().url, 'DELETE', `/${phone.sessionId}`, tablet.accessToken)
        await undo('Phone').focus()
        await callSessions(server().url, 'DELETE', `/${tablet.sessionId}`, device.accessToken)
        await undo('Tablet').waitFor()
        expect(await page.evaluate('document.activeElement.id')).to.equal(`undo-${phone.sessionId}`)
        expect(await page.locator('.history li').first().textContent()).to.match(/Signed out Tablet from this device/)
        await callSessions(server().url, 'PATCH', `/${phone.sessionId}`, device.accessToken, { revoked: false })
        await page.getByRole('heading', { name: 'Phone', level: 2 }).waitFor()
        expect(await undo('Phone').count()).to.equal(0)
        expect(await page.evaluate('document.activeElement.id')).to.equal('notice')
        await undo('Tablet').press('Enter')
        await page.getByRole('status').getByText('Undone: Tablet stays signed in.').waitFor()
      })

      it('says why it is over when it is signed out from another browser, and leads back in', async () => {
        const { page, violations } = await aBrowserThatIsTold()
        const second = await aBrowserAtThePage({}, await signInByCookie(server().url, email, { headers: FIREFOX }))
        await second.page.getByRole('button', { name: 'Sign out My laptop' }).click()
        await page.getByText('It was signed out from another of your devices.').waitFor()
        expect(await page.evaluate('document.activeElement.textContent')).to.equal('This device is signed out')
        expect(await page.title()).to.equal('This device is signed out')
        expect(await page.getByRole('listitem').count()).to.equal(0)
        expect(await page.getByRole('paragraph').count()).to.equal(1)
        expect(await accessibilityFaults(page)).to.deep.equal([])
        await page.getByRole('link', { name: 'Sign in' }).click()
        await page.getByRole('heading', { name: 'Sign in' }).waitFor()
        expect(violations).to.be.empty
      })

      it('says so too when nobody was listening while it ended', async () => {
        const { page, device } = await aBrowserThatIsTold()
        // As when the page is left and come back to.
        await page.evaluate("dispatchEvent(new Event('pagehide'))")
        await callSessions(server().url, 'DELETE', '/current', device.accessToken)
        await page.evaluate("dispatchEvent(new Event('pageshow'))")
        await page.getByRole('heading', { name: 'This device is signed out' }).waitFor()
      })

      it('leaves no connection open where nobody looks, and catches up when somebody does', async () => {
        const { page } = await aBrowserThatIsTold()
        const closed = page.waitForEvent('requestfailed', (request) => request.url().endsWith(EVENTS))
        await look(page, false)
        await closed
        await signIn(server().url, email, { body: { device_name: 'Phone' } })
        const requests: string[] = []
        page.on('request', (request) => requests.push(request.url()))
        await page.evaluate("dispatchEvent(new Event('pageshow'))")
        expect(requests, 'not even a page that is shown again in a tab behind others').to.be.empty
        await look(page, true)
        await page.getByRole('status').getByText('A device has signed in: Phone').waitFor()
      })

      it('shows the list of somebody else who has signed in in another tab, and mixes nothing', async () => {
        const { page } = await aBrowserThatIsTold()
        const other = await signInByCookie(server().url, await register(server().url), {
          body: { device_name: "Somebody else's laptop" },
        })
        await page
          .context()
          .addCookies([{ name: 'hallpass', value: other.refreshToken, url: server().url, sameSite: 'Strict' }])
        await signIn(server().url, email)
        await page.getByRole('heading', { name: "Somebody else's laptop" }).waitFor()
        expect(await deviceNames(page)).to.have.lengthOf(1)
        expect(await page.getByRole('status').textContent()).to.match(/^\s*$/)
        await page.getByRole('button', { name: "Sign out Somebody else's laptop" }).click()
        await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
      })

      it('asks for the list once more, however much has happened while an answer was on its way', async () => {
        const { page } = await aBrowserThatIsTold()
        let arrive = (): void => undefined
        const isHeldUp = new Promise<void>((resolve) => (arrive = resolve))
        let asked = 0
        await page.route('**/devices', async (route) => {
          asked += 1
          await isHeldUp
          await route.continue()
        })
        await page.evaluate("told = 0, source.addEventListener('sessions_changed', () => (told += 1))")
        for (const [before, name] of ['One', 'Two', 'Three', 'Four', 'Five'].entries()) {
          await signIn(server().url, email, { body: { device_name: name } })
          await eventually(async () => Number(await page.evaluate('told')) > before)
        }
        arrive()
        await page.getByRole('heading', { name: 'Five' }).waitFor()
        await page.evaluate('updating')
        expect(asked).to.be.at.most(2)
      })

      it('goes on with a password that was confirmed, also for a device that came later', async () => {
        const phone = await signIn(server().url, email, { body: { device_name: 'Phone' } })
        const { page, device } = await aBrowserAtThePage()
        await moveTimes(server(), device, { authenticated_at: -HOUR })
        await page.getByRole('button', { name: 'Sign out Phone' }).click()
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
        await page.getByRole('button', { name: 'Sign out Phone' }).click()
        await page.getByRole('status').getByText('Phone is signed out.').waitFor()
        expect(await isAlive(server(), phone)).to.be.false

        const tablet = await signIn(server().url, email, { body: { device_name: 'Tablet' } })
        await page.getByRole('button', { name: 'Sign out Tablet' }).click()
        await page.getByRole('status').getByText('Tablet is signed out.').waitFor()
        expect(await isAlive(server(), tablet)).to.be.false
      })

      it('tells times in the time zone of the person, and goes on telling them', async () => {
        const phone = await signIn(server().url, email, { body: { device_name: 'Phone' } })
        const { page } = await aBrowserAtThePage({ timezoneId: 'Asia/Tokyo' })
        await page.clock.install()
        await page.reload()
        const time = page.locator(`#device-${phone.sessionId} time.ago`)
        expect(await time.textContent()).to.equal('just now')
        await page.clock.runFor('02:00:00')
        expect(await time.textContent()).to.equal('2 hours ago')
        const at = new Date((await time.getAttribute('datetime')) ?? '')
        const inTokyo = new Intl.DateTimeFormat('en', {
          dateStyle: 'long',
          timeStyle: 'short',
          timeZone: 'Asia/Tokyo',
        })
        expect(await time.getAttribute('title')).to.equal(inTokyo.format(at))
      })
    })

    it('keeps the way back when it is loaded again, and forgets what was done', async () => {
      const { page } = await aBrowserAtThePage()
      await page.goto(`${devices()}?done=others&return_to=/healthz`)
      expect(new URL(page.url()).search).to.equal('?return_to=%2Fhealthz')
      await page.reload()
      await page.getByRole('link', { name: 'Back to localhost' }).click()
      await page.waitForURL('**/healthz')
    })

    it('can be used by keyboard alone, from the first device to the last', async () => {
      await signIn(server().url, email, { body: { device_name: 'Phone' } })
      const { page, device } = await aBrowserAtThePage()
      const reached: string[] = []
      for (let count = 0; count < 8; count += 1) {
        await page.keyboard.press('Tab')
        reached.push(await page.evaluate('document.activeElement.ariaLabel ?? document.activeElement.textContent'))
        expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).to.equal('solid')
      }
      expect(reached.map((words) => words.trim())).to.deep.equal([
        'get a link for a new password by mail',
        'Details of My laptop',
        'Rename My laptop',
        'Sign out My laptop',
        'Details of Phone',
        'Rename Phone',
        'Sign out Phone',
        'Sign out all other devices',
      ])
      for (let count = 0; count < 5; count += 1) await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('Space')
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.id')).to.equal(`name-${device.sessionId}`)
      await page.keyboard.press('ControlOrMeta+a')
      await page.keyboard.type('Desk')
      await page.keyboard.press('Enter')
      await page.getByRole('status').getByText('The new name is saved: Desk.').waitFor()
      expect(await page.evaluate('document.activeElement.id')).to.equal('notice')
    })

    it('asks for the password by keyboard alone, and again when it was wrong', async () => {
      const phone = await signIn(server().url, email, { body: { device_name: 'Phone' } })
      const { page, device, violations } = await aBrowserAtThePage()
      await moveTimes(server(), device, { authenticated_at: -HOUR })
      await page.getByRole('button', { name: 'Sign out all other devices' }).press('Enter')
      await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
      expect(await page.evaluate('document.activeElement.id')).to.equal('password')
      await page.keyboard.type('not it')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').getByText('This is not the password of your account.').waitFor()
      expect(await page.evaluate('document.activeElement.id')).to.equal('password')
      expect(await accessibilityFaults(page)).to.deep.equal([])
      await page.keyboard.type(PASSWORD)
      await page.keyboard.press('Enter')
      await page.getByRole('status').getByText('Every other device is signed out.').waitFor()
      expect(await isAlive(server(), phone)).to.be.false
      expect(violations).to.be.empty
    })

    it('does all of it without a script', async () => {
      const phone = await signIn(server().url, email, { body: { device_name: 'Phone' } })
      await signIn(server().url, email, { body: { device_name: 'Tablet' } })
      const { page, device } = await aBrowserAtThePage({ javaScriptEnabled: false })
      await moveTimes(server(), device, { authenticated_at: -HOUR })
      await page.getByLabel('Details of Phone').click()
      expect(await page.locator(`#device-${phone.sessionId} dl`).textContent()).to.include('UTC')
      await page.getByLabel('Rename Phone').click()
      await page.locator(`#name-${phone.sessionId}`).fill('Old phone')
      await page.keyboard.press('Enter')
      await page.getByText('The new name is saved: Old phone.').waitFor()
      await page.getByRole('button', { name: 'Sign out Old phone' }).click()
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
      await page.keyboard.press('Enter')
      await page.getByText('Old phone is signed out.').waitFor()
      await page.getByRole('button', { name: 'Undo: keep Old phone signed in' }).click()
      await page.getByText('Undone: Old phone stays signed in.').waitFor()
      await page.getByRole('button', { name: 'Sign out all other devices' }).click()
      await page.getByText('Every other device is signed out.').waitFor()
      expect(await deviceNames(page)).to.have.lengthOf(1)
      await page.getByRole('button', { name: 'Sign out My laptop' }).click()
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    })

    for (const [colorScheme, width] of VIEWS) {
      it(`reads well ${colorScheme === 'light' ? 'by day' : 'by night'}, ${width} px wide, whatever devices are called`, async () => {
        const names = [HOSTILE, 'W'.repeat(100), 'הטלפון שלי 2', 'الهاتف']
        for (const name of names) await signIn(server().url, email, { body: { device_name: name }, headers: PHONE })
        const gone = await signIn(server().url, email, { body: { device_name: 'W'.repeat(100) } })
        const { page, violations, device } = await aBrowserAtThePage({ colorScheme, viewport: { width, height: 640 } })
        await callSessions(server().url, 'DELETE', `/${gone.sessionId}`, device.accessToken)
        await page.reload()
        for (const summary of await page.locator('summary').all()) await summary.click()
        expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(width)
        expect(await page.getByRole('heading', { level: 1 }).count()).to.equal(1)
        expect(await page.getByRole('heading', { level: 2 }).count()).to.equal(names.length + 3)
        expect(await accessibilityFaults(page)).to.deep.equal([])
        await page.evaluate("document.documentElement.dir = 'rtl'")
        expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(width)
        await page.goto(`${server().url}/history`)
        expect(await page.getByRole('listitem').count()).to.equal(names.length + 4)
        expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(width)
        expect(await accessibilityFaults(page)).to.deep.equal([])
        expect(await page.title()).not.to.equal('broken')
        expect(violations).to.be.empty
      }).timeout(60_000)
    }

    describe('opened by a link in a webmail', () => {
      let webmail: Server
      before(async () => {
        webmail = createServer((_, response) => {
          response.setHeader('Content-Type', 'text/html')
          response.end(`<a href="${devices()}">Your devices</a>`)
        })
        webmail.listen(0, '127.0.0.1')
        await once(webmail, 'listening')
      })
      after(() => webmail.close())

      it('is there for whoever is signed in, although the cookie stays behind at first', async () => {
        const { page, violations } = await aBrowserAtThePage({ javaScriptEnabled: false })
        await page.goto(`http://localhost:${(webmail.address() as AddressInfo).port}`)
        await page.getByRole('link').click()
        await page.getByRole('heading', { name: 'Your devices' }).waitFor()
        expect(new URL(page.url()).search).to.equal('?reloaded=1')
        expect(violations).to.be.empty
      })

      it('leads to the sign-in page whoever is not', async () => {
        const { page } = await openPage({ javaScriptEnabled: false })
        await page.goto(`http://localhost:${(webmail.address() as AddressInfo).port}`)
        await page.getByRole('link').click()
        await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      })
    })
  })
})

/** As when its tab comes to the front, or goes behind others; Playwright's are all in front. */
const look = (page: Page, isLookedAt: boolean): Promise<void> =>
  page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${!isLookedAt}, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))`)

const deviceNames = (page: Page): Promise<string[]> => page.locator('li.device h2').allTextContents()
