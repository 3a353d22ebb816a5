import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ChildProcess } from 'node:child_process'
import {
  DirectoryInUse,
  DirectoryUnusable,
  lockDirectory,
  readHolder,
} from '../../../src/server/database/directory-lock.ts'

const module = new URL('../../../src/server/database/directory-lock.ts', import.meta.url).href

describe('the lock of a data directory', () => {
  let parent: string
  let directory: string
  let children: ChildProcess[]

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'hallpass-lock-'))
    directory = join(parent, 'data')
    children = []
  })

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    if (existsSync(directory)) chmodSync(directory, 0o700)
    rmSync(parent, { recursive: true, force: true })
  })

  it('makes the directory for its owner only', () => {
    const lock = lockDirectory(join(directory, 'deep'), { pid: process.pid })
    expect(statSync(directory).mode & 0o777).to.equal(0o700)
    expect(statSync(join(directory, 'deep')).mode & 0o777).to.equal(0o700)
    expect(statSync(join(directory, 'deep', 'holder.json')).mode & 0o777).to.equal(0o600)
    lock.release()
  })

  it('tells who holds it and, once that is known, where it listens', () => {
    const lock = lockDirectory(directory, { pid: 4711 })
    expect(readHolder(directory)).to.include({ pid: 4711 }).and.not.to.have.property('address')
    const since = readHolder(directory)?.since
    expect(new Date(since ?? '').toISOString()).to.equal(since)

    lock.update({ pid: 4711, address: 'http://localhost:3000' })
    expect(readHolder(directory)).to.deep.equal({ pid: 4711, address: 'http://localhost:3000', since })
    lock.release()
    expect(readHolder(directory)).to.equal(null)
  })

  describe('between processes', () => {
    it('refuses the second, and names the first in words', async () => {
      const first = await run(lockingProcess('http://localhost:3000'))
      expect(first.line).to.equal('locked')

      const refusal = refusalOf(() => lockDirectory(directory, { pid: process.pid }))
      expect(refusal).to.be.instanceOf(DirectoryInUse)
      expect((refusal as DirectoryInUse).directory).to.equal(directory)
      expect((refusal as DirectoryInUse).holder).to.include({ pid: first.child.pid, address: 'http://localhost:3000' })
      expect(refusal.message).to.include(
        `${directory} is in use by the process ${first.child.pid} at http://localhost:3000`,
      )
    })

    it('is free again when the first releases it, or ends', async () => {
      const lock = lockDirectory(directory, { pid: process.pid })
      expect((await run(lockingProcess())).line).to.equal(`in use by ${process.pid}`)
      lock.release()

      const second = await run(lockingProcess())
      expect(second.line).to.equal('locked')
      second.child.stdin?.end()
      await once(second.child, 'exit')
      lockDirectory(directory, { pid: process.pid }).release()
    })

    it('is free by itself when the first is killed, whatever that left behind', async () => {
      const first = await run(lockingProcess())
      first.child.kill('SIGKILL')
      await once(first.child, 'exit')
      expect(readHolder(directory), 'what is left').to.include({ pid: first.child.pid })

      const lock = lockDirectory(directory, { pid: process.pid })
      expect(readHolder(directory)).to.include({ pid: process.pid })
      lock.release()
    })

    it('does not live on in the children of a killed process', async () => {
      const first = await run(`
        import { spawn } from 'node:child_process'
        ${lockingProcess()}
        const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })
        console.log(child.pid)
      `)
      const grandchild = await first.nextLine()
      try {
        first.child.kill('SIGKILL')
        await once(first.child, 'exit')
        process.kill(Number(grandchild), 0)
        lockDirectory(directory, { pid: process.pid }).release()
      } finally {
        process.kill(Number(grandchild), 'SIGKILL')
      }
    })

    it('cannot be taken from a process that lives but answers nothing', async () => {
      const first = await run(lockingProcess())
      first.child.kill('SIGSTOP')
      expect(() => lockDirectory(directory, { pid: process.pid })).to.throw(DirectoryInUse, String(first.child.pid))
      expect(() => lockDirectory(directory, { pid: process.pid })).to.throw(DirectoryInUse)
    })

    it('is given to exactly one of many that want it at the same moment', async () => {
      const racers = await Promise.all(Array.from({ length: 6 }, () => run(lockingProcess())))
      expect(racers.filter(({ line }) => line === 'locked')).to.have.length(1)
      expect(racers.filter(({ line }) => line.startsWith('in use by'))).to.have.length(5)
    })

    it('is not lost when its file is refused to another part of the same process', async () => {
      const lock = lockDirectory(directory, { pid: process.pid })
      expect(() => lockDirectory(directory, { pid: process.pid })).to.throw(DirectoryInUse)
      expect((await run(lockingProcess())).line).to.equal(`in use by ${process.pid}`)
      lock.release()
    })

    it('is not lost when nobody in the process refers to it any more', async () => {
      const first = await run(`
        import { setFlagsFromString } from 'node:v8'
        import { runInNewContext } from 'node:vm'
        setFlagsFromString('--expose-gc')
        ${lockingProcess()}
        runInNewContext('gc')()
        console.log('collected')
      `)
      await first.nextLine()
      expect(() => lockDirectory(directory, { pid: process.pid })).to.throw(DirectoryInUse)
    })
  })

  it('takes a second release, and news after it, for nothing', () => {
    const first = lockDirectory(directory, { pid: 1 })
    first.release()
    const second = lockDirectory(directory, { pid: 2 })
    first.release()
    first.update({ pid: 1, address: 'http://localhost:1' })
    expect(readHolder(directory)).to.include({ pid: 2 })
    expect(() => lockDirectory(directory, { pid: 3 })).to.throw(DirectoryInUse)
    second.release()
  })

  it('knows no holder where the file says nothing readable', () => {
    const lock = lockDirectory(directory, { pid: process.pid })
    for (const content of ['', '{"pid":', '7', 'null', '{"pid":"x","since":"now"}']) {
      writeFileSync(join(directory, 'holder.json'), content)
      expect(readHolder(directory)).to.equal(null)
    }
    const refusal = refusalOf(() => lockDirectory(directory, { pid: process.pid }))
    expect((refusal as DirectoryInUse).holder).to.equal(null)
    expect(refusal.message).to.include('in use by another process')
    lock.release()
  })

  it('never removes its file, which is what the lock belongs to', () => {
    const { ino } = lockAndRelease()
    expect(lockAndRelease().ino).to.equal(ino)

    function lockAndRelease() {
      lockDirectory(directory, { pid: process.pid }).release()
      return statSync(join(directory, 'lock.db'))
    }
  })

  describe('of a directory that cannot be used', () => {
    it('says so where one may not write', async () => {
      mkdirSync(directory, { mode: 0o555 })
      const { line } = await run(asNobodySpecial())
      expect(line).to.match(
        /^DirectoryUnusable: .*data cannot be used as data directory: .* may create and write files/,
      )
      expect(existsSync(join(directory, 'lock.db'))).to.equal(false)
    })

    it('says so where one may read the lock but not write it, and takes no lock that two could have', async () => {
      lockDirectory(directory, { pid: process.pid }).release()
      chmodSync(join(directory, 'lock.db'), 0o444)
      chmodSync(directory, 0o555)
      expect((await run(asNobodySpecial())).line).to.match(/^DirectoryUnusable: /)
    })

    it('says so where a file is in its place', () => {
      writeFileSync(directory, '')
      expect(() => lockDirectory(directory, { pid: process.pid })).to.throw(DirectoryUnusable, /EEXIST/)
    })

    it('says so where the lock is not the file it was', () => {
      mkdirSync(directory)
      writeFileSync(join(directory, 'lock.db'), 'something else '.repeat(100))
      expect(() => lockDirectory(directory, { pid: process.pid })).to.throw(DirectoryUnusable, /not a database/)
    })

    /** Nothing is forbidden to root, so there the child gives its rights away. */
    const asNobodySpecial = (): string => {
      chmodSync(parent, 0o755)
      return `
        import { lockDirectory } from ${JSON.stringify(module)}
        if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534) }
        try { lockDirectory(${JSON.stringify(directory)}, { pid: process.pid }); console.log('locked') }
        catch (error) { console.log(String(error)) }
      `
    }
  })

  /** Takes the lock, says so, and keeps it until its standard input ends. */
  const lockingProcess = (address?: string): string => `
    import { lockDirectory } from ${JSON.stringify(module)}
    try {
      lockDirectory(${JSON.stringify(directory)}, { pid: process.pid, ...${JSON.stringify({ address })} })
      console.log('locked')
    } catch (error) {
      console.log('in use by ' + error.holder?.pid)
    }
    process.stdin.resume()
  `

  async function run(script: string) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    // The iterator keeps lines that arrive together until they are asked for.
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const nextLine = async (): Promise<string> => String((await lines.next()).value)
    return { child, nextLine, line: await nextLine() }
  }

  function refusalOf(action: () => unknown): Error {
    try {
      action()
    } catch (error) {
      return error as Error
    }
    throw new Error('it was not refused')
  }
})
