import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { accessibilityFaults } from '../support/accessibility.ts'
import { useBrowser, type OpenedPage } from '../support/browser.ts'
import { PASSWORD, refresh, register, signIn, signInByCookie, type SignedIn } from '../support/people.ts'
import { HOUR, moveTimes } from '../support/rows.ts'
import { onStore } from '../support/server.ts'

const SYSTEM = { kind: 'system', sessionId: null, ip: null } as const
/** Each of both once: day and night, narrow and wide. */
const VIEWS = [
  ['light', 320],
  ['dark', 1280],
] as const

describe('The pages for operators, in a browser', function () {
  this.timeout(60_000)

  onStore('embedded', (server) => {
    const openPage = useBrowser()
    let admin: SignedIn
    let person: SignedIn
    before(async () => {
      const email = await register(server().url)
      admin = await signInByCookie(server().url, email)
      await server().hallpass.accounts.amend(admin.userId, { role: 'admin' }, SYSTEM)
      person = await signIn(server().url, await register(server().url))
    })

    const at = (path: string): string => `${server().url}/admin${path}`

    async function aBrowser(options: Parameters<typeof openPage>[0] = {}): Promise<OpenedPage> {
      const opened = await openPage(options)
      await opened.page
        .context()
        .addCookies([{ name: 'hallpass', value: admin.refreshToken, url: server().url, sameSite: 'Strict' }])
      return opened
    }

    const press = async (page: Page, name: string): Promise<void> => {
      await page.getByRole('button', { name, exact: true }).click()
      await page.waitForLoadState()
    }

    it('are clean by axe, and fit from a small phone to a desktop, by day and by night', async () => {
      await server().hallpass.webhooks.create({ url: 'https://hooks.example', description: 'Billing', eventTypes: [] })
      const session = `user=${person.userId}&id=${person.sessionId}`
      for (const [colorScheme, width] of VIEWS) {
        const { page, violations } = await aBrowser({ colorScheme, viewport: { width, height: 800 } })
        for (const path of [
          '',
          `/user?id=${person.userId}`,
          `/session?${session}`,
          '/sessions',
          '/keys',
          '/figures',
          '/webhooks',
        ]) {
          await page.goto(at(path))
          const where = `${path} ${colorScheme} ${width}`
          expect(await accessibilityFaults(page), where).to.be.empty
          expect(await page.evaluate('document.documentElement.scrollWidth'), where).to.be.at.most(width)
        }
        await page.goto(at(`/user?id=${person.userId}`))
        await press(page, 'Disable account')
        expect(await accessibilityFaults(page)).to.be.empty
        expect(violations).to.be.empty
        await page.context().close()
      }
    })

    it('lead from finding somebody to an ended session by keyboard alone, without a script', async () => {
      const { page } = await aBrowser({ javaScriptEnabled: false })
      await page.goto(at(''))
      await page.getByLabel('Address, id or subject').focus()
      await page.keyboard.type(person.email)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Found' }).waitFor()
      await page.getByRole('link', { name: person.email }).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: person.email }).waitFor()
      await page.locator('section', { hasText: 'Place' }).getByRole('link').first().focus()
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'End', exact: true }).focus()
      await page.keyboard.press('Enter')
      await page.getByText('The session has ended.').waitFor()
      expect((await refresh(server().url, person.refreshToken)).body.reason).to.equal('revoked_by_admin')
    })

    it('ask for the password once, and go on by what the page carries', async () => {
      await moveTimes(server(), admin, { authenticated_at: -HOUR })
      const { page, violations } = await aBrowser()
      await page.goto(at(`/user?id=${person.userId}`))
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
      await press(page, 'Go on')
      await page.getByRole('heading', { name: person.email }).waitFor()
      await page.getByLabel('In every access token, as JSON').fill('{"plan": "gold"')
      await press(page, 'Save claims')
      await page.getByRole('alert').waitFor()
      expect(await page.getByLabel('In every access token, as JSON').inputValue()).to.equal('{"plan": "gold"')
      await page.getByLabel('In every access token, as JSON').fill('{"plan": "gold"}')
      await press(page, 'Save claims')
      await page.getByText('The claims are saved.').waitFor()
      await press(page, 'Figures')
      await page.getByRole('heading', { name: 'Figures' }).waitFor()
      expect(await accessibilityFaults(page)).to.be.empty
      expect(violations).to.be.empty
      expect(page.url()).to.not.include('?')
    })

    it('keep the figures up to date, and say so when the role is gone', async () => {
      await moveTimes(server(), admin, { authenticated_at: 0 })
      const { page, violations } = await aBrowser()
      await page.clock.install()
      await page.goto(at('/figures'))
      const cell = page.getByRole('row', { name: 'Refreshes' }).getByRole('cell').last()
      const before = Number(await cell.textContent())
      for (let count = 0; count < 3; count += 1) server().hallpass.counters.count('refresh.rotated')
      await page.clock.runFor(5_000)
      await page
        .getByRole('row', { name: `Refreshes` })
        .getByRole('cell', { name: String(before + 3) })
        .last()
        .waitFor()
      expect(violations).to.be.empty

      await server().hallpass.accounts.amend(admin.userId, { role: 'user' }, SYSTEM)
      const gone = page.waitForResponse((response) => response.request().isNavigationRequest())
      await page.clock.runFor(5_000)
      expect((await gone).status()).to.equal(404)
    })
  })
})
