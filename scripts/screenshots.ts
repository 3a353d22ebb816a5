/**
 * What people see, as pictures in docs/images: each page by day and by night, on a desktop and on a phone.
 * Needs Chromium: CHROMIUM, else /usr/bin/chromium. `npm run docs:screenshots -- history` draws that one alone.
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { statement } from '../src/server/database/database.ts'
import { OPERATOR } from '../src/server/sessions/actor.ts'
import { startEverything, type Example } from './example/everything.ts'
import { PERSON } from './example/hallpass.ts'
import { DEVICES } from './screenshots/devices.ts'
import { rememberThePast, signOutJustNow } from './screenshots/past.ts'

const OUT = resolve(import.meta.dirname, '..', 'docs', 'images')
const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

const VIEWS = [
  { colorScheme: 'light', viewport: { width: 1024, height: 760 } },
  { colorScheme: 'dark', viewport: { width: 1024, height: 760 } },
  { colorScheme: 'light', viewport: { width: 360, height: 760 } },
  { colorScheme: 'dark', viewport: { width: 360, height: 760 } },
] as const

/** All, unless some are named on the command line. */
const WANTED = process.argv.slice(2)

/** Of all views in one picture. */
const SCALE = 0.6
const GAP = 16

/** By the name of its picture: how to get there. */
type Scenes = Record<string, (page: Page) => Promise<unknown>>

mkdirSync(OUT, { recursive: true })
const example = await startEverything({ hallpass: 0, app: 0, api: 0 }, 'silent')
const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })
try {
  await rememberThePast(example.service, example.hallpass)
  const here = await browser.newContext({ userAgent: DEVICES[0]?.userAgent ?? '' })
  await signIn(await here.newPage(), example)
  await draw(browser, await browser.newContext(), forStrangers(example))
  const operator = await browser.newContext({ userAgent: DEVICES[0]?.userAgent ?? '' })
  await signInAnOperator(await operator.newPage(), example)
  await draw(browser, operator, await forOperators(example))
  await draw(browser, here, forAda(example))
  await drawApp(browser, here, example)
} finally {
  await browser.close()
  await example.stop()
}
process.exit() // Vite leaves watchers behind

function forStrangers({ hallpass }: Example): Scenes {
  const open = (path: string) => (page: Page) => page.goto(hallpass + path)
  const asked = new Map<string, Promise<Response>>()
  const ask = (path: string): Promise<Response> =>
    fetch(`${hallpass}/v1/${path === 'reset' ? 'password-resets' : 'magic-links'}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: PERSON.email }),
    })
  const link = async (page: Page, path: string): Promise<void> => {
    if (!asked.has(path)) asked.set(path, ask(path))
    await asked.get(path)
    await page.goto(await newestLink(hallpass, path))
  }
  return {
    'sign-in': open('/sign-in'),
    'sign-in-refused': async (page) => {
      await page.goto(`${hallpass}/sign-in`)
      await page.getByLabel('Email address').fill(PERSON.email)
      await page.getByLabel('Password', { exact: true }).fill('not this one')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.waitForLoadState()
    },
    'sign-up': open('/sign-up'),
    'forgotten-password': open('/reset'),
    'new-password': (page) => link(page, 'reset'),
    'magic-link': (page) => link(page, 'magic'),
    'dead-link': open(`/confirm?token=hpem_${'A'.repeat(43)}`),
  }
}

function forAda({ hallpass, service }: Example): Scenes {
  const prove = statement(
    'screenshots.prove',
    `update sessions set authenticated_at = authenticated_at - interval '1 hour'`,
  )
  return {
    devices: (page) => page.goto(`${hallpass}/devices`),
    'devices-details': async (page) => {
      await page.goto(`${hallpass}/devices`)
      for (const index of [0, 1]) await page.locator('summary').nth(index).click()
    },
    'devices-undo': async (page) => {
      await signOutJustNow(service)
      await page.goto(`${hallpass}/devices`)
    },
    history: (page) => page.goto(`${hallpass}/history`),
    'devices-password': async (page) => {
      await service.store.database.query(prove, [])
      await page.goto(`${hallpass}/devices`)
      await page.getByRole('button', { name: 'Sign out all other devices' }).click()
      await page.getByLabel('Password', { exact: true }).waitFor()
    },
  }
}

async function forOperators({ hallpass, service }: Example): Promise<Scenes> {
  const ada = (await service.users.identify(PERSON.email)) ?? ''
  const open = (path: string) => (page: Page) => page.goto(hallpass + path)
  return {
    'admin-users': open('/admin'),
    'admin-user': open(`/admin/user?id=${ada}`),
    'admin-figures': open('/admin/figures'),
  }
}

async function draw(renderer: Browser, from: BrowserContext, scenes: Scenes): Promise<void> {
  const storageState = await from.storageState()
  for (const [name, goThere] of Object.entries(scenes)) {
    if (WANTED.length > 0 && !WANTED.includes(name)) continue
    const pictures: Buffer[] = []
    for (const view of VIEWS) {
      const context = await renderer.newContext({ ...view, storageState, userAgent: DEVICES[0]?.userAgent ?? '' })
      const page = await context.newPage()
      await goThere(page)
      await page.waitForTimeout(300) // whatever moves has arrived
      pictures.push(await page.screenshot({ fullPage: true }))
      await context.close()
    }
    await paste(renderer, name, pictures)
  }
}

/** All views of one page in one picture. */
async function paste(renderer: Browser, name: string, pictures: readonly Buffer[]): Promise<void> {
  const page = await renderer.newPage({
    viewport: {
      width: Math.ceil(VIEWS.reduce((sum, { viewport }) => sum + viewport.width * SCALE + GAP, GAP)),
      height: 100,
    },
  })
  const images = pictures.map((picture, index) => {
    const width = VIEWS[index]?.viewport.width ?? 0
    return `<img width="${width * SCALE}" src="data:image/png;base64,${picture.toString('base64')}">`
  })
  await page.setContent(
    `<body style="margin:0;padding:${GAP}px;display:flex;gap:${GAP}px;align-items:flex-start;background:#8b9490;box-sizing:border-box">${images.join('')}</body>`,
  )
  await page.screenshot({ path: join(OUT, `${name}.png`), fullPage: true })
  await page.close()
}

async function drawApp(renderer: Browser, from: BrowserContext, { app }: Example): Promise<void> {
  await draw(renderer, from, {
    'example-app': async (page) => {
      await page.goto(app)
      await page.getByRole('button', { name: 'Sign out' }).first().waitFor()
    },
  })
}

async function signInAnOperator(page: Page, example: Example): Promise<void> {
  const { users, accounts } = example.service
  const email = 'grace@example.com'
  await users.register(email, PERSON.password, null)
  const id = await users.confirm(email, OPERATOR)
  await accounts.amend(id ?? '', { role: 'admin' }, OPERATOR)
  await signIn(page, example, email)
}

async function signIn(page: Page, { hallpass }: Example, email = PERSON.email): Promise<void> {
  await page.goto(`${hallpass}/sign-in`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(PERSON.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/devices')
}

async function newestLink(hallpass: string, path: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const { messages } = (await (await fetch(`${hallpass}/dev/mailbox.json`)).json()) as {
      messages: { text: string }[]
    }
    const link = messages.map(({ text }) => new RegExp(`${hallpass}/${path}\\?\\S+`).exec(text)?.[0]).findLast(Boolean)
    if (link !== undefined) return link
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`no mail with a link to /${path} came`)
}
