import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { ChildProcess } from 'node:child_process'
import type { CommandServer, Run } from '../../src/server/control-socket.ts'
import { listenForCommands, NobodyListening, sendCommand } from '../../src/server/control-socket.ts'

const module = new URL('../../src/server/control-socket.ts', import.meta.url).href

describe('the control socket', () => {
  let directory: string
  let path: string
  let servers: CommandServer[]
  let children: ChildProcess[]

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hallpass-control-'))
    path = join(directory, 'control.sock')
    servers = []
    children = []
  })

  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(servers.map((server) => server.close()))
    rmSync(directory, { recursive: true, force: true })
  })

  const listen = async (run: Run, at = path): Promise<CommandServer> => {
    const server = await listenForCommands({ path: at, run })
    servers.push(server)
    return server
  }

  const send = async (...argv: string[]) => {
    const said: string[] = []
    return { code: await sendCommand({ path, argv, write: (piece) => said.push(piece) }), said }
  }

  const echo: Run = async (argv, write) => {
    write(argv.join('|'))
    return 0
  }

  it('runs a command in the server, and brings back what it says and its exit code', async () => {
    await listen(async (argv, write) => {
      write(`${argv[0]}:`)
      await Promise.resolve()
      write(`${argv[1]}\n`)
      return 3
    })
    expect(await send('keys', 'rotate')).to.deep.equal({ code: 3, said: ['keys:', 'rotate\n'] })
  })

  it('brings every text through as it is', async () => {
    const texts = ['', 'two\nlines\n', '\u2028 \u2029 \r\n', 'Zoë 👩‍💻', '\0', '"{}"', 'x'.repeat(3_000_000)]
    await listen(async (argv, write) => {
      for (const word of argv.slice(0, -1)) write(word)
      write(texts.at(-1) ?? '')
      return 0
    })
    const { said } = await send(...texts.slice(0, -1), 'and a large one')
    expect(said).to.deep.equal(texts)
  })

  it('is for its owner only, and leaves the process its umask', async () => {
    const umask = process.umask()
    await listen(echo)
    expect(lstatSync(path).isSocket()).to.equal(true)
    expect(lstatSync(path).mode & 0o777).to.equal(0o600)
    expect(process.umask()).to.equal(umask)
  })

  it('serves a second caller while the first one’s command runs', async () => {
    const first = Promise.withResolvers<number>()
    await listen((argv) => (argv[0] === 'slow' ? first.promise : Promise.resolve(0)))
    const slow = send('slow')
    expect(await send('quick')).to.deep.equal({ code: 0, said: [] })
    first.resolve(7)
    expect(await slow).to.deep.equal({ code: 7, said: [] })
  })

  it('tells the caller what went wrong where a command throws', async () => {
    await listen(() => Promise.reject(new Error('no such key')))
    expect(await send('keys', 'revoke')).to.deep.equal({ code: 1, said: ['no such key\n'] })
    await listen(
      () => {
        throw new Error('at once')
      },
      join(directory, 'other.sock'),
    )
    path = join(directory, 'other.sock')
    expect(await send()).to.deep.equal({ code: 1, said: ['at once\n'] })
  })

  describe('between processes', () => {
    it('takes commands from another process', async () => {
      await listen(echo)
      const child = startChild(`
        process.exitCode = await sendCommand({ path, argv: ['sessions', 'list'], write: (text) => process.stdout.write(text) })
      `)
      expect(await text(child.stdout)).to.equal('sessions|list')
    })

    it('carries a command out to its end when its caller is killed', async () => {
      const started = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      const ended = Promise.withResolvers<void>()
      await listen(async (_, write) => {
        started.resolve()
        await goOn.promise
        write('still here? '.repeat(100_000))
        await new Promise((resolve) => setImmediate(resolve))
        write('anybody?')
        ended.resolve()
        return 0
      })
      const child = startChild(`await sendCommand({ path, argv: [], write: () => {} })`)
      await started.promise
      child.kill('SIGKILL')
      await once(child, 'exit')
      goOn.resolve()
      await ended.promise
    })

    it('tells the caller when the server is killed, and is made anew by the next one', async () => {
      const child = startChild(`
        await listenForCommands({ path, run: (argv, write) => (write('begun'), new Promise(() => {})) })
        console.log('listening')
      `)
      await once(child.stdout, 'data')
      const exited = once(child, 'exit')
      const said: string[] = []
      const refusal = await sendCommand({
        path,
        argv: [],
        write: (piece) => {
          said.push(piece)
          child.kill('SIGKILL')
        },
      }).catch((error: unknown) => error)
      expect(said).to.deep.equal(['begun'])
      expect(refusal).to.be.instanceOf(Error).with.property('message').that.includes('carried out in part')

      await exited
      expect(existsSync(path), 'what the killed server left').to.equal(true)
      expect(await send().catch((error: unknown) => error)).to.be.instanceOf(NobodyListening)
      await listen(echo)
      expect(await send('again')).to.deep.equal({ code: 0, said: ['again'] })
    })

    it('says so when nobody listens', async () => {
      expect(await send().catch((error: unknown) => error))
        .to.be.instanceOf(NobodyListening)
        .with.property('message', `No server takes commands at ${path}.`)
    })
  })

  describe('a request', () => {
    const ask = async (request: string | Buffer): Promise<string> => {
      const socket = connect(path)
      socket.end(request)
      return text(socket)
    }

    it('of more than 64 kB is refused on both sides, and the server goes on', async () => {
      await listen(echo)
      const large = 'x'.repeat(64 * 1024)
      expect(await send(large).catch((error: unknown) => error)).to.have.property(
        'message',
        'The command is larger than 64 kB.',
      )
      const refusal = '{"out":"The command is larger than 64 kB.\\n"}\n{"exit":1}\n'
      expect(await ask(`${JSON.stringify({ argv: [large] })}\n`)).to.equal(refusal)
      expect(await ask(Buffer.alloc(10_000_000, 'x'))).to.equal(refusal)
      expect((await send('fits'.repeat(10_000))).code).to.equal(0)
    })

    it('is refused when it is none', async () => {
      await listen(echo)
      for (const request of [
        '\n',
        'sessions list\n',
        'null\n',
        '[]\n',
        '{"argv":"x"}\n',
        '{"argv":[1]}\n',
        '{"argv":[]}',
        '',
      ]) {
        expect(await ask(request)).to.match(/^\{"out":"[^\n]+\\n"\}\n\{"exit":1\}\n$/)
      }
      expect(await send('still there')).to.deep.equal({ code: 0, said: ['still there'] })
    })

    it('may come in pieces, from a caller that then says no more', async () => {
      await listen(echo)
      const socket = connect(path)
      const answer = text(socket)
      for (const byte of Buffer.from('{"argv":["Zoë"]}')) {
        socket.write(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      socket.end('\n')
      expect(await answer).to.equal('{"out":"Zoë"}\n{"exit":0}\n')
    })
  })

  describe('closing', () => {
    it('waits for the commands that run, and takes no more', async () => {
      const end = Promise.withResolvers<number>()
      const started = Promise.withResolvers<void>()
      const server = await listen(() => {
        started.resolve()
        return end.promise
      })
      const running = send('slow')
      await started.promise
      let isClosed = false
      const closed = server.close().then(() => (isClosed = true))
      expect(await send('late').catch((error: unknown) => error)).to.be.instanceOf(NobodyListening)
      expect(isClosed).to.equal(false)
      end.resolve(5)
      expect(await running).to.deep.equal({ code: 5, said: [] })
      await closed
      expect(existsSync(path)).to.equal(false)
    })

    it('waits for a command whose caller has gone', async () => {
      const end = Promise.withResolvers<number>()
      const started = Promise.withResolvers<void>()
      const server = await listen(() => {
        started.resolve()
        return end.promise
      })
      const socket = connect(path)
      socket.write('{"argv":[]}\n')
      await started.promise
      socket.destroy()
      let isClosed = false
      const closed = server.close().then(() => (isClosed = true))
      await new Promise((resolve) => setImmediate(resolve))
      expect(isClosed).to.equal(false)
      end.resolve(0)
      await closed
    })

    it('does not wait for a caller that says nothing', async () => {
      const server = await listen(echo)
      const socket = connect(path)
      await once(socket, 'connect')
      const gone = once(socket, 'close')
      await server.close()
      await gone
    })
  })

  describe('whose path', () => {
    it('is too long for a socket is reached from the working directory', async () => {
      const deep = join(directory, 'a'.repeat(100))
      mkdirSync(deep)
      path = join(deep, 'control.sock')
      const cwd = process.cwd()
      try {
        process.chdir(deep)
        await listen(echo)
        expect(lstatSync(path).isSocket()).to.equal(true)
        expect(await send('near')).to.deep.equal({ code: 0, said: ['near'] })
      } finally {
        process.chdir(cwd)
      }
      expect(await listen(echo).catch((error: unknown) => error))
        .to.have.property('message')
        .that.includes(`${path} is too long for a socket`)
      expect(await send().catch((error: unknown) => error))
        .to.have.property('message')
        .that.includes('too long')
    })

    it('is taken by something else is refused, and that left alone', async () => {
      writeFileSync(path, 'notes')
      expect(await listen(echo).catch((error: unknown) => error))
        .to.have.property('message')
        .that.includes('is in the way')
      expect(readFileSync(path, 'utf8')).to.equal('notes')
    })

    it('lies in no directory is refused', async () => {
      path = join(directory, 'missing', 'control.sock')
      expect(await listen(echo).catch((error: unknown) => error)).to.be.instanceOf(Error)
    })
  })

  function startChild(script: string) {
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { listenForCommands, sendCommand } from ${JSON.stringify(module)}
         const path = ${JSON.stringify(path)}
         ${script}`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.push(child)
    return child
  }
})
