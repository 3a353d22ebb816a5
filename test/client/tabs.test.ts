import { expect } from 'chai'
import { randomUUID } from 'node:crypto'
import type { Client } from 'hallpass/client'
import { paths } from '../../src/protocol/paths.ts'
import { useFakeTime } from '../support/fake-time.ts'
import { eventually } from '../support/revocation-feed.ts'
import { aClient, ADA, codeOf, MINUTE, SECOND } from './clients.ts'
import { createNotebook, type Notebook } from './notebook.ts'
import { createScriptedService, fail, hang, hold, overBecauseOf, type Reply } from './scripted-service.ts'

/** With the Web Locks and the BroadcastChannel of Node: its clients of one name are tabs to each other. */
describe('Tabs of one origin', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let storage: Notebook
  let tabs: Client[]
  beforeEach(() => {
    service = createScriptedService()
    storage = createNotebook(`hallpass ${randomUUID()}`)
    tabs = []
  })
  afterEach(() => {
    for (const tab of tabs) tab.close()
  })

  function aTab(): Client {
    const tab = aClient(service, { transport: 'cookie', storage })
    tabs.push(tab)
    return tab
  }

  const isIn = (tab: Client, sid: string) => () => tab.state.status === 'signed_in' && tab.state.sessionId === sid
  const isOut = (tab: Client) => () => tab.state.status === 'signed_out'

  /** Two that are signed in, with one access token. */
  async function twoTabs(): Promise<[Client, Client, sid: string]> {
    const [one, other] = [aTab(), aTab()]
    const { id } = await one.signIn(ADA)
    await other.ready()
    await eventually(isIn(other, id))
    return [one, other, id]
  }

  /** As long as an answer takes in a network. */
  const slowly: Reply = async (_, onward) => {
    const answer = onward()
    await new Promise((resolve) => void setTimeout(resolve, 100))
    return answer
  }

  it('are signed in together', async () => {
    const [one, other] = [aTab(), aTab()]
    await Promise.all([one.ready(), other.ready()])
    const before = service.refreshes.length
    const { id } = await one.signIn(ADA)
    await eventually(isIn(other, id))
    expect(await other.getAccessToken()).to.equal(await one.getAccessToken())
    expect(service.refreshes).to.have.length(before)
  })

  it('that are opened at once ask once', async () => {
    const sid = service.signInOnAPage()
    service.always(paths.token, slowly)
    const opened = Array.from({ length: 4 }, () => aTab())
    const ready = Promise.all(opened.map((tab) => tab.ready()))
    for (let waited = 0; waited < 10; waited += 1) await time.pass(60)
    for (const state of await ready) expect(state).to.deep.equal({ status: 'signed_in', sessionId: sid })
    expect(service.refreshes).to.have.length(1)
    expect(new Set(await Promise.all(opened.map((tab) => tab.getAccessToken()))).size).to.equal(1)
  })

  it('refresh once for all, again and again, and hand the token over', async () => {
    const [one, other, sid] = await twoTabs()
    const before = service.refreshes.length
    service.always(paths.token, slowly)
    await time.pass(60 * MINUTE)
    expect(service.refreshes.length - before).to.be.within(13, 17)
    await time.settle()
    expect(await other.getAccessToken()).to.equal(await one.getAccessToken())
    expect(service.live).to.deep.equal([sid])
  })

  it('are signed out together, at once', async () => {
    const [one, other, sid] = await twoTabs()
    const told = hold()
    service.next(paths.currentSession, told.reply)
    const out = one.signOut()
    await eventually(isOut(other))
    expect(other.state).to.include({ reason: 'signed_out' })
    expect(await codeOf(other.getAccessToken())).to.equal('signed_out')
    told.release()
    await out
    await time.pass(20 * MINUTE)
    for (const tab of tabs) expect(tab.state.status).to.equal('signed_out')
    expect(service.ended.get(sid)).to.equal('signed_out')
    expect(service.askedAt(paths.currentSession)).to.have.length(1)
  })

  it('are signed out together when the service says so to one of them, with its reason', async () => {
    const [, , sid] = await twoTabs()
    service.end(sid, 'revoked_by_user')
    await time.pass(5 * MINUTE)
    for (const tab of tabs) {
      await eventually(isOut(tab))
      expect(tab.state).to.deep.equal(overBecauseOf('revoked_by_user'))
    }
  })

  it('are signed out also where one of them waits for an answer, which then comes too late', async () => {
    const [one, other, sid] = await twoTabs()
    const late = hold()
    service.next(paths.token, late.reply)
    while (!late.isAsked()) await time.pass(SECOND)
    // Whichever of them it is: the other signs out.
    const out = Promise.all([one.signOut(), other.signOut()])
    await time.settle()
    late.release()
    await time.pass(SECOND) // one that waited for the lock listens first
    await out
    await time.pass(20 * MINUTE)
    for (const tab of tabs) expect(tab.state.status).to.equal('signed_out')
    expect(service.live).not.to.include(sid)
  })

  /** What one tab says to the others, whenever it arrives. */
  async function say(news: object): Promise<void> {
    const channel = new BroadcastChannel(storage.name ?? '')
    channel.postMessage(news)
    await time.settle()
    channel.close()
  }

  it('are not signed in again by what arrives late', async () => {
    const [one, other, sid] = await twoTabs()
    await one.signOut()
    await eventually(isOut(other))
    await say({ token: 'access', sid, life: 4 * MINUTE })
    await time.settle()
    for (const tab of tabs) {
      expect(tab.state.status).to.equal('signed_out')
      expect(await codeOf(tab.getAccessToken())).to.equal('signed_out')
    }
  })

  it('are not signed in again by it either where they did not know yet who was signed in', async () => {
    const [one, , sid] = await twoTabs()
    service.always(paths.token, hang)
    const reading = storage.read.bind(storage)
    storage.read = () => new Promise(() => undefined)
    const third = aTab()
    void third.ready()
    await time.settle()
    storage.read = reading
    void one.signOut()
    await eventually(isOut(third))
    await say({ token: 'access', sid, life: 4 * MINUTE })
    expect(third.state.status).to.equal('signed_out')
  })

  it('are not signed out by what concerns somebody before', async () => {
    const [one, other, sid] = await twoTabs()
    await say({ reason: 'revoked_by_user', sid: 'another session' })
    await time.settle()
    for (const tab of [one, other]) expect(isIn(tab, sid)()).to.equal(true)
  })

  it('take over when somebody else signs in, and do not go back for what arrives late', async () => {
    const [one, other, before] = await twoTabs()
    await time.settle()
    const { id } = await one.signIn(ADA)
    await eventually(isIn(other, id))
    await say({ token: 'access', sid: before, life: 4 * MINUTE })
    for (const tab of [one, other]) {
      expect(isIn(tab, id)()).to.equal(true)
      expect(await tab.getAccessToken()).to.include(id)
    }
  })

  describe('of which one signs in', () => {
    for (const [name, news] of [
      ['the end of the session before', { reason: 'revoked_by_user' }],
      ['a sign-out of the session before', { reason: 'signed_out' }],
    ] as const) {
      it(`are signed in, though ${name} is heard of meanwhile`, async () => {
        const [one, other, before] = await twoTabs()
        const answer = hold()
        service.next(paths.sessions, answer.reply)
        const signedIn = one.signIn(ADA)
        while (!answer.isAsked()) await time.settle()
        await say({ ...news, sid: before })
        for (const tab of tabs) await eventually(isOut(tab))
        answer.release()
        const { id } = await signedIn
        for (const tab of [one, other]) await eventually(isIn(tab, id))
        expect(service.live).to.include(id)
        await time.pass(20 * MINUTE)
        for (const tab of [one, other]) expect(isIn(tab, id)()).to.equal(true)
      })
    }

    it('are signed in, though another one says that nobody is', async () => {
      service.next(paths.token, fail)
      const tab = aTab()
      await tab.ready()
      const answer = hold()
      service.next(paths.sessions, answer.reply)
      const signedIn = tab.signIn(ADA)
      while (!answer.isAsked()) await time.settle()
      await say({ reason: null, sid: null })
      await eventually(isOut(tab))
      answer.release()
      const { id } = await signedIn
      expect(isIn(tab, id)()).to.equal(true)
      expect(service.live).to.deep.equal([id])
    })

    it('are told nothing by one that finds nobody signed in', async () => {
      const heard: unknown[] = []
      const channel = new BroadcastChannel(storage.name ?? '')
      channel.onmessage = ({ data }: MessageEvent) => void heard.push(data)
      await aTab().ready()
      await time.settle()
      channel.close()
      expect(heard).to.be.empty
    })
  })

  describe('of which one proves anew who it is, while another one signs in as somebody else', () => {
    it('are that somebody: the proof is of the one before', async () => {
      const [one, other] = await twoTabs()
      const proof = hold()
      service.next(paths.reauthentication, proof.reply)
      const proved = codeOf(one.reauthenticate({ password: ADA.password }))
      while (!proof.isAsked()) await time.settle()
      const { id } = await other.signIn({ email: 'bob@example.com', password: 'another long passphrase' })
      await eventually(isIn(one, id))
      proof.release()
      expect(await proved).to.equal('superseded')
      await time.settle()
      for (const tab of [one, other]) {
        expect(isIn(tab, id)()).to.equal(true)
        expect(await tab.getAccessToken()).to.include(id)
      }
    })

    it('do not take the proof of that somebody for their own, who have not heard of it', async () => {
      const shared = createNotebook()
      const [one, other] = [0, 1].map(() => aClient(service, { storage: shared })) as [Client, Client]
      tabs.push(one, other)
      const { id } = await one.signIn(ADA)
      time.sleep(10 * MINUTE)
      await other.signIn({ email: 'bob@example.com', password: 'another long passphrase' })
      service.next(paths.reauthentication, () => Response.json({ access_token: 'access.bob', expires_in: 300 }))
      expect(await codeOf(one.reauthenticate({ password: ADA.password }))).to.equal('superseded')
      expect(one.state).to.deep.equal({ status: 'signed_in', sessionId: id })
      expect(await one.getAccessToken()).not.to.equal('access.bob')
    })
  })

  it('pass over a tab that holds the lock and is dead', async () => {
    const [, other, sid] = await twoTabs()
    let letGo = (): void => undefined
    const dead = navigator.locks.request(storage.name ?? '', () => new Promise<void>((resolve) => (letGo = resolve)))
    await time.settle()
    time.sleep(10 * MINUTE)
    const before = service.refreshes.length
    const token = codeOf(other.getAccessToken())
    await time.pass(19 * SECOND)
    expect(service.refreshes).to.have.length(before)
    await time.pass(2 * SECOND)
    expect(await token).to.equal(null)
    expect(other.state).to.deep.equal({ status: 'signed_in', sessionId: sid })
    letGo()
    await dead
  })

  it('share nothing where a storage has no name', async () => {
    const [one, other] = [0, 1].map(() => aClient(service, { storage: createNotebook() })) as [Client, Client]
    tabs.push(one, other)
    await one.signIn(ADA)
    const { id } = await other.signIn(ADA)
    await one.signOut()
    await time.settle()
    expect(isIn(other, id)()).to.equal(true)
    await time.pass(20 * MINUTE)
    expect(service.live).to.deep.equal([id])
  })

  describe('of a browser without locks and channels', () => {
    const names = ['navigator', 'BroadcastChannel'] as const
    const itself = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)!] as const)
    beforeEach(() => {
      for (const name of names) Object.defineProperty(globalThis, name, { value: undefined, configurable: true })
    })
    afterEach(() => {
      for (const [name, descriptor] of itself) Object.defineProperty(globalThis, name, descriptor)
    })

    it('ask more often, and stay signed in', async () => {
      const sid = service.signInOnAPage()
      service.always(paths.token, slowly)
      const opened = Array.from({ length: 3 }, () => aTab())
      for (const tab of opened) {
        void tab.ready()
        await time.pass(10) // the answer to one is not there yet when the next one asks
      }
      expect(service.refreshes).to.have.length(3)
      await time.pass(30 * MINUTE)
      for (const tab of opened)
        expect(tab.state, JSON.stringify([service.refreshes, [...service.ended]])).to.deep.equal({
          status: 'signed_in',
          sessionId: sid,
        })
      expect(service.live).to.deep.equal([sid])
    })

    it('learn of a sign-out when somebody looks', async () => {
      const sid = service.signInOnAPage()
      const [one, other] = [aTab(), aTab()]
      await one.ready()
      await other.ready()
      expect(isIn(other, sid)()).to.equal(true)
      await one.signOut()
      other.wake()
      await time.settle()
      expect(other.state.status).to.equal('signed_out')
      expect(await codeOf(other.getAccessToken())).to.equal('signed_out')
    })
  })
})
