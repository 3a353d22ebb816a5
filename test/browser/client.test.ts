import { expect } from 'chai'
import { codeOf, openTab, type Tab } from '../support/client-page.ts'
import { expectNeverSignedOut, LONG, useClients } from '../support/client-stories.ts'
import { register } from '../support/people.ts'
import { eventually } from '../support/revocation-feed.ts'

/** Then an access token should be replaced, and is good for some seconds yet. Milliseconds. */
const DUE = 256_000
/** Longer than the client rests after it was not answered the first times. Milliseconds. */
const REST = 5_000

describe('The client in a browser', () => {
  // No grace: only the client's keys help.
  const { door, server, application, newBrowser, newTab, signedInTabs, stopServer, startServer } = useClients(
    'postgresql',
    { HALLPASS_REFRESH_GRACE: '0' },
  )

  const leap = (tabs: readonly Tab[], clocks = LONG) => Promise.all(tabs.map((tab) => tab.leap(clocks)))

  /** The network may fail as often as it likes; asks again and again, as an application does. */
  async function tokenAfterAll(tab: Tab): Promise<string> {
    let token: string | undefined
    await eventually(async () => {
      token = await tab.token().catch(() => undefined)
      if (token === undefined) await tab.leap(REST)
      return token !== undefined
    })
    return token ?? ''
  }

  it('asks once when the token of three tabs has expired, and all go on', async () => {
    const tabs = await signedInTabs(3)
    await leap(tabs)
    const held = door().holdNext()
    const asked = tabs.map((tab) => tab.token())
    const answer = await held
    await eventually(async () => (await waitingForTheLock(tabs[0])) === 2)
    await leap(tabs, 30) // who waited so long listens to the others first
    answer.deliver()

    expect(new Set(await Promise.all(asked)).size).to.equal(1)
    expect(door().refreshes).to.have.length(1)
    await expectNeverSignedOut(server(), tabs)
  })

  it('goes on in all tabs when they ask at the same time, where there are no locks and tabs cannot talk', async () => {
    const tabs = await signedInTabs(3, NO_LOCKS_AND_NO_CHANNELS)
    await leap(tabs)
    door().gather(3)
    await Promise.all(tabs.map((tab) => tab.token()))

    const [first, ...others] = door().refreshes.slice(0, 3)
    for (const { key, generation, status } of others) {
      expect({ key, generation, status }).to.deep.equal({ key: first?.key, generation: first?.generation, status: 200 })
    }
    await leap(tabs)
    await Promise.all(tabs.map((tab) => tab.token()))
    await expectNeverSignedOut(server(), tabs)
  })

  it('repeats a refresh with its key when the answer was lost, and goes on with another key', async () => {
    const [tab] = await signedInTabs(1)
    await tab.leap(LONG)
    door().loseNext()
    door().loseNext()
    expect(await codeOf(tab.token())).to.equal('unavailable')
    expect(await tab.state()).to.include({ status: 'signed_in' })
    await tokenAfterAll(tab)
    await tab.leap(LONG)
    await tab.token()

    const [first, second, third, next] = door().refreshes
    expect(second).to.include({ key: first?.key, generation: first?.generation, issued: first?.issued, status: 200 })
    expect(third).to.deep.equal(second)
    expect(next).to.include({ generation: first?.issued, status: 200 })
    expect(next?.key).not.to.equal(first?.key)
    await expectNeverSignedOut(server(), [tab])
  })

  it('leaves the service alone as long as it asks for, with the token it has', async () => {
    const [tab] = await signedInTabs(1)
    const token = await tab.token()
    await tab.leap(DUE)
    door().refuseNext(120)
    expect(await tab.token()).to.equal(token)
    await tab.leap(60_000)
    expect(await codeOf(tab.token())).to.equal('temporarily_unavailable')
    await tab.leap(59_000)
    expect(await codeOf(tab.token())).to.equal('temporarily_unavailable')
    expect(door().refreshes).to.have.length(1)
    await tab.leap(150_000)
    await tab.token()
    await expectNeverSignedOut(server(), [tab])
  })

  it('goes on in the other tabs, and in new ones, when a tab is closed while it refreshes', async () => {
    const [closing, other] = await signedInTabs(2)
    await leap([closing, other!])
    const held = door().holdNext()
    closing.token().catch(() => undefined)
    const answer = await held
    await closing.page.close()
    answer.lose()
    await tokenAfterAll(other!)
    const another = await newTab(other!.page.context())
    await another.until('signed_in')

    const [lost, repeated] = door().refreshes
    expect(repeated).to.deep.equal(lost)
    await expectNeverSignedOut(server(), [other!, another])
  })

  it('outlives a restart of the service', async () => {
    const tabs = await signedInTabs(2)
    const [tab] = tabs
    await eventually(() => door().streams === 2)
    await stopServer()
    await leap(tabs)
    expect(await codeOf(tab.token())).to.equal('unavailable')
    await startServer()
    await Promise.all(tabs.map(tokenAfterAll))
    await expectNeverSignedOut(server(), tabs)
  }).timeout(60_000)

  it('stays signed in without a network, and goes on as soon as it is back', async () => {
    const [tab] = await signedInTabs(1)
    const token = await tab.token()
    const browser = tab.page.context()
    await browser.setOffline(true)
    expect(await tab.token(), 'still good').to.equal(token)
    await tab.leap(LONG)
    expect(await codeOf(tab.token())).to.equal('unavailable')
    expect(await tab.state()).to.include({ status: 'signed_in' })
    expect(door().refreshes).to.be.empty

    await browser.setOffline(false)
    await eventually(() => door().refreshes.length === 1) // nobody asked for it
    expect(await tab.token()).not.to.equal(token)
    await expectNeverSignedOut(server(), [tab])
  })

  it('does not know at first, where a page starts without a network, and is signed in when that is back', async () => {
    const [first] = await signedInTabs(1)
    const { sessionId } = await first.run((client) => client.state as { sessionId: string })
    const browser = first.page.context()
    await first.page.close()
    const tab = await openTab(browser, application().waitingPage(door().url))
    await browser.setOffline(true)
    await tab.page.evaluate('window.start()')

    const asWell = { status: 'unknown', because: 'unavailable', sessionId }
    expect(await tab.run((client) => client.ready())).to.deep.equal(asWell)
    expect(await codeOf(tab.token())).to.equal('unavailable')
    expect(await tab.state()).to.deep.equal(asWell)
    await browser.setOffline(false)
    expect(await tab.until('signed_in')).to.include({ sessionId })
    expect((await tab.states()).map(({ status }) => status)).not.to.include('signed_out')
  })

  it('works in one tab where the browser keeps nothing', async () => {
    const [tab] = await signedInTabs(1, NO_STORAGE)
    await tab.leap(LONG)
    door().loseNext()
    expect(await codeOf(tab.token())).to.equal('unavailable')
    await tokenAfterAll(tab)
    await expectNeverSignedOut(server(), [tab])
    await tab.page.reload()
    await tab.until('signed_in')
    expect(await tab.run((client) => client.signOut())).to.equal(true)
    await tab.page.reload()
    expect(await tab.until('signed_out')).to.include({ reason: null })
  })

  it('knows nobody where nobody signed in, and says why a sign-in failed', async () => {
    const tab = await newTab(await newBrowser())
    expect(await tab.run((client) => client.ready())).to.include({ status: 'signed_out', reason: null })
    const email = await register(server().url)
    const wrong = tab.run((client, of) => client.signIn({ email: of, password: 'not the passphrase' }), email)
    expect(await codeOf(wrong)).to.equal('invalid_credentials')
    expect(await codeOf(tab.token())).to.equal('signed_out')
  })
})

const NO_LOCKS_AND_NO_CHANNELS = `
  Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })
  delete globalThis.BroadcastChannel`

const NO_STORAGE = `
  Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError') } })`

const waitingForTheLock = (tab: Tab): Promise<number> =>
  tab.page.evaluate('navigator.locks.query().then(({ pending }) => pending.length)')
