import { expect } from 'chai'
import { createElement, type FunctionComponent } from 'react'
import { renderToString } from 'react-dom/server'
import type { Client } from 'hallpass/client'
import { useSession } from 'hallpass/client/react'
import { useFakeTime } from '../support/fake-time.ts'
import { aClient, aSignedInDevice } from './clients.ts'
import { createScriptedService } from './scripted-service.ts'

/** In a browser: test/browser. */
describe('useSession, where a page is rendered on a server', () => {
  const time = useFakeTime()

  const Page: FunctionComponent<{ client: Client }> = ({ client }) => {
    const state = useSession(client)
    return createElement('p', null, JSON.stringify(state))
  }
  const render = (client: Client): unknown => {
    const html = renderToString(createElement(Page, { client }))
    return JSON.parse(html.replaceAll('&quot;', '"').replace(/<\/?p>/g, ''))
  }

  it('says that nobody knows yet, and asks nobody', async () => {
    const service = createScriptedService()
    expect(render(aClient(service))).to.deep.equal({ status: 'unknown', because: 'starting', sessionId: null })
    await time.settle()
    expect(service.asked).to.be.empty
    expect(time.timers()).to.equal(0)
  })

  it('says so whatever the client knows: what a page begins with is the same everywhere', async () => {
    const { client } = await aSignedInDevice(createScriptedService())
    expect(client.state.status).to.equal('signed_in')
    expect(render(client)).to.deep.equal({ status: 'unknown', because: 'starting', sessionId: null })
  })
})
