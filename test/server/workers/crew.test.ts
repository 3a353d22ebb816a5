import { EventEmitter } from 'node:events'
import { mock } from 'node:test'
import { expect } from 'chai'
import { pino } from 'pino'
import { createCrew, type Crew, type Member } from '../../../src/server/workers/crew.ts'
import type { Stop } from '../../../src/server/workers/messages.ts'

const SECOND = 1_000

/** A worker that does what a test says. */
class FakeWorker extends EventEmitter {
  readonly place: number
  readonly told: Stop[] = []
  killedBy: string | null = null
  readonly process = {
    pid: 4711,
    kill: (signal: string): boolean => {
      this.killedBy = signal
      return true
    },
  }

  constructor(place: number) {
    super()
    this.place = place
  }

  send(message: Stop): boolean {
    this.told.push(message)
    return true
  }

  listens(port = 3000): void {
    this.emit('listening', { port })
  }

  lives(): void {
    this.emit('message', { kind: 'alive' })
  }

  ends(code: number | null = 1, signal: string | null = null): void {
    this.emit('exit', code, signal)
  }
}

describe('a crew of workers', () => {
  let workers: FakeWorker[]
  let lines: Record<string, unknown>[]
  let time: number
  let crew: Crew

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    workers = []
    lines = []
    time = 0
    crew = createCrew({
      size: 3,
      fork(place) {
        const worker = new FakeWorker(place)
        workers.push(worker)
        return worker as unknown as Member
      },
      log: pino({}, { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) }),
      now: () => time,
    })
  })
  afterEach(() => mock.timers.reset())

  function pass(milliseconds: number): void {
    time += milliseconds
    mock.timers.tick(milliseconds)
  }

  /** Whoever is in this place now. */
  const inPlace = (place: number): FakeWorker => {
    const worker = workers.findLast((each) => each.place === place)
    if (worker === undefined) throw new Error('there is nobody')
    return worker
  }

  async function start(): Promise<void> {
    const started = crew.startFirst()
    inPlace(1).listens()
    await started
    crew.startOthers()
    for (const place of [2, 3]) inPlace(place).listens()
  }

  it('starts one alone, and the others when that one listens', async () => {
    const started = crew.startFirst()
    expect(workers).to.have.length(1)
    inPlace(1).listens(4242)
    expect(await started).to.equal(4242)
    crew.startOthers()
    expect(workers.map(({ place }) => place)).to.deep.equal([1, 2, 3])
  })

  it('gives up where the first ends before it listens, and starts nobody else', async () => {
    const started = crew.startFirst()
    inPlace(1).ends()
    expect(await started).to.equal(null)
    pass(60 * SECOND)
    expect(workers).to.have.length(1)
  })

  it('replaces one at once that lived for a minute', async () => {
    await start()
    pass(10 * SECOND)
    for (let minute = 0; minute < 6; minute += 1) {
      for (const worker of workers) worker.lives()
      pass(10 * SECOND)
    }
    inPlace(2).ends(null, 'SIGKILL')
    pass(0)
    expect(workers.map(({ place }) => place)).to.deep.equal([1, 2, 3, 2])
    expect(lines.at(-1)).to.include({ event: 'worker_ended', level: 50, of_worker: 2, signal: 'SIGKILL' })
  })

  it('waits longer from one short life to the next, half a minute at most', async () => {
    await start()
    const waits: unknown[] = []
    for (let life = 0; life < 8; life += 1) {
      inPlace(3).ends()
      const wait = lines.at(-1)?.['replaced_in_ms'] as number
      waits.push(wait)
      const before = workers.length
      pass(wait - 1)
      expect(workers).to.have.length(before)
      pass(1)
      expect(workers).to.have.length(before + 1)
    }
    expect(waits).to.deep.equal([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  it('thinks nothing of one that was told to stop', async () => {
    await start()
    inPlace(2).ends(0)
    expect(lines.at(-1)).to.include({ event: 'worker_ended', level: 30 })
  })

  it('kills one that has said nothing for half a minute, and not one that speaks', async () => {
    await start()
    for (let count = 0; count < 4; count += 1) {
      for (const place of [1, 3]) inPlace(place).lives()
      pass(10 * SECOND)
    }
    expect(workers.map(({ killedBy }) => killedBy)).to.deep.equal([null, 'SIGKILL', null])
    expect(lines.at(-1)).to.include({ event: 'worker_silent', of_worker: 2 })
  })

  it('kills nobody because the machine slept for a night', async () => {
    await start()
    time += 8 * 60 * 60 * SECOND
    pass(10 * SECOND)
    expect(workers.every(({ killedBy }) => killedBy === null)).to.equal(true)
  })

  it('stops all of them at once, and replaces nobody any more', async () => {
    await start()
    inPlace(1).ends() // and would be replaced in a second
    const stopped = crew.stop(1_000)
    expect(workers.slice(1).map(({ told }) => told)).to.deep.equal([
      [{ kind: 'stop', linger: 1_000 }],
      [{ kind: 'stop', linger: 1_000 }],
    ])
    inPlace(2).ends(0)
    inPlace(3).ends(0)
    expect(await stopped).to.equal(true)
    pass(60 * SECOND)
    expect(workers).to.have.length(3)
  })

  it('ends those at once that do not serve yet', async () => {
    const started = crew.startFirst()
    inPlace(1).listens()
    await started
    crew.startOthers()
    const stopped = crew.stop(1_000)
    expect(inPlace(2)).to.deep.include({ told: [], killedBy: 'SIGTERM' })
    inPlace(1).ends(0)
    for (const place of [2, 3]) inPlace(place).ends(null, 'SIGTERM')
    expect(await stopped).to.equal(true)
  })

  it('says so where one did not end well', async () => {
    await start()
    const stopped = crew.stop(0)
    for (const place of [1, 2]) inPlace(place).ends(0)
    inPlace(3).ends(1)
    expect(await stopped).to.equal(false)
  })
})
