import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Page as BrowserPage } from 'playwright-core'
import { accessibilityFaults } from '../support/accessibility.ts'
import { aConfirmedPerson } from '../support/email-flows.ts'
import { focusComes, useBrowser } from '../support/browser.ts'
import { tokenFor, type Page } from '../support/mail.ts'
import { register, send, signIn } from '../support/people.ts'
import { onStore } from '../support/server.ts'

const NO_TOKEN = `hpem_${'A'.repeat(43)}`
const NEW_PASSWORD = 'seven quiet herons at dusk'
/** As long as an address may reasonably be, with no place where a line would like to break. */
const LONG_ADDRESS = `${'wolfeschlegelsteinhausenbergerdorff'.repeat(2).slice(0, 64)}@${'a'.repeat(60)}.example`
/** WCAG 2.2, success criterion 1.4.3. */
const LEAST_CONTRAST = 4.5

/** Each of both once: day and night, narrow and wide. */
const VIEWS = [
  ['light', 320],
  ['dark', 1280],
] as const

describe('The pages behind links in mails, in a browser', () => {
  onStore(
    'embedded',
    (server) => {
      const openPage = useBrowser()
      const linkTo = (page: Page, token: string): string => `${server().url}/${page}?token=${token}`

      /** A link for somebody with an address like no other, so that asking twice is no matter. */
      async function linkFor(page: 'confirm' | 'reset' | 'magic', email?: string): Promise<string> {
        const address = await register(server().url, email)
        if (page !== 'confirm') await send(`${server().url}${RESOURCES[page]}`, { body: { email: address } })
        return linkTo(page, await tokenFor(address, page))
      }

      async function linksOfAnAccount(): Promise<string[]> {
        const { email, accessToken } = await aConfirmedPerson(server().url)
        const [first, second] = [`first.${email}`, `second.${email}`]
        await signIn(server().url, email, { headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux) Firefox/140.0' } })
        const notMe = linkTo('not-me', await tokenFor(email, 'not-me'))
        await send(`${server().url}/v1/email-changes`, { token: accessToken, body: { email: first } })
        await send(`${server().url}/v1/email-changes`, {
          method: 'PUT',
          body: { token: await tokenFor(first, 'change-email') },
        })
        await send(`${server().url}/v1/email-changes`, { token: accessToken, body: { email: second } })
        return [
          linkTo('revert-email', await tokenFor(email, 'revert-email')),
          linkTo('change-email', await tokenFor(second, 'change-email')),
          notMe,
        ]
      }

      /** Every page in every state that a link can be in. */
      let urls: string[]
      before(async () => {
        const pages: Page[] = ['confirm', 'reset', 'magic', 'change-email', 'revert-email', 'not-me']
        urls = [
          ...pages.map((page) => `${server().url}/${page}`),
          ...pages.map((page) => linkTo(page, NO_TOKEN)),
          await linkFor('confirm', LONG_ADDRESS),
          await linkFor('reset'),
          await linkFor('magic'),
          ...(await linksOfAnAccount()),
        ]
      })

      for (const [colorScheme, width] of VIEWS) {
        it(`read well ${colorScheme === 'light' ? 'by day' : 'by night'}, ${width} px wide, without a script`, async () => {
          const { page, violations } = await openPage({
            javaScriptEnabled: false,
            colorScheme,
            viewport: { width, height: 640 },
          })
          for (const url of urls) {
            await page.goto(url)
            expect(await page.getByRole('heading', { level: 1 }).count(), url).to.equal(1)
            expect(await page.getByRole('main').count(), url).to.equal(1)
            expect(await widthOf(page), url).to.be.at.most(width)
            expect(await leastContrast(page), url).to.be.at.least(LEAST_CONTRAST)
          }
          expect(violations).to.be.empty
        }).timeout(60_000)
      }

      for (const [colorScheme, width] of [
        ['light', 1280],
        ['dark', 320],
      ] as const) {
        it(`keep nobody out, ${colorScheme === 'light' ? 'by day' : 'by night'}, ${width} px wide`, async () => {
          const { page, violations } = await openPage({ colorScheme, viewport: { width, height: 640 } })
          for (const url of urls) {
            await page.goto(url)
            expect(await accessibilityFaults(page), url).to.be.empty
          }
          expect(violations).to.be.empty
        }).timeout(120_000)
      }

      it('let a password be reset by keyboard alone', async () => {
        const email = await register(server().url)
        const { page, violations } = await openPage({ javaScriptEnabled: false })
        await page.goto(`${server().url}/reset`)
        await page.keyboard.press('Tab')
        await page.keyboard.type('nobody')
        await page.keyboard.press('Enter')
        await page.getByRole('alert').waitFor()
        expect(await focused(page)).to.equal('email')
        await page.keyboard.press('ControlOrMeta+a')
        await page.keyboard.type(email)
        await page.keyboard.press('Tab')
        await page.keyboard.press('Enter')
        await page.getByRole('heading', { name: 'Check your mailbox' }).waitFor()

        await page.goto(linkTo('reset', await tokenFor(email, 'reset')))
        await page.keyboard.press('Tab')
        expect(await focused(page)).to.equal('password')
        expect(await outlineOfFocus(page)).to.equal('solid')
        await page.keyboard.type('password1')
        await page.keyboard.press('Enter')
        await page.getByRole('alert').waitFor()
        expect(await focused(page)).to.equal('password')
        expect(await page.getByLabel('New password').inputValue()).to.equal('')
        await page.keyboard.type(NEW_PASSWORD)
        await page.keyboard.press('Tab')
        expect(await outlineOfFocus(page)).to.equal('solid')
        await page.keyboard.press('Space')
        await page.getByRole('heading', { name: 'Your new password is set' }).waitFor()
        expect(violations).to.be.empty

        const { status } = await send(`${server().url}/v1/sessions`, { body: { email, password: NEW_PASSWORD } })
        expect(status).to.equal(201)
      })

      describe('with a magic link', () => {
        let application: Server
        before(async () => {
          application = createServer((request, response) => {
            const { pathname, searchParams } = new URL(request.url ?? '', 'http://application.example')
            response.setHeader('Content-Type', 'text/html')
            response.end(pathname === '/evil' ? evilForm(searchParams) : '<h1>Inbox</h1>')
          })
          application.listen(0, '127.0.0.1')
          await once(application, 'listening')
        })
        after(() => application.close())
        const at = (host: string): string => `http://${host}:${(application.address() as AddressInfo).port}`

        it('sign in, and go back to the application', async () => {
          const { page, violations } = await openPage({ javaScriptEnabled: false })
          const inbox = `${at('localhost')}/inbox`
          await page.goto(`${await linkFor('magic')}&return_to=${encodeURIComponent(inbox)}`)
          await page.getByRole('button', { name: /^Sign in as/ }).click()
          await page.getByRole('heading', { name: 'Inbox' }).waitFor()
          expect(page.url()).to.equal(inbox)
          expect(violations).to.be.empty
          const [cookie] = await page.context().cookies(server().url)
          expect(cookie).to.include({ name: 'hallpass', httpOnly: true, sameSite: 'Strict' })
        })

        it("sign nobody in from somebody else's page", async () => {
          const { page } = await openPage({ javaScriptEnabled: false })
          const token = new URL(await linkFor('magic')).searchParams.get('token') ?? ''
          const form = new URLSearchParams({ action: `${server().url}/magic`, token })
          await page.goto(`${at('127.0.0.1')}/evil?${form.toString()}`)
          await page.getByRole('button').click()
          await page.getByRole('heading', { name: 'This came from another page' }).waitFor()
          expect(await page.context().cookies(server().url)).to.be.empty
        })
      })
    },
    { HALLPASS_ALLOWED_ORIGINS: 'http://localhost:*' },
  )
})

const RESOURCES = { reset: '/v1/password-resets', magic: '/v1/magic-links' }

const evilForm = (fields: URLSearchParams): string =>
  `<form method="post" action="${fields.get('action')}"><input name="token" value="${fields.get('token')}"><button>Win</button></form>`

const widthOf = (page: BrowserPage): Promise<number> => page.evaluate('document.documentElement.scrollWidth')

const focused = async (page: BrowserPage): Promise<string> => {
  await focusComes(page)
  return page.evaluate('document.activeElement.id')
}

const outlineOfFocus = (page: BrowserPage): Promise<string> =>
  page.evaluate('getComputedStyle(document.activeElement).outlineStyle')

/** The contrast of the text that is read with most difficulty, as WCAG 2.2 reckons it. */
const leastContrast = (page: BrowserPage): Promise<number> =>
  page.evaluate(`(() => {
    const channels = (color) => color.match(/[\\d.]+/g).map((value, index) =>
      color.startsWith('color(srgb') && index < 3 ? value * 255 : Number(value))
    const luminance = (color) => {
      const [r, g, b] = channels(color).map((value) =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const backgroundOf = (element) => {
      const { backgroundColor } = getComputedStyle(element)
      return channels(backgroundColor)[3] === 0 ? backgroundOf(element.parentElement) : backgroundColor
    }
    const texts = [...document.querySelectorAll('body *')].filter((element) =>
      element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
    return Math.min(...texts.map((element) => {
      const [dark, light] = [getComputedStyle(element).color, backgroundOf(element)].map(luminance).sort((a, b) => a - b)
      return (light + 0.05) / (dark + 0.05)
    }))
  })()`)
