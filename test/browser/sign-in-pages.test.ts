import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { accessibilityFaults } from '../support/accessibility.ts'
import { focusComes, useBrowser } from '../support/browser.ts'
import { tokenFor } from '../support/mail.ts'
import {
  anAddress,
  callSessions,
  PASSWORD,
  register,
  signIn,
  signInByCookie,
  type SignedIn,
} from '../support/people.ts'
import { isAlive } from '../support/rows.ts'
import { onStore } from '../support/server.ts'

/** A place of this service where somebody wants to go, that every server has. */
const RETURN_TO = '/healthz'

/** Each of both once: day and night, narrow and wide. */
const VIEWS = [
  ['light', 320],
  ['dark', 1280],
] as const

describe('The pages to sign up and in, in a browser', function () {
  this.timeout(120_000)
  const openPage = useBrowser()

  onStore('embedded', (server) => {
    const at = (path: string): string => `${server().url}${path}`

    async function signUp(page: Page, email: string): Promise<void> {
      await page.getByLabel('Email address').fill(email)
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
      await page.getByRole('button', { name: 'Create account' }).click()
      await page.getByRole('heading', { name: 'Check your mailbox' }).waitFor()
    }

    async function fillIn(page: Page, email: string, password: string): Promise<void> {
      await page.getByLabel('Email address').fill(email)
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    }

    /** The browser has the cookie of a session that another device of the person has ended. */
    async function endedWithin(page: Page): Promise<void> {
      const { email, ...browser } = await signInByCookie(server().url, await register(server().url))
      const other = await signIn(server().url, email, { body: { device_name: 'x'.repeat(100) } })
      await callSessions(server().url, 'DELETE', `/${browser.sessionId}`, other.accessToken)
      await page.context().addCookies([{ name: 'hallpass', value: browser.refreshToken, url: server().url }])
    }

    const cookieOf = async (page: Page) => (await page.context().cookies(server().url))[0]

    it('lead somebody new from the first link through the mail to the devices, without a script', async () => {
      const { page, violations } = await openPage({ javaScriptEnabled: false })
      const email = anAddress()
      await page.goto(at('/sign-in'))
      await page.getByRole('link', { name: 'Create an account' }).click()
      await signUp(page, email)

      await page.goto(at(`/confirm?token=${await tokenFor(email, 'confirm')}`))
      await page.getByRole('button', { name: 'Confirm address' }).click()
      await page.getByRole('link', { name: 'Sign in' }).click()
      await fillIn(page, email, 'not my password')
      await page.getByRole('alert').waitFor()
      expect(await page.getByLabel('Email address').inputValue()).to.equal(email)
      await fillIn(page, email, PASSWORD)
      await page.waitForURL(at('/devices'))
      expect(await cookieOf(page)).to.include({ name: 'hallpass', httpOnly: true, sameSite: 'Strict' })
      expect(violations).to.be.empty

      await page.goto(at('/sign-in'))
      await page.waitForURL(at('/devices'))
    })

    it('lead back to where somebody came from, by whatever way they go in', async () => {
      const { page, violations } = await openPage({ javaScriptEnabled: false })
      const email = anAddress()
      await page.goto(at(`/sign-in?return_to=${RETURN_TO}`))
      await page.getByRole('link', { name: 'Create an account' }).click()
      await signUp(page, email)
      await page.getByRole('link', { name: 'Sign in' }).click()
      await fillIn(page, email, PASSWORD)
      await page.waitForURL(at(RETURN_TO))

      await page.context().clearCookies()
      await page.goto(at(`/sign-in?return_to=${RETURN_TO}`))
      await page.getByRole('link', { name: 'Sign in by mail' }).click()
      await page.getByLabel('Email address').fill(email)
      await page.getByRole('button', { name: 'Mail me a link' }).click()
      await page.getByRole('heading', { name: 'Check your mailbox' }).waitFor()
      expect(violations).to.be.empty
    })

    it('can be used by keyboard alone', async () => {
      const email = await register(server().url)
      const { page, violations } = await openPage()
      await page.goto(at('/sign-in'))
      expect(await focused(page)).to.equal('Email address')
      await page.keyboard.type(email)
      const order = []
      for (let count = 0; count < 7; count += 1) {
        await page.keyboard.press('Tab')
        order.push(await focused(page))
        expect(await outlineOfFocus(page), order.at(-1)).to.equal('solid')
      }
      expect(order).to.deep.equal([
        'Password',
        'Show password',
        'Keep me signed in',
        'Forgot your password?',
        'Sign in',
        'Sign in by mail',
        'Create an account',
      ])
      for (let count = 0; count < 4; count += 1) await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('Space')
      for (let count = 0; count < 2; count += 1) await page.keyboard.press('Shift+Tab')
      await page.keyboard.type('wrong')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      expect(await focused(page)).to.equal('Password')
      await page.keyboard.type(PASSWORD)
      await page.keyboard.press('Enter')
      await page.waitForURL(at('/devices'))
      expect((await cookieOf(page))?.expires, 'it ends with the browser, as chosen before').to.equal(-1)
      expect(violations).to.be.empty
    })

    it('show the password on request, and send it hidden', async () => {
      const { page } = await openPage()
      await page.goto(at('/sign-up'))
      const password = page.getByLabel('Password', { exact: true })
      await password.fill('password1')
      await page.getByRole('button', { name: 'Show password' }).click()
      expect(await password.getAttribute('type')).to.equal('text')
      await page.getByRole('button', { name: 'Hide password' }).click()
      expect(await password.getAttribute('type')).to.equal('password')
      await page.getByRole('button', { name: 'Show password' }).click()
      await page.evaluate(`document.forms[0].addEventListener('submit', (event) => event.preventDefault())`)
      await password.press('Enter')
      expect(await password.getAttribute('type')).to.equal('password')
    })

    it('send a form once, however often its button is pressed, and again after coming back', async () => {
      const { page } = await openPage()
      await page.goto(at('/sign-in'))
      const press = (times: number): Promise<number> =>
        page.evaluate(`(() => {
          const [form] = document.forms
          let sent = 0
          const count = (event) => {
            if (!event.defaultPrevented) sent += 1
            event.preventDefault()
          }
          form.addEventListener('submit', count)
          for (let press = 0; press < ${times}; press += 1) form.requestSubmit()
          form.removeEventListener('submit', count)
          return sent
        })()`)
      expect(await press(3)).to.equal(1)
      await page.evaluate(`dispatchEvent(new Event('pageshow'))`)
      expect(await press(3)).to.equal(1)
    })

    /** As many devices as that client allows. */
    async function signInOnTwoPhones(email: string): Promise<SignedIn> {
      await server().hallpass.clients.save('phones', { maxSessions: 2, atLimit: 'ask' })
      const sign = (name: string) => signIn(server().url, email, { body: { client_id: 'phones', device_name: name } })
      const [first] = [await sign('My old phone'), await sign('My other phone, with a long name')]
      return first
    }

    it('let a person sign out another device where there are too many, without a script', async () => {
      const email = await register(server().url)
      const old = await signInOnTwoPhones(email)
      const { page, violations } = await openPage({ javaScriptEnabled: false })
      await page.goto(at(`/sign-in?client_id=phones&return_to=${RETURN_TO}`))
      await fillIn(page, email, PASSWORD)
      await page
        .getByRole('group', { name: /Which one shall make room/ })
        .getByText('My old phone')
        .click()
      await page.getByLabel('Password, once more').fill(PASSWORD)
      await page.getByRole('button', { name: 'Sign it out and sign in here' }).click()
      await page.waitForURL(at(RETURN_TO))
      expect(await isAlive(server(), old)).to.equal(false)
      expect(violations).to.be.empty
    })

    for (const [colorScheme, width] of VIEWS) {
      it(`keep nobody out ${colorScheme === 'light' ? 'by day' : 'by night'}, ${width} px wide`, async () => {
        const { page, violations } = await openPage({ colorScheme, viewport: { width, height: 640 } })
        async function expectGood(): Promise<void> {
          expect(await accessibilityFaults(page), page.url()).to.be.empty
          expect(await widthOf(page), page.url()).to.be.at.most(width)
          await page.evaluate(`document.documentElement.dir = 'rtl'`)
          expect(await widthOf(page), `${page.url()} from right to left`).to.be.at.most(width)
        }
        await page.goto(at('/sign-in'))
        await expectGood()
        await fillIn(page, `${'a'.repeat(60)}@${'b'.repeat(60)}.example`, 'wrong')
        await page.getByRole('alert').waitFor()
        await expectGood()
        await endedWithin(page)
        await page.goto(at('/devices'))
        await page
          .getByRole('status')
          .getByText(/^You signed this device out from .*x{40}.*, on .* UTC\./)
          .waitFor()
        expect(page.url()).to.equal(at('/sign-in?return_to=%2Fdevices'))
        expect(await describedBy(page), 'read out where the cursor waits').to.match(/^You were signed out You signed/)
        await expectGood()
        await page.goto(at('/sign-up'))
        await expectGood()
        await page.getByLabel('Email address').fill(anAddress())
        await page.getByRole('button', { name: 'Create account' }).click()
        await page.getByRole('alert').waitFor()
        await expectGood()
        const email = anAddress()
        await signUp(page, email)
        await expectGood()
        await signInOnTwoPhones(email)
        await page.goto(at('/sign-in?client_id=phones'))
        await fillIn(page, email, PASSWORD)
        await page.getByRole('heading', { name: 'Too many devices' }).waitFor()
        await expectGood()
        expect(violations).to.be.empty
      })
    }
  })

  describe('with a theme and a logo of their own', () => {
    const directory = mkdtempSync(join(tmpdir(), 'hallpass-theme-'))
    after(() => rmSync(directory, { recursive: true }))
    const theme = join(directory, 'theme.css')
    const logo = join(directory, 'logo.svg')
    // With line ends as another system writes them, which a browser does not hash as they stand.
    writeFileSync(theme, ':root {\r\n  --accent: rgb(90, 20, 160);\r\n  --on-accent: #fff;\r\n  --radius: 0;\r\n}\r\n')
    writeFileSync(
      logo,
      '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="30"><rect width="120" height="30"/></svg>',
    )

    onStore(
      'embedded',
      (server) => {
        it('look like it', async () => {
          const { page, violations } = await openPage({ colorScheme: 'light' })
          await page.goto(`${server().url}/sign-in`)
          await page.getByRole('img', { name: 'Bluebell' }).waitFor()
          expect(await page.evaluate(`document.querySelector('.logo').naturalWidth`)).to.equal(120)
          const style = `getComputedStyle(document.querySelector('form > button'))`
          expect(await page.evaluate(`${style}.backgroundColor`)).to.equal('rgb(90, 20, 160)')
          expect(await page.evaluate(`${style}.borderRadius`)).to.equal('0px')
          expect(await accessibilityFaults(page)).to.be.empty
          expect(violations).to.be.empty
        })
      },
      { HALLPASS_THEME: theme, HALLPASS_LOGO: logo, HALLPASS_NAME: 'Bluebell' },
    )
  })
})

const widthOf = (page: Page): Promise<number> => page.evaluate('document.documentElement.scrollWidth')

/** What has the keyboard, by the name that people know it by. */
const focused = async (page: Page): Promise<string> => {
  await focusComes(page)
  return page.evaluate(`(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()`)
}

/** What is read out beside that name. */
const describedBy = (page: Page): Promise<string> =>
  page.evaluate(
    `document.activeElement.ariaDescribedByElements.map((each) => each.innerText).join().replace(/\\s+/g, ' ')`,
  )

const outlineOfFocus = (page: Page): Promise<string> =>
  page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
