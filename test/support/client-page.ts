/** An application in the browser: pages of an origin of their own with the client on them, for tests to work with. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import type { Client, SessionState } from '../../src/client/index.ts'
import { PASSWORD } from './people.ts'

const SOURCES = join(import.meta.dirname, '..', '..', 'src', 'client')

export interface Application {
  /** Its page, on which a client of this issuer runs at once. */
  page(issuer: string): string
  /** The same, and the client starts when `window.start()` is called. */
  waitingPage(issuer: string): string
  /** A page with React on it. */
  reactPage(issuer: string): string
  /** A page without anything. */
  readonly elsewhere: string
  close(): Promise<void>
}

export async function startApplication(): Promise<Application> {
  const [client, react] = await Promise.all([
    bundle({ entryPoints: [join(SOURCES, 'index.ts')] }),
    bundle({ stdin: { contents: REACT_PAGE, resolveDir: SOURCES } }),
  ])
  const files: Record<string, readonly [type: string, content: string]> = {
    '/': ['text/html', '<!doctype html><title>App</title><script type="module" src="/page.js"></script>'],
    '/page.js': ['text/javascript', CLIENT_PAGE],
    '/client.js': ['text/javascript', client],
    '/react': [
      'text/html',
      '<!doctype html><title>React</title><main></main><script type="module" src="/react.js"></script>',
    ],
    '/react.js': ['text/javascript', react],
    '/elsewhere': ['text/html', '<!doctype html><title>Elsewhere</title>'],
  }
  const server = createServer((request, response) => {
    const [type, content] = files[new URL(request.url ?? '', 'http://app.example').pathname] ?? ['text/plain', '']
    response.setHeader('Content-Type', type).end(content)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`
  return {
    page: (issuer) => `${origin}/?issuer=${issuer}`,
    waitingPage: (issuer) => `${origin}/?issuer=${issuer}&waits`,
    reactPage: (issuer) => `${origin}/react?issuer=${issuer}`,
    elsewhere: `${origin}/elsewhere`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function bundle(input: Parameters<typeof build>[0]): Promise<string> {
  const { outputFiles } = await build({
    ...input,
    bundle: true,
    format: 'esm',
    write: false,
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  return outputFiles?.[0]?.text ?? ''
}

const CLIENT_PAGE = `
  import { createClient } from './client.js'
  const parameters = new URLSearchParams(location.search)
  window.states = []
  window.start = () => {
    const client = createClient({ issuer: parameters.get('issuer'), transport: 'cookie' })
    window.states.push(client.state)
    client.onChange((state) => window.states.push(state))
    window.client = client
  }
  if (!parameters.has('waits')) window.start()
`

/** In StrictMode all effects run twice, and every rendering. */
const REACT_PAGE = `
  import { createElement, StrictMode, useEffect, useState } from 'react'
  import { createRoot } from 'react-dom/client'
  import { createClient } from './index.ts'
  import { useSession } from './react.ts'
  const issuer = new URLSearchParams(location.search).get('issuer')
  window.client = createClient({ issuer, transport: 'cookie' })
  window.rendered = []
  function App() {
    const session = useSession(window.client)
    const { status, reason } = session
    const text = status === 'signed_out' ? status + ' ' + reason : status
    useEffect(() => void window.rendered.push(text), [text])
    return createElement('p', null, text)
  }
  createRoot(document.querySelector('main')).render(createElement(StrictMode, null, createElement(App), createElement(App)))
`

/** One page with a client on it. */
export interface Tab {
  readonly page: Page
  /** Runs in the page. @throws with the code of a HallpassError as its message */
  run<Result, Argument>(
    work: (client: Client, argument: Argument) => Result | Promise<Result>,
    argument?: Argument,
  ): Promise<Result>
  signIn(email: string): Promise<string>
  token(): Promise<string>
  state(): Promise<SessionState>
  /** Every state there was, oldest first. */
  states(): Promise<SessionState[]>
  /** As soon as it is so. @returns that state */
  until(status: SessionState['status']): Promise<SessionState>
  /** The page's clocks leap: both, or one of them. Milliseconds. */
  leap(clocks: number | { readonly wall?: number; readonly monotonic?: number }): Promise<void>
}

/** @param url of one of the application's pages */
export async function openTab(context: BrowserContext, url: string): Promise<Tab> {
  const page = await context.newPage()
  await page.addInitScript(CLOCKS)
  await page.goto(url)
  return onPage(page)
}

export function onPage(page: Page): Tab {
  const run: Tab['run'] = async (work, argument) => {
    // Given as text, so that it is not the tests' own compiler that has to know a browser.
    const { value, failed } = await page.evaluate<{ value?: unknown; failed?: string }>(
      `Promise.resolve().then(() => (${work.toString()})(window.client, ${JSON.stringify(argument) ?? 'undefined'})).then(
        (value) => ({ value }), (error) => ({ failed: error.code ?? String(error) }))`,
    )
    if (failed !== undefined) throw new Error(failed)
    return value as Awaited<ReturnType<typeof work>>
  }
  return {
    page,
    run,
    signIn: (email) =>
      run(async (client, credentials) => (await client.signIn(credentials)).id, { email, password: PASSWORD }),
    token: () => run((client) => client.getAccessToken()),
    state: () => run((client) => client.state),
    states: () => page.evaluate('window.states'),
    async until(status) {
      await page.waitForFunction(`window.client?.state.status === '${status}'`)
      return run((client) => client.state)
    },
    leap(clocks) {
      const both = typeof clocks === 'number' ? { wall: clocks, monotonic: clocks } : clocks
      return page.evaluate(`window.leap(${JSON.stringify(both)})`)
    },
  }
}

/** They stand still but for the leaps, however slow the machine is. Timers go on as they were. */
const CLOCKS = `{
  const at = { wall: Date.now(), monotonic: performance.now() }
  Date.now = () => at.wall
  performance.now = () => at.monotonic
  window.leap = ({ wall = 0, monotonic = 0 }) => {
    at.wall += wall
    at.monotonic += monotonic
  }
}`

/** What it was refused with. */
export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing failed',
    (error: Error) => error.message,
  )
