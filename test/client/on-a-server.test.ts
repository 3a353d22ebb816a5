import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Where pages are rendered, and everywhere else where nobody is signed in. */
describe('Importing and making a client', function () {
  this.timeout(60_000)

  /** A program of its own, with whatever it needs to notice requests. @returns what it wrote, once it has ended */
  async function run(program: string): Promise<string> {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', `${PRELUDE}\n${program}`], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    })
    const chunks: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
    }
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code, `it did not end by itself:\n${chunks.join('')}`).to.equal(0)
    return chunks.join('').trim()
  }

  /** Counts what is begun; whoever writes the count at the end is the program. */
  const PRELUDE = `
    let begun = 0
    for (const name of ['fetch', 'setTimeout', 'setInterval']) {
      const itself = globalThis[name]
      globalThis[name] = (...given) => (begun++, itself(...given))
    }
    process.on('exit', () => console.log(begun, 'begun;', process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap)$/.test(name)).join() || 'nothing open'))
  `
  const MAKE = `
    import { createClient, webStorage } from 'hallpass/client'
    const issuer = 'http://127.0.0.1:9'
    const clients = [
      createClient({ issuer, transport: 'cookie' }),
      createClient({ issuer, transport: 'body' }),
      createClient({ issuer, transport: 'body', storage: webStorage('tokens'), follow: true }),
      createClient({ issuer, transport: 'body', storage: { name: 'shared', read: () => null, write() {} } }),
    ]
  `

  it('does nothing: no timers, no requests, and the program ends by itself', async () => {
    expect(await run(MAKE)).to.match(/^0 begun; (nothing open|MessagePort)?$/)
  })

  it('does nothing either where a page is rendered', async () => {
    const rendered = await run(`${MAKE}
      import { createElement } from 'react'
      import { renderToString } from 'react-dom/server'
      import { useSession } from 'hallpass/client/react'
      const Page = ({ client }) => createElement('p', null, useSession(client).because)
      begun = 0
      console.log(clients.map((client) => renderToString(createElement(Page, { client }))).join(''))
      console.log(begun)
    `)
    expect(rendered.split('\n').slice(0, 2)).to.deep.equal(['<p>starting</p>'.repeat(4), '0'])
  })

  it('knows nobody, and a program that asked ends by itself all the same', async () => {
    const said = await run(`${MAKE}
      for (const client of clients.slice(1)) console.log((await client.ready()).status)
    `)
    expect(said.split('\n').slice(0, 3)).to.deep.equal(['signed_out', 'signed_out', 'signed_out'])
  })

  it('and being signed in keeps no program alive, also while the service is away', async () => {
    const said = await run(`${MAKE}
      const kept = JSON.stringify({ token: 'x', key: 'y', sid: 'z' })
      const client = createClient({ issuer, transport: 'body', storage: { read: () => kept, write() {} } })
      const { status, because } = await client.ready()
      console.log(status, because)
    `)
    expect(said.split('\n')[0]).to.equal('unknown unavailable')
  })

  it('and following keeps no program alive that closes its client', async () => {
    const said = await run(`${MAKE}
      const answers = {
        '/v1/sessions': { access_token: 'a', refresh_token: 'r', expires_in: 300, session: { id: 's' } },
      }
      const client = createClient({
        issuer,
        transport: 'body',
        follow: true,
        fetch: async (url) => Response.json(answers[new URL(url).pathname] ?? {}, { status: 503 - 303 * (new URL(url).pathname in answers) }),
      })
      await client.signIn({ email: '', password: '' })
      await new Promise((resolve) => setImmediate(resolve))
      console.log(client.state.status)
      client.close()
      process.on('exit', () => console.log(performance.now() < 20_000 ? 'soon' : 'late'))
    `)
    expect(said.split('\n')[0]).to.equal('signed_in')
    expect(said).to.include('soon')
  })
})
