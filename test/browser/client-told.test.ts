import { expect } from 'chai'
import { codeOf, openTab, type Tab } from '../support/client-page.ts'
import { sessionOf, useClients, LONG } from '../support/client-stories.ts'
import { aConfirmedPerson } from '../support/email-flows.ts'
import { tokenFor } from '../support/mail.ts'
import { PASSWORD, register, send } from '../support/people.ts'
import { eventually } from '../support/revocation-feed.ts'
import { rowOf } from '../support/rows.ts'

describe('The client in a browser, told what happened elsewhere', () => {
  const { door, server, application, newBrowser, newTab, signedInTabs } = useClients('embedded', {
    HALLPASS_REFRESH_GRACE: '0',
  })

  /** Somebody, signed in on two devices that follow their sessions. */
  async function twoDevices(): Promise<{ email: string; laptop: Tab; phone: Tab; laptopSession: string }> {
    const email = await register(server().url)
    const [laptop, phone] = [await newTab(await newBrowser()), await newTab(await newBrowser())]
    const laptopSession = await laptop.signIn(email)
    await phone.signIn(email)
    await eventually(() => door().streams === 2)
    door().forget()
    return { email, laptop, phone, laptopSession }
  }

  it('hears at once that another device ended its session, without asking before', async () => {
    const { laptop, phone, laptopSession } = await twoDevices()
    await phone.run((client, id) => client.sessions.revoke(id), laptopSession)
    expect(await laptop.until('signed_out')).to.include({ reason: 'revoked_by_user' })
    expect(door().requests).to.deep.equal([`DELETE /v1/sessions/${laptopSession}`, 'POST /oauth/token'])
    expect(await codeOf(laptop.token())).to.equal('signed_out')
    expect(await phone.state()).to.include({ status: 'signed_in' })
  })

  it('hears that another device signed in, and shows it', async () => {
    const { email, phone } = await twoDevices()
    // It looks also when its stream begins: nobody knows what happened before.
    const count = `new Promise((shown) => client.sessions.onChange(async () => {
      const { length } = await client.sessions.list()
      if (length > 2) shown(length)
    }))`
    const shown = phone.page.evaluate<number>(count)
    await phone.page.evaluate('0') // it listens by now
    await (await newTab(await newBrowser())).signIn(email)
    expect(await shown).to.equal(3)
  })

  for (const { by, script } of [
    { by: 'at once', script: '' },
    { by: 'when they next ask, where tabs cannot talk,', script: 'delete globalThis.BroadcastChannel' },
  ]) {
    it(`signs out in all tabs ${by} and no refresh under way changes that`, async () => {
      const [leaving, refreshing, idle] = (await signedInTabs(3, script)) as [Tab, Tab, Tab]
      const session = await sessionOf(leaving)
      await refreshing.leap(LONG)
      const held = door().holdNext()
      const refreshed = codeOf(refreshing.token())
      const answer = await held
      const signedOut = leaving.run((client) => client.signOut())
      await leaving.until('signed_out')
      if (script === '') {
        await refreshing.until('signed_out')
        await idle.until('signed_out')
        expect(await signedOut).to.equal(true)
      }
      answer.deliver()

      expect(await signedOut).to.equal(true)
      expect(await refreshed).to.equal('signed_out')
      await idle.leap(LONG)
      expect(await codeOf(idle.token())).to.equal('signed_out')
      for (const tab of [leaving, refreshing]) {
        expect(await tab.state()).to.include({ status: 'signed_out', reason: 'signed_out' })
      }
      expect((await rowOf(server(), session)).revoked_reason).to.equal('signed_out')
      const browser = leaving.page.context()
      expect(await browser.cookies()).to.be.empty
      expect(await (await newTab(browser)).until('signed_out')).to.include({ reason: null })
    })
  }

  it('signs out without a network, and tells the service when that is back', async () => {
    const [tab] = await signedInTabs(1)
    const session = await sessionOf(tab)
    const browser = tab.page.context()
    await browser.setOffline(true)
    expect(await tab.run((client) => client.signOut())).to.equal(false)
    expect(await tab.state()).to.include({ status: 'signed_out' })
    expect((await rowOf(server(), session)).revoked_reason).to.equal(null)

    await browser.setOffline(false)
    await eventually(async () => (await rowOf(server(), session)).revoked_reason === 'signed_out')
    expect((await tab.states()).map(({ status }) => status)).to.deep.equal([
      'unknown',
      'signed_out',
      'signed_in',
      'signed_out',
    ])
    expect(await (await newTab(browser)).until('signed_out')).to.include({ reason: null })
    expect(await browser.cookies()).to.be.empty
  })

  for (const { how, isSlow } of [
    { how: '', isSlow: false },
    { how: ', also when it hears of it before the browser has the new cookie', isSlow: true },
  ]) {
    it(`goes on with the new session when the same person signs in on a page of the service${how}`, async () => {
      const { email } = await aConfirmedPerson(server().url)
      const browser = await newBrowser()
      const tab = await newTab(browser)
      const former = await tab.signIn(email)
      const { userId } = await sessionOf(tab)
      await eventually(() => door().streams === 1)
      await send(`${server().url}/v1/magic-links`, { body: { email } })
      const page = await browser.newPage()
      await page.goto(`${door().url}/magic?token=${await tokenFor(email, 'magic')}`)
      door().forget()
      const held = isSlow ? door().holdNext('POST /magic') : undefined
      const clicked = page.getByRole('button', { name: /^Sign in as/ }).click()
      const answer = await held
      if (answer !== undefined) await eventually(() => door().refreshes.some(({ status }) => status !== 0))
      answer?.deliver()
      await clicked

      expect((await rowOf(server(), { userId, sessionId: former })).revoked_reason).to.equal('replaced')
      await eventually(async () => {
        await tab.leap(100) // where the new cookie was not there yet, it waits before it asks again
        return ![former, null].includes((await tab.state()).sessionId)
      })
      const { sessionId } = await sessionOf(tab)
      expect(sessionId).not.to.equal(former)
      expect((await tab.states()).slice(-2)).to.deep.equal([
        { status: 'signed_in', sessionId: former },
        { status: 'signed_in', sessionId },
      ])
    })
  }

  it('finds, when somebody comes back to it, that they have signed in on a page of the service', async () => {
    const { email } = await aConfirmedPerson(server().url)
    const browser = await newBrowser()
    const tab = await newTab(browser)
    await tab.until('signed_out')
    await send(`${server().url}/v1/magic-links`, { body: { email } })
    const page = await browser.newPage()
    await page.goto(`${door().url}/magic?token=${await tokenFor(email, 'magic')}`)
    await page.getByRole('button', { name: /^Sign in as/ }).click()
    await page.waitForLoadState()
    expect((await tab.state()).status).to.equal('signed_out')
    await tab.page.evaluate(`dispatchEvent(new Event('visibilitychange'))`)
    await tab.until('signed_in')
  })

  it('goes on with the new session in all tabs when the same or another person signs in in one of them', async () => {
    const email = await register(server().url)
    const browser = await newBrowser()
    const [tab, other] = [await newTab(browser), await newTab(browser)]
    await tab.signIn(email)
    await eventually(() => door().streams === 2)
    for (const next of [email, await register(server().url)]) {
      const sessionId = await tab.signIn(next)
      await eventually(async () => (await other.state()).sessionId === sessionId)
      for (const each of [tab, other]) expect(await sessionOf(each)).to.include({ sessionId })
    }
    const signedIn = (await other.states()).slice(2)
    expect(signedIn.map(({ status }) => status)).to.deep.equal(['signed_in', 'signed_in', 'signed_in'])
  })

  it('never sees the refresh token, and keeps nothing but keys', async () => {
    const email = await register(server().url)
    const browser = await newBrowser()
    const tab = await newTab(browser)
    const answers: Promise<string>[] = []
    tab.page.on('response', (response) => {
      if (response.headers()['content-type']?.includes('json')) answers.push(response.text())
    })
    await tab.signIn(email)
    await tab.leap(LONG)
    await tab.token()
    await tab.run((client, password) => client.reauthenticate({ password }), PASSWORD)
    await tab.run((client) => client.sessions.list())
    await tab.run((client) => client.sessions.revokeOthers())
    const all = await Promise.all(answers)
    expect(all.filter((text) => text.includes('access_token'))).to.have.length(3)
    expect(all.join('')).not.to.include('hprt_')

    const [cookie] = await browser.cookies()
    expect(cookie).to.include({ name: 'hallpass', httpOnly: true, sameSite: 'Strict' })
    expect(cookie?.value).to.match(/^hprt_/)
    const seen = await tab.page.evaluate<Seen>(WHAT_SCRIPTS_SEE)
    expect(seen).to.include({ cookie: '', session: '{}', databases: 0, caches: 0 })
    const { [`hallpass ${door().url}`]: kept, ...others } = seen.local
    expect(Object.values(others).join('')).to.equal('')
    expect(JSON.parse(kept ?? '')).to.have.all.keys('key', 'former', 'sid')
    expect(kept).not.to.match(/hprt_|eyJ/)
  })

  it('tells React, which renders it and asks nothing twice', async () => {
    const email = await register(server().url)
    const phone = await newTab(await newBrowser())
    await phone.signIn(email)
    await eventually(() => door().streams === 1)
    door().forget()
    const tab = await openTab(await newBrowser(), application().reactPage(door().url))
    await shows(tab, 'signed_out null')
    const id = await tab.signIn(email)
    await shows(tab, 'signed_in')
    await eventually(() => door().streams === 2)
    await phone.run((client, session) => client.sessions.revoke(session), id)
    await shows(tab, 'signed_out revoked_by_user')

    expect(door().requests).to.deep.equal([
      'POST /oauth/token',
      'POST /v1/sessions',
      'GET /v1/sessions/current/events',
      `DELETE /v1/sessions/${id}`,
      'POST /oauth/token',
    ])
    const rendered = await tab.page.evaluate<string[]>('window.rendered')
    expect(rendered.filter((text, index) => text !== rendered[index - 1])).to.deep.equal([
      'unknown',
      'signed_out null',
      'signed_in',
      'signed_out revoked_by_user',
    ])
  })
})

interface Seen {
  readonly cookie: string
  readonly local: Record<string, string>
}

const WHAT_SCRIPTS_SEE = `(async () => ({
  cookie: document.cookie,
  local: { ...localStorage },
  session: JSON.stringify(sessionStorage),
  databases: (await indexedDB.databases()).length,
  caches: (await caches.keys()).length,
}))()`

/** In both places. */
const shows = (tab: Tab, text: string): Promise<unknown> =>
  tab.page.waitForFunction(`document.querySelector('main').textContent === '${text}${text}'`)
