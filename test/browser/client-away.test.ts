import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { BrowserContext, Page } from 'playwright-core'
import { CHROMIUM, useProfile } from '../support/browser.ts'
import { onPage, type Tab } from '../support/client-page.ts'
import { expectNeverSignedOut, LONG, sessionOf, useClients } from '../support/client-stories.ts'
import { callSessions, register, signIn } from '../support/people.ts'
import { eventually } from '../support/revocation-feed.ts'
import { rowOf } from '../support/rows.ts'

const HOUR = 3_600_000
const YEAR = 8_766 * HOUR

describe('The client in a browser, when somebody comes back', () => {
  // No grace: only the client's keys help.
  const { door, server, application, newBrowser, newTab, signedInTabs } = useClients(
    'embedded',
    { HALLPASS_REFRESH_GRACE: '0' },
    CHROMIUM,
  )

  it('refreshes before anything else when a laptop slept, whose timers and monotonic clock stood still', async () => {
    const [tab] = await signedInTabs(1)
    const token = await tab.token()
    await tab.leap({ wall: 8 * HOUR })
    expect(door().refreshes).to.be.empty
    expect(await tab.token()).not.to.equal(token)
    expect(door().refreshes).to.have.length(1)
    await expectNeverSignedOut(server(), [tab])
  })

  it('minds no clock that is set back, or ahead', async () => {
    const [tab] = await signedInTabs(1)
    let token = await tab.token()
    await tab.leap({ wall: -YEAR })
    expect(await tab.token()).to.equal(token)
    await tab.leap(LONG)
    expect(await tab.token()).not.to.equal(token)
    token = await tab.token()
    await tab.leap({ wall: 2 * YEAR })
    expect(await tab.token()).not.to.equal(token)
    await tab.leap({ wall: -YEAR })
    await tab.token()
    expect(door().refreshes).to.have.length(2)
    await expectNeverSignedOut(server(), [tab])
  })

  it('refreshes by itself while somebody looks, not while nobody does, and at once when somebody looks again', async () => {
    const browser = await newBrowser()
    const page = await browser.newPage()
    await page.clock.install()
    await page.goto(application().page(door().url))
    const tab = onPage(page)
    await tab.signIn(await register(server().url))
    door().forget()
    await page.clock.runFor(LONG)
    await eventually(() => door().refreshes.some(({ status }) => status === 200))

    await look(page, 'hidden')
    await eventually(() => door().streams === 0)
    door().forget()
    await page.clock.runFor(HOUR)
    await aRoundTrip(tab)
    expect(door().requests).to.deep.equal(['GET /healthz'])

    await look(page, 'visible')
    await eventually(() => door().refreshes.length === 1 && door().streams === 1)
    await expectNeverSignedOut(server(), [tab])
  })

  describe('by the back button', () => {
    /** Somebody who signed in, and went on to another page, with ours kept for the way back. */
    async function somebodyElsewhere(): Promise<{ tab: Tab; email: string }> {
      const email = await register(server().url)
      const tab = await newTab(await newBrowser())
      await tab.signIn(email)
      await eventually(() => door().streams === 1)
      await tab.page.evaluate('window.isTheSame = true')
      await tab.page.goto(application().elsewhere)
      await eventually(() => door().streams === 0)
      door().forget()
      return { tab, email }
    }

    async function back({ page }: Tab): Promise<void> {
      await page.goBack({ waitUntil: 'commit' })
      expect(await page.evaluate('window.isTheSame'), 'from the back-forward cache').to.equal(true)
    }

    it('is as it was, and hears of its end again', async () => {
      const { tab } = await somebodyElsewhere()
      await back(tab)
      await eventually(() => door().streams === 1)
      expect(await tab.state()).to.include({ status: 'signed_in' })
      expect(door().requests).to.deep.equal(['GET /v1/sessions/current/events'])
      await expectNeverSignedOut(server(), [tab])
    })

    it('hears that its session was ended meanwhile', async () => {
      const { tab, email } = await somebodyElsewhere()
      const phone = await signIn(server().url, email)
      await callSessions(server().url, 'DELETE', '?except=current', phone.accessToken)
      await back(tab)
      expect(await tab.until('signed_out')).to.include({ reason: 'revoked_by_user' })
    })
  })

  describe('to a browser that was killed', () => {
    const profile = useProfile()
    const open = async (): Promise<{ browser: BrowserContext; tab: Tab }> => {
      const browser = await profile.open()
      return { browser, tab: await newTab(browser) }
    }

    let sessionId: string
    before(async () => {
      const { browser, tab } = await open()
      sessionId = await tab.signIn(await register(server().url))
      await browser.close() // all is on the disk
      door().forget()
    })

    const isStillSignedIn = async (tab: Tab): Promise<void> => {
      expect(await tab.until('signed_in')).to.include({ sessionId })
      await expectNeverSignedOut(server(), [tab])
    }

    it('while it refreshed, whose answer it never got', async () => {
      const browser = await profile.open()
      const held = door().holdNext()
      await newTab(browser)
      const answer = await held
      await profile.kill()
      answer.lose()

      const { browser: next, tab } = await open()
      await isStillSignedIn(tab)
      const [lost, repeated] = door().refreshes
      expect(repeated).to.deep.equal(lost)
      await next.close()
    })

    it('right after it refreshed three times, before anything of that was written', async () => {
      const { tab } = await open()
      await refreshAgain(tab, 2)
      await profile.kill()
      const { browser: next, tab: again } = await open()
      await isStillSignedIn(again)
      await next.close()
    })

    // Chromium writes cookies within 30 seconds, and what pages keep within 5, or 60: one may be older than the other.
    for (const { what, names, refreshes, shows } of [
      { what: 'the cookie', names: /^Cookies(-journal)?$/, refreshes: 4, shows: -4 },
      { what: 'what the page kept', names: /^(Local Storage|WebStorage)$/, refreshes: 1, shows: 0 },
    ]) {
      it(`where ${what} is older than the other, by ${refreshes} refreshes`, async () => {
        const [profileNow, profileThen] = [join(profile.directory, 'Default'), join(profile.directory, 'Then')]
        copy(profileNow, profileThen, names)
        const { browser, tab } = await open()
        await refreshAgain(tab, refreshes - 1)
        const { generation } = await rowOf(server(), await sessionOf(tab))
        await browser.close()
        copy(profileThen, profileNow, names)
        door().forget()

        const { browser: next, tab: again } = await open()
        await isStillSignedIn(again)
        expect(door().refreshes[0]?.generation).to.equal(generation + shows)
        await next.close()
      })
    }
  })
})

async function refreshAgain(tab: Tab, times: number): Promise<void> {
  await tab.until('signed_in')
  for (let count = 0; count < times; count += 1) {
    await tab.leap(LONG)
    await tab.token()
  }
}

/** Some of what is in a directory. */
function copy(source: string, target: string, names: RegExp): void {
  mkdirSync(target, { recursive: true })
  const all = readdirSync(source).filter((name) => names.test(name))
  if (all.length === 0) throw new Error(`nothing of ${names.source} is in ${source}`)
  for (const name of all) {
    rmSync(join(target, name), { recursive: true, force: true })
    cpSync(join(source, name), join(target, name), { recursive: true })
  }
}

const look = (page: Page, visibility: 'hidden' | 'visible'): Promise<unknown> =>
  page.evaluate(`
    Object.defineProperty(document, 'visibilityState', { value: '${visibility}', configurable: true })
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))`)

/** What was sent before has arrived before. */
const aRoundTrip = ({ page }: Tab): Promise<unknown> =>
  page.evaluate(`fetch(new URLSearchParams(location.search).get('issuer') + '/healthz', { mode: 'no-cors' })`)
