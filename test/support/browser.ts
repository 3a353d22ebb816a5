/** Debian's Chromium, for what only a real browser can say. Where there is none, those tests are skipped. */
import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

export interface OpenedPage {
  readonly page: Page
  /** What the browser refused because of a Content-Security-Policy, in its words. */
  readonly violations: readonly string[]
}

/** In a context of its own, where nobody was before; closed with the browser. */
export type OpenPage = (options?: BrowserContextOptions) => Promise<OpenedPage>

/** Starts the browser before the first sentence of the story around it, and stops it after its last. */
export function useBrowser(): OpenPage {
  let browser: Browser | undefined
  before(async function () {
    if (!existsSync(CHROMIUM)) this.skip()
    this.timeout(60_000)
    // As root, which containers often are, Chromium has no sandbox to offer.
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })
  after(() => browser?.close())

  return async (options = {}) => {
    if (browser === undefined) throw new Error('the browser has not started')
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const violations: string[] = []
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) violations.push(message.text())
    })
    return { page, violations }
  }
}
