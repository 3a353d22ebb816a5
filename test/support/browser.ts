/** Debian's Chromium, for what only a real browser can say. Where there is none, those tests are skipped. */
import { existsSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core'

/** With profiles, and pages that are kept for the way back. */
export const CHROMIUM = '/usr/bin/chromium'
/** The same engine with less of a browser around it, in half the processor time. */
const HEADLESS = '/usr/bin/chromium-headless-shell'

export interface OpenedPage {
  readonly page: Page
  /** What the browser refused because of a Content-Security-Policy, in its words. */
  readonly violations: readonly string[]
}

/** In a context of its own, where nobody was before; closed with the browser. */
export type OpenPage = (options?: BrowserContextOptions) => Promise<OpenedPage>

// As root, which containers often are, Chromium has no sandbox to offer.
const args = ['--no-sandbox']

/** Starts the browser before the first sentence of the story around it, and stops it after its last. */
export function useBrowser(executablePath = HEADLESS): OpenPage {
  let browser: Browser | undefined
  before(async function () {
    if (!existsSync(executablePath)) this.skip()
    this.timeout(60_000)
    browser = await chromium.launch({
      executablePath,
      args,
      // Playwright switches that off; people have it.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    })
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

/** `autofocus` is heeded when the page is drawn, which may be after it has loaded. */
export function focusComes(page: Page): Promise<void> {
  return page.locator(':focus').waitFor({ state: 'attached' })
}

/** What a browser keeps on the disk. */
export interface Profile {
  readonly directory: string
  /** Starts a browser on it. */
  open(): Promise<BrowserContext>
  /** As a crash or an empty battery ends it (kill -9), with all its processes: what is not written is lost. */
  kill(): Promise<void>
}

/** A browser of its own, which can be killed and started again; its profile is there during the story around it. */
export function useProfile(): Profile {
  let context: BrowserContext | undefined
  const directory = mkdtempSync(join(tmpdir(), 'hallpass-profile-'))
  before(function () {
    if (!existsSync(CHROMIUM)) this.skip()
  })
  after(async () => {
    await context?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  return {
    directory,
    async open() {
      context = await chromium.launchPersistentContext(directory, { executablePath: CHROMIUM, args })
      return context
    },
    async kill() {
      const closed = new Promise((resolve) => context?.once('close', resolve))
      // The name of the machine, and the browser's process, which leads its group.
      const [pid] = /\d+$/.exec(readlinkSync(join(directory, 'SingletonLock'))) ?? []
      process.kill(-Number(pid), 'SIGKILL')
      await closed
      context = undefined
    },
  }
}
