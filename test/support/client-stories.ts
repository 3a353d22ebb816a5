/** What stories of the client need: a service behind its front door, an application, and browsers where nobody was. */
import { expect } from 'chai'
import type { BrowserContext } from 'playwright-core'
import { useBrowser } from './browser.ts'
import { openTab, startApplication, type Application, type Tab } from './client-page.ts'
import { openFrontDoor, type FrontDoor } from './front-door.ts'
import { claimsOf, register } from './people.ts'
import { createMigratedDatabase } from './migrated-postgres.ts'
import { sharedPostgres } from './postgres.ts'
import { eventsOf, rowOf } from './rows.ts'
import { startServer, type StoreKind, type TestServer } from './server.ts'

/** Longer than an access token lives. Milliseconds. */
export const LONG = 6 * 60_000

export interface ClientStories {
  readonly door: () => FrontDoor
  readonly server: () => TestServer
  readonly application: () => Application
  /** @param script runs in every page of it before anything else */
  readonly newBrowser: (script?: string) => Promise<BrowserContext>
  /** Another tab of that browser, with the application in it. */
  readonly newTab: (browser: BrowserContext) => Promise<Tab>
  /** Somebody new signs in, in a browser of their own; in so many tabs. */
  readonly signedInTabs: (count: number, script?: string) => Promise<[Tab, ...Tab[]]>
  readonly stopServer: () => Promise<void>
  /** After it was stopped; on `postgresql` everything is as it was. */
  readonly startServer: () => Promise<void>
}

/** Both start before the first sentence of the story around it. Browsers live as long as a sentence. */
export function useClients(
  store: StoreKind,
  environment: Record<string, string> = {},
  executablePath?: string,
): ClientStories {
  const openPage = useBrowser(executablePath)
  const browsers: BrowserContext[] = []
  let door: FrontDoor
  let application: Application
  let server: TestServer
  let databaseUrl: string | undefined

  async function start(): Promise<void> {
    server = await startServer(store, {
      HALLPASS_ISSUER: door.url,
      HALLPASS_ALLOWED_ORIGINS: 'http://localhost:*',
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      ...environment,
    })
    door.target = server.url
  }

  before(async function () {
    this.timeout(60_000)
    if (store === 'postgresql') databaseUrl = await createMigratedDatabase()
    ;[door, application] = await Promise.all([openFrontDoor(), startApplication()])
    await start()
  })
  afterEach(async () => {
    await Promise.all(browsers.splice(0).map((browser) => browser.close()))
    door.forget()
  })
  after(async () => {
    await Promise.all([door?.close(), application?.close()])
    await server?.stop()
    if (databaseUrl !== undefined) await (await sharedPostgres()).dropDatabase(databaseUrl)
  })

  const newTab = (browser: BrowserContext): Promise<Tab> => openTab(browser, application.page(door.url))

  async function newBrowser(script?: string): Promise<BrowserContext> {
    const { page } = await openPage()
    const browser = page.context()
    browsers.push(browser)
    if (script !== undefined) await browser.addInitScript(script)
    return browser
  }

  return {
    door: () => door,
    server: () => server,
    application: () => application,
    newBrowser,
    newTab,
    async signedInTabs(count, script) {
      const browser = await newBrowser(script)
      const first = await newTab(browser)
      await first.signIn(await register(server.url))
      const others = await Promise.all(Array.from({ length: count - 1 }, () => newTab(browser)))
      await Promise.all(others.map((tab) => tab.until('signed_in')))
      door.forget()
      return [first, ...others]
    },
    async stopServer() {
      door.target = null
      await server.stop()
    },
    startServer: start,
  }
}

/** Which session these tabs hold tokens of, and whose. */
export async function sessionOf(tab: Tab): Promise<{ userId: string; sessionId: string }> {
  const { sub, sid } = claimsOf(await tab.token()) as { sub: string; sid: string }
  return { userId: sub, sessionId: sid }
}

/** From the sign-in on, nobody was told that they are signed out; and the service found nothing odd. */
export async function expectNeverSignedOut(server: TestServer, tabs: readonly Tab[]): Promise<void> {
  const sessions = await Promise.all(tabs.map((tab) => sessionOf(tab)))
  const [session] = sessions
  if (session === undefined) throw new Error('there is no tab')
  for (const other of sessions) expect(other).to.deep.equal(session)
  for (const tab of tabs) {
    const statuses = (await tab.states()).map(({ status }) => status)
    expect(statuses.slice(statuses.indexOf('signed_in'))).to.deep.equal(['signed_in'])
  }
  expect((await rowOf(server, session)).revoked_reason).to.equal(null)
  expect((await eventsOf(server, session)).map(({ type }) => type)).to.deep.equal(['session.created'])
}
