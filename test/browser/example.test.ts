/** `npm run example`, as somebody tries it out: the app of examples/spa, its API and Hallpass, in a real browser. */
import { expect } from 'chai'
import { startEverything, type Example } from '../../scripts/example/everything.ts'
import { PERSON } from '../../scripts/example/hallpass.ts'
import { statement } from '../../src/server/database/database.ts'
import { useBrowser, type OpenedPage } from '../support/browser.ts'
import { eventually } from '../support/revocation-feed.ts'

type Page = OpenedPage['page']

const PHONE =
  'Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36'
/** Only against waiting for ever. Milliseconds. */
const PATIENCE = 30_000

describe('The example of a single-page app', function () {
  this.timeout(90_000)
  const openPage = useBrowser()
  let example: Example
  before(async () => {
    example = await startEverything({ hallpass: 0, app: 0, api: 0 })
  })
  after(() => example?.stop())

  /** The app in a browser of its own. */
  async function open(options: Parameters<typeof openPage>[0] = {}): Promise<Page> {
    const { page } = await openPage(options)
    page.setDefaultTimeout(PATIENCE)
    await page.goto(example.app)
    return page
  }

  async function signIn(page: Page, password = PERSON.password): Promise<void> {
    await page.getByLabel('E-mail address').fill(PERSON.email)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  async function openSignedIn(options: Parameters<typeof openPage>[0] = {}): Promise<Page> {
    const page = await open(options)
    await signIn(page)
    await isSignedIn(page)
    return page
  }

  const isSignedIn = (page: Page): Promise<void> => page.getByText('This device').waitFor()

  const isSignedOut = (page: Page): Promise<void> => page.getByRole('heading', { name: /^Sign in/ }).waitFor()

  const devices = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name })

  /** Says hello to the API. @returns the access token that the app sent */
  async function sayHello(page: Page): Promise<string> {
    const [request] = await Promise.all([
      page.waitForRequest((each) => each.url() === `${example.api}/hello` && each.method() === 'GET'),
      page.getByRole('button', { name: 'Say hello' }).click(),
    ])
    return (await request.allHeaders())['authorization'] ?? ''
  }

  const askApi = async (authorization: string): Promise<number> =>
    (await fetch(`${example.api}/hello`, { headers: { authorization } })).status

  it('signs in, shows who it is, and calls the API', async () => {
    const page = await openSignedIn()
    await page.getByText(PERSON.email).waitFor()
    expect(await askApi(await sayHello(page))).to.equal(200)
    await page.getByText(/^Hello, user \w{6} on device \w{6}!$/).waitFor()
  })

  it('says so when the password is wrong, and keeps the address', async () => {
    const page = await open()
    await signIn(page, 'not her password')
    await page.getByText('The address or the password is wrong.').waitFor()
    expect(await page.getByLabel('E-mail address').inputValue()).to.equal(PERSON.email)
    expect(await page.getByLabel('Password').inputValue()).to.equal('')
  })

  it('keeps somebody signed in when the page is reloaded, by a cookie that no script can read', async () => {
    const page = await openSignedIn()
    await page.reload()
    await isSignedIn(page)
    const [cookie] = await page.context().cookies(example.hallpass)
    expect(cookie).to.include({ name: 'hallpass', httpOnly: true, sameSite: 'Strict' })
    expect(await page.evaluate('document.cookie')).to.equal('')
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.to.match(/hprt_|eyJ/)
  })

  it('tells a device that another one signed out why, without a reload; and the API refuses it', async () => {
    const laptop = await openSignedIn()
    const phone = await openSignedIn({ userAgent: PHONE, viewport: { width: 320, height: 640 } })
    const authorization = await sayHello(phone)
    expect(await askApi(authorization)).to.equal(200)

    // The list knew of the phone by itself.
    await devices(laptop, 'Pixel 8').getByRole('button', { name: 'Sign out' }).click()
    await phone.getByText(/^You signed this device out from .+, on .+ UTC\./).waitFor()
    await isSignedOut(phone)
    await eventually(async () => (await askApi(authorization)) === 401)
    await devices(laptop, 'Pixel 8').waitFor({ state: 'detached' })

    await phone.reload()
    await phone.getByText(/^You signed this device out from .+, on .+ UTC\./).waitFor()
  })

  it('asks for the password in place where somebody proved long ago who they are, and goes on', async () => {
    const laptop = await openSignedIn()
    const phone = await openSignedIn({ userAgent: PHONE })
    await example.service.store.database.query(ageSignIns, [])
    await laptop.reload() // its access token says when that was
    await sayHello(laptop)
    await laptop.getByText(/^Hello,/).waitFor()

    await laptop.getByRole('button', { name: 'Sign out all other devices' }).click()
    const password = laptop.getByLabel('Confirm with your password')
    await password.fill('not her password')
    await laptop.getByRole('button', { name: 'Sign out all other devices' }).click()
    await laptop.getByText('This is not the password of your account.').waitFor()
    await password.fill(PERSON.password)
    await laptop.getByRole('button', { name: 'Sign out all other devices' }).click()
    await isSignedOut(phone)
    await password.waitFor({ state: 'detached' })
    await devices(laptop, 'Pixel 8').waitFor({ state: 'detached' })
    await isSignedIn(laptop)
    expect(await laptop.getByText(/^Hello,/).count(), 'the page stayed as it was').to.equal(1)
  })

  it('renames a device, and others see it at once', async () => {
    const laptop = await openSignedIn()
    const phone = await openSignedIn({ userAgent: PHONE })
    await devices(phone, 'This device').getByRole('button', { name: 'Rename' }).click()
    await phone.getByLabel('Name of this device').fill("Ada's phone")
    await phone.getByRole('button', { name: 'Save' }).click()
    await devices(phone, "Ada's phone").getByText('This device').waitFor()
    await devices(laptop, "Ada's phone").waitFor()
  })

  it('signs out in all tabs of a browser, for good', async () => {
    const page = await openSignedIn()
    const authorization = await sayHello(page)
    const tab = await page.context().newPage()
    await tab.goto(example.app)
    await isSignedIn(tab)
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
    for (const each of [page, tab]) await isSignedOut(each)
    await page.getByText('You are signed out.').waitFor()
    await eventually(async () => (await askApi(authorization)) === 401)
    await tab.reload()
    await isSignedOut(tab)
    expect(await page.context().cookies(example.hallpass)).to.be.empty
  })

  it('waits where the service is away, and goes on when it is back', async () => {
    const page = await openSignedIn()
    await page.context().route(`${example.hallpass}/**`, (route) => route.abort())
    await page.reload()
    await page.getByText('You seem to be offline.').waitFor()
    const tried = page.waitForEvent('requestfailed')
    await page.getByRole('button', { name: 'Try now' }).click()
    await tried
    await page.context().unroute(`${example.hallpass}/**`)
    await isSignedIn(page)
  })

  it('leads to the pages of the service, and back', async () => {
    const page = await open()
    await page.getByRole('link', { name: 'Create an account' }).click()
    await page.getByRole('heading', { name: 'Create an account' }).waitFor()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Address', { exact: false }).first().fill(PERSON.email)
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await isSignedIn(page)
    expect(new URL(page.url()).origin).to.equal(example.app)
    await page.getByRole('link', { name: 'your devices' }).click()
    await page.getByRole('heading', { name: 'Your devices' }).waitFor()
    expect(page.url()).to.equal(`${example.hallpass}/devices`)
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`fits on a small phone, ${colorScheme === 'light' ? 'by day' : 'by night'}`, async () => {
      const page = await open({ viewport: { width: 320, height: 640 }, colorScheme, userAgent: PHONE })
      await isSignedOut(page)
      expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(320)
      await signIn(page)
      await isSignedIn(page)
      await page.getByRole('button', { name: 'Rename' }).first().click()
      expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(320)
    })
  }
})

/** As if everybody had signed in an hour ago. */
const ageSignIns = statement(
  'test.age_sign_ins',
  `update sessions set authenticated_at = authenticated_at - interval '1 hour'`,
)
