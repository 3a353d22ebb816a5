import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { PGlite } from '@electric-sql/pglite'
import { DatabaseNotOpened } from '../../../src/server/database/database-not-opened.ts'
import { openEmbedded } from '../../../src/server/database/embedded-directory.ts'
import { migratedMemory } from '../../support/migrated-memory.ts'

const module = new URL('../../../src/server/database/embedded-directory.ts', import.meta.url).href

describe('the embedded database', function () {
  this.timeout(60_000)

  let directory: string
  let messages: string[]
  let opened: PGlite[]
  /** A data directory whose database has a table with a row, closed in order. */
  let prepared: string
  let saidWhilePrepared: string[]

  const open = async (at = directory): Promise<PGlite> => {
    const pglite = await openEmbedded({ directory: at, log: (message) => messages.push(message) })
    opened.push(pglite)
    return pglite
  }

  before(async () => {
    prepared = newDirectory()
    opened = []
    messages = []
    const pglite = await open(prepared)
    await pglite.exec("create table kept (word text); insert into kept values ('here')")
    await pglite.close()
    saidWhilePrepared = messages
  })

  beforeEach(() => {
    directory = newDirectory()
    messages = []
    opened = []
  })

  afterEach(async () => {
    for (const pglite of opened) if (!pglite.closed) await pglite.close()
    rmSync(directory, { recursive: true, force: true })
  })

  after(() => rmSync(prepared, { recursive: true, force: true }))

  describe('at a first start', () => {
    it('is made, for its owner only, and says so', () => {
      expect(readdirSync(prepared)).to.deep.equal(['database'])
      expect(statSync(join(prepared, 'database')).mode & 0o777).to.equal(0o700)
      expect(saidWhilePrepared).to.have.length(1)
      expect(saidWhilePrepared[0]).to.include(`Making the embedded database in ${join(prepared, 'database')}`)
    })
  })

  describe('at a later start', () => {
    beforeEach(() => cpSync(prepared, directory, { recursive: true }))

    it('has its rows, and nothing to say', async () => {
      expect(await keptIn(await open())).to.deep.equal(['here'])
      expect(messages).to.deep.equal([])
    })

    it('gives dates, numbers, bytes and JSON as what they are', async () => {
      const { rows } = await (
        await open()
      ).query(`
        select '2026-01-02T03:04:05Z'::timestamptz as instant, 9007199254740991::int8 as large, count(*) as count,
               array[1, 2]::int8[] as several, '\\x00ff'::bytea as bytes, '{"a": [1]}'::jsonb as json
          from kept`)
      expect(rows).to.deep.equal([
        {
          instant: new Date('2026-01-02T03:04:05Z'),
          large: Number.MAX_SAFE_INTEGER,
          count: 1,
          several: [1, 2],
          bytes: Uint8Array.of(0, 255),
          json: { a: [1] },
        },
      ])
    })

    it('takes little memory for its buffers', async () => {
      const { rows } = await (await open()).query('show shared_buffers')
      expect(rows).to.deep.equal([{ shared_buffers: '16MB' }])
    })

    it('is of the version that the check expects, so that an upgrade of PGlite cannot forget it', async () => {
      const { rows } = await (
        await open()
      ).query<{ version: number }>("select current_setting('server_version_num')::int / 10000 as version")
      const written = readFileSync(join(directory, 'database', 'PG_VERSION'), 'utf8').trim()
      expect(String(rows[0]?.version)).to.equal(written)
    })

    it('lets a process end that never closed it, also after a recovery', async () => {
      const killed = startChild(OPENS)
      await killed.said('open')
      await killed.kill()
      const ending = startChild(OPENS.replace('setInterval', 'void'))
      expect(await ending.exited).to.deep.equal([0, null])
    })
  })

  describe('whose process is killed', () => {
    it('in the middle of its first start is made anew, whenever that was', async () => {
      const moments = Array.from({ length: 2 }, () => Math.round(Math.random() * 2_500))
      let acknowledged = 0
      for (const moment of moments) {
        const child = startChild(COUNTS)
        await Promise.race([delay(moment), child.exited])
        await child.kill()
        acknowledged = Math.max(acknowledged, child.rows())
      }

      const last = startChild(COUNTS)
      await last.said('rows')
      await last.kill()
      const when = `killed after ${moments.join(', ')} ms`
      expect(last.rows(), when).to.be.greaterThan(acknowledged)
      expect(readdirSync(directory), when).to.deep.equal(['database'])
    })

    it('when a file of it has just been written is made anew each time, and says what was removed', async () => {
      let output = ''
      for (const file of ['database.new', 'database.new/base/5/1259', 'database.new/postmaster.pid']) {
        const child = startChild(COUNTS)
        if (file !== 'database.new') await child.said('Making')
        while (!existsSync(join(directory, file))) await delay(1)
        await child.kill()
        expect(readdirSync(directory)).to.deep.equal(['database.new'])
        output += child.output()
      }
      // The next start begins anew, which takes its time and is told above.
      const next = startChild(OPENS)
      await next.said('Making')
      await next.kill()
      const removed = (output + next.output()).split('\n').filter((line) => line.includes('was interrupted'))
      expect(removed).to.have.length(3)
      for (const line of removed) expect(line).to.include(join(directory, 'database.new'))
    })

    it('while it writes keeps every row that was acknowledged', async () => {
      cpSync(prepared, directory, { recursive: true })
      const child = startChild(`${OPENS}
        for (let row = 0; ; row++) {
          await pglite.query('insert into kept values ($1)', [String(row)])
          console.log('kept ' + row)
        }
      `)
      await child.said('kept 100')
      await child.kill()
      const acknowledged = child.output().match(/^kept \d+$/gm)?.length ?? 0

      const kept = await keptIn(await open())
      expect(kept).to.include.members(['here', ...Array.from({ length: acknowledged }, (_, row) => String(row))])
      expect(messages).to.deep.equal([])
    })
  })

  describe('in a directory that cannot be one', () => {
    for (const [what, content] of [
      ['is empty', []],
      ['has only the beginnings of one', ['PG_VERSION', 'base/1/1259', 'base/5/16383']],
      ['has other files', ['notes.txt', 'global/pg_control']],
    ] as const) {
      it(`sets the old one aside where the directory ${what}`, async () => {
        occupy(content)
        // Setting aside is done when it begins to make one, which takes its time and is told above.
        const child = startChild(OPENS)
        await child.said('Making')
        await child.kill()

        const [aside = ''] = readdirSync(directory).filter((name) => name.startsWith('database.broken-'))
        expect(child.output()).to.include(`is now ${join(directory, aside)}`)
        for (const file of content) expect(existsSync(join(directory, aside, file))).to.equal(true)
      })
    }

    it('is made anew', async () => {
      occupy(['notes.txt'])
      expect((await (await open()).query('select 1 as one')).rows).to.deep.equal([{ one: 1 }])
      expect(readdirSync(directory)).to.include('database').and.have.length(2)
    })

    function occupy(content: readonly string[]): void {
      mkdirSync(join(directory, 'database'), { recursive: true })
      for (const file of content) {
        mkdirSync(join(directory, 'database', file, '..'), { recursive: true })
        writeFileSync(join(directory, 'database', file), file === 'PG_VERSION' ? '18\n' : '')
      }
    }
  })

  describe('is refused and left alone', () => {
    const refusals: [string, () => void, RegExp][] = [
      [
        'when another version of PostgreSQL made it',
        () => writeFileSync(inDatabase('PG_VERSION'), '17\n'),
        /was made by PostgreSQL 17, .*18 only\. Export it/,
      ],
      [
        'when another version made it, however little is there',
        () => {
          rmSync(inDatabase(), { recursive: true })
          mkdirSync(inDatabase())
          writeFileSync(inDatabase('PG_VERSION'), '17\n')
        },
        /was made by PostgreSQL 17/,
      ],
      ['when its version is lost', () => writeFileSync(inDatabase('PG_VERSION'), ''), /PG_VERSION is empty/],
      [
        'when it has tables but no PG_VERSION',
        () => rmSync(inDatabase('PG_VERSION')),
        /PG_VERSION is missing, but there are tables/,
      ],
      [
        'when it has tables but no global/pg_control',
        () => rmSync(inDatabase('global', 'pg_control')),
        /pg_control is missing, but there are tables/,
      ],
      [
        'when its control file is damaged, in the words of PostgreSQL',
        () => writeFileSync(inDatabase('global', 'pg_control'), Buffer.alloc(8192, 7)),
        /database files are incompatible with server/,
      ],
      [
        'when its control file is empty',
        () => writeFileSync(inDatabase('global', 'pg_control'), ''),
        /could not read file "global\/pg_control"/,
      ],
      [
        'when its write-ahead log is lost',
        () => rmSync(inDatabase('pg_wal'), { recursive: true }),
        /required WAL directory "pg_wal" does not exist/,
      ],
      [
        'when a catalog is damaged',
        () => writeFileSync(inDatabase('base', '5', '1259'), Buffer.alloc(16384, 9)),
        /invalid page in block 0 of relation "base\/5\/1259"/,
      ],
      [
        'when its settings are lost',
        () => rmSync(inDatabase('postgresql.conf')),
        /could not access the server configuration file/,
      ],
      [
        'when it is a link to a disk that is not there',
        () => {
          rmSync(inDatabase(), { recursive: true })
          symlinkSync('/nowhere/hallpass', inDatabase())
        },
        /ENOENT/,
      ],
      [
        'when it is a file',
        () => {
          rmSync(inDatabase(), { recursive: true })
          writeFileSync(inDatabase(), 'no database')
        },
        /is not a directory/,
      ],
    ]

    const inDatabase = (...path: string[]) => join(directory, 'database', ...path)

    for (const [when, damage, reason] of refusals) {
      it(when, async () => {
        cpSync(prepared, directory, { recursive: true })
        damage()
        const before = tablesIn(directory)

        const refusal = await open().then(
          () => undefined,
          (error: unknown) => error,
        )
        expect(refusal).to.be.instanceOf(DatabaseNotOpened)
        expect((refusal as DatabaseNotOpened).message)
          .to.match(reason)
          .and.include(join(directory, 'database'))
        expect(readdirSync(directory)).to.deep.equal(['database'])
        expect(tablesIn(directory)).to.deep.equal(before)
        expect(messages).to.deep.equal([])
      })
    }
  })

  it('may lie on another disk, behind a link', async () => {
    cpSync(prepared, directory, { recursive: true })
    renameSync(join(directory, 'database'), join(directory, 'elsewhere'))
    symlinkSync(join(directory, 'elsewhere'), join(directory, 'database'))
    expect(await keptIn(await open())).to.deep.equal(['here'])
  })

  it('may be in memory only', async () => {
    const pglite = await openEmbedded({
      directory: 'memory://',
      memoryFrom: await migratedMemory(),
      log: (message) => messages.push(message),
    })
    opened.push(pglite)
    expect((await pglite.query('select 1::int8 as one')).rows).to.deep.equal([{ one: 1 }])
    expect(messages).to.deep.equal([])
  })

  const OPENS = `
    console.log('open')
    setInterval(() => {}, 1000)
  `
  /** Adds a row and says how many there are. */
  const COUNTS = `
    await pglite.exec('create table if not exists started (id int); insert into started values (1)')
    console.log('rows ' + (await pglite.query('select count(*) as count from started')).rows[0].count)
    setInterval(() => {}, 1000)
  `

  /** A process that opens the database. */
  function startChild(then: string) {
    const script = `
      import { openEmbedded } from ${JSON.stringify(module)}
      const pglite = await openEmbedded({ directory: ${JSON.stringify(directory)}, log: console.log })
      ${then}
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    return {
      exited,
      output: () => output,
      rows: () => Number(/^rows (\d+)$/m.exec(output)?.[1] ?? 0),
      async said(text: string) {
        while (!output.includes(text)) {
          if (child.exitCode !== null) throw new Error(`The child ended without saying ${text}: ${output}`)
          await delay(5)
        }
      },
      async kill() {
        child.kill('SIGKILL')
        await exited
      },
    }
  }
})

const newDirectory = (): string => mkdtempSync(join(tmpdir(), 'hallpass-embedded-'))

async function keptIn(pglite: PGlite): Promise<string[]> {
  const { rows } = await pglite.query<{ word: string }>('select word from kept')
  return rows.map(({ word }) => word)
}

const tablesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => /^database\/base\/\d+\/\d/.test(file))
    .sort()
