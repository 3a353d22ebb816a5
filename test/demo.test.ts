/** `npm run demo` tells the truth: it passes on a Hallpass, and on nothing that behaves otherwise. */
import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startOwnServer, type OwnServer } from '../scripts/demo/own-server.ts'

const DEMO = join(import.meta.dirname, '..', 'scripts', 'demo.ts')

interface Run {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function runDemo(...given: string[]): Promise<Run> {
  const { DEMO_URL: _, ...env } = process.env
  const child = spawn(process.execPath, [DEMO, ...given], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code: code as number | null, out, err }
}

/** A server that answers as `handle` does, for the length of `work`. */
async function withServer<Result>(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  const server = createServer(handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

interface Passing {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
}

/** Stands between the demo and a real Hallpass, and may change what passes. */
const proxyTo =
  (upstream: string, change: (passing: Passing, forward: () => Promise<Response>) => Promise<Response>) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const pass = async (): Promise<void> => {
      const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers
      const passing = {
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: headers as Record<string, string>,
        body: await text(request),
      }
      const { method, path, body } = passing
      const forward = () =>
        fetch(upstream + path, { method, headers: passing.headers, ...(body === '' ? {} : { body }) })
      const answer = await change(passing, forward)
      const cookies = answer.headers.getSetCookie()
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'text/plain',
        ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}),
      })
      response.end(await answer.text())
    }
    // A connection that the demo cuts on purpose ends here too.
    pass().catch(() => response.destroy())
  }

describe('the demo', function () {
  this.timeout(90_000)
  this.slow(15_000)

  it('plays the whole story on a server of its own, and ends with 0', async () => {
    const { code, out, err } = await runDemo()
    expect(err).to.equal('')
    expect(code).to.equal(0)
    for (const sentence of [
      'seen as Ada’s phone, Postcards 2.3.1 on Pixel 8, mobile',
      'seen as Chrome on Windows 11, desktop',
      'byte for byte the same',
      'one character changed: refused',
      'refused: revoked_by_user',
      'You signed this device out from Chrome on Windows 11, on ',
      'refused: token_reuse',
      'every one was met',
    ]) {
      expect(out).to.include(sentence)
    }
    expect(out, 'a whole token').not.to.match(/hprt_[\w-]{20}|eyJ[\w-]{20}/)
    expect(out, 'colours where nobody sees them').not.to.include('\u001b')
  })

  it('refuses what is not Hallpass', async () => {
    const page = await withServer((_, response) => response.end('<h1>It works!</h1>'), runDemo)
    expect(page.code).to.equal(1)
    expect(page.err).to.include('Not as expected.')

    const other = await withServer((_, response) => response.end('{"issuer":"https://other.example"}'), runDemo)
    expect(other.code).to.equal(1)
    expect(other.err).to.include('is not Hallpass')
  })

  it('says so when nobody answers', async () => {
    const url = await withServer(
      () => undefined,
      (gone) => Promise.resolve(gone),
    )
    const { code, err } = await runDemo(url)
    expect(code).to.equal(1)
    expect(err).to.include('was not answered')
  })

  describe('against a Hallpass that breaks a promise', () => {
    let upstream: OwnServer
    before(async () => {
      upstream = await startOwnServer()
    })
    after(() => upstream.stop())

    it('passes where nothing is changed', async () => {
      const honest = proxyTo(upstream.url, (_, forward) => forward())
      const { code, err } = await withServer(honest, runDemo)
      expect(err).to.equal('')
      expect(code).to.equal(0)
    })

    it('notices a repeated refresh that brings another token', async () => {
      const seen = new Map<string, number>()
      const dishonest = proxyTo(upstream.url, async ({ headers }, forward) => {
        const key = headers['idempotency-key'] ?? ''
        seen.set(key, (seen.get(key) ?? 0) + 1)
        const answer = await forward()
        if (key === '' || seen.get(key) !== 3) return answer
        const body = (await answer.json()) as Record<string, unknown>
        return Response.json({ ...body, refresh_token: 'hprt_another' })
      })
      const { code, err } = await withServer(dishonest, runDemo)
      expect(code).to.equal(1)
      expect(err).to.include('refresh token of a refresh repeated twice')
    })

    it('notices a revocation that did not happen', async () => {
      const dishonest = proxyTo(upstream.url, ({ method }, forward) =>
        method === 'DELETE' ? Promise.resolve(new Response(null, { status: 204 })) : forward(),
      )
      const { code, err } = await withServer(dishonest, runDemo)
      expect(code).to.equal(1)
      expect(err).to.include("status of the phone's refresh: expected 400, got 200")
    })
  })
})
