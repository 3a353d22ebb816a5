import { expect } from 'chai'
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { ConfigError, readConfig } from '../../../src/server/config.ts'
import { createLocation, type Location } from '../../../src/server/location/location.ts'
import { createServer } from '../../../src/server/server.ts'
import { geoipDatabase, type KnownPlace } from '../../support/geoip.ts'
import { migratedMemory } from '../../support/migrated-memory.ts'

const LISBON = { city: 'Lisbon', country: 'Portugal', code: 'PT' }
const PLACES: KnownPlace[] = [
  { network: '203.0.113.0/24', ...LISBON },
  { network: '198.51.100.128/25', country: 'Norway', code: 'NO' },
  { network: '2001:db8:1::/48', city: 'Oslo', country: 'Norway', code: 'NO' },
  { network: '2001:db8:2::/47', city: 'Tōkyō', country: 'Japan', code: 'JP' },
]

describe('Where an address is', () => {
  let directory: string
  let file: string
  let location: Location
  let lines: { level: number; msg: string }[]

  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  /** Every write is another version, whatever the clock of the file system can tell apart. */
  function write(content: Buffer | string): void {
    const before = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
    writeFileSync(file, content)
    utimesSync(file, new Date(), new Date(before + 1_000))
  }

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hallpass-geoip-'))
    file = join(directory, 'city.mmdb')
    lines = []
    write(geoipDatabase(PLACES))
    location = createLocation({ path: file, log })
  })
  afterEach(() => {
    location.stop()
    rmSync(directory, { recursive: true })
  })

  it('is a city and a country, as far as the database knows them', () => {
    expect(location.locate('203.0.113.7')).to.deep.equal(LISBON)
    expect(location.locate('198.51.100.200')).to.deep.equal({ city: null, country: 'Norway', code: 'NO' })
    expect(location.locate('2001:db8:1:2::3')).to.deep.equal({ city: 'Oslo', country: 'Norway', code: 'NO' })
    expect(location.locate('2001:db8:3::1')).to.deep.equal({ city: 'Tōkyō', country: 'Japan', code: 'JP' })
    expect(location.locate('::ffff:203.0.113.7'), 'IPv4 written as IPv6').to.deep.equal(LISBON)
  })

  it('is not known of other addresses, and of what is none', () => {
    for (const ip of ['198.51.100.1', '203.0.114.1', '2001:db8:4::1', '10.0.0.1', '::1', 'somewhere', '', null]) {
      expect(location.locate(ip), String(ip)).to.equal(null)
    }
  })

  it('of IPv6 is not made up by a database of IPv4 alone', () => {
    write(geoipDatabase([{ network: '32.0.0.0/8', country: 'Norway', code: 'NO' }], 4))
    const old = createLocation({ path: file, log })
    old.stop()
    expect(old.locate('32.1.2.3')).to.include({ code: 'NO' })
    expect(old.locate('2001:db8::1'), 'its first byte is 32').to.equal(null)
  })

  it('is known from a newer file as soon as there is one', async () => {
    write(geoipDatabase([{ network: '203.0.113.0/24', city: 'Porto', country: 'Portugal', code: 'PT' }]))
    expect(location.locate('203.0.113.7')).to.include({ city: 'Lisbon' })
    await location.reload()
    expect(location.locate('203.0.113.7')).to.include({ city: 'Porto' })
    expect(lines.map(({ level }) => level)).to.deep.equal([30])
    await location.reload()
    expect(lines, 'the same file is not read again').to.have.length(1)
  })

  it('goes on with the old file while the new one is broken, cut off or away, and says so once', async () => {
    const good = geoipDatabase(PLACES)
    for (const broken of ['', 'not a database', good.subarray(0, good.length / 2), good.subarray(good.length / 2)]) {
      lines = []
      write(broken)
      await location.reload()
      await location.reload()
      expect(location.locate('203.0.113.7')).to.deep.equal(LISBON)
      expect(lines.map(({ level }) => level)).to.deep.equal([50])
    }
    lines = []
    rmSync(file)
    await location.reload()
    await location.reload()
    expect(location.locate('203.0.113.7')).to.deep.equal(LISBON)
    expect(lines.map(({ msg }) => msg)).to.deep.equal([
      'HALLPASS_GEOIP_DB cannot be read (ENOENT); goes on with the one before',
    ])
    write(geoipDatabase([{ network: '203.0.113.0/24', city: 'Porto', country: 'Portugal', code: 'PT' }]))
    await location.reload()
    expect(location.locate('203.0.113.7')).to.include({ city: 'Porto' })
  })

  it('never throws for a database that is broken inside', () => {
    const good = geoipDatabase(PLACES)
    const marker = good.indexOf('MaxMind.com')
    for (let at = 0; at < marker - 3; at += 7) {
      const damaged = Buffer.from(good)
      damaged.fill(0xff, at, at + 5)
      write(damaged)
      try {
        const broken = createLocation({ path: file, log })
        broken.stop()
        for (const ip of ['203.0.113.7', '198.51.100.200', '2001:db8:1::1']) broken.locate(ip)
      } catch (error) {
        expect(error).to.be.instanceOf(ConfigError)
      }
    }
  })

  it('stops the start, in words, where the file is missing or none', async () => {
    for (const [path, words] of [
      [join(directory, 'nowhere.mmdb'), 'cannot be read (ENOENT)'],
      [directory, 'cannot be read (EISDIR)'],
      [import.meta.filename, 'is not a MaxMind DB file (.mmdb)'],
    ] as const) {
      const config = readConfig({ HALLPASS_GEOIP_DB: path, HALLPASS_DATA_DIR: 'memory://' })
      const started = await createServer(config, { log, memoryFrom: await migratedMemory() }).catch((error) => error)
      expect(started).to.be.instanceOf(ConfigError)
      expect(started).to.have.deep.property('faults', [`HALLPASS_GEOIP_DB names ${path}, which ${words}`])
    }
  })
})
