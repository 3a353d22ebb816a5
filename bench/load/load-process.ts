/** The process that loads: one scenario for its whole life, so that it knows what its runs before left behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import { costsBetween, readTimes } from '../machine/costs.ts'
import { openConnection, type Connection } from './connection.ts'
import type { FromLoad, Result, Run, ToLoad } from './load.ts'
import { createSamples } from './samples.ts'
import type { Scenario, Turn } from './scenario.ts'
import { createScenario } from './scenarios/index.ts'

let scenario: Scenario | undefined

process.on('message', (message: ToLoad) => {
  if ('scenario' in message) {
    scenario = createScenario(message.scenario)
    tell({ ready: true })
  } else {
    void run(message.run).then(
      (result) => tell({ result }),
      (error: unknown) => tell({ failure: String(error) }),
    )
  }
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit())

function tell(message: FromLoad): void {
  process.send?.(message)
}

async function run({ urls, connections, rate, warmUp, seconds, server, database }: Run): Promise<Result> {
  const samples = createSamples()
  const nextDue = rate === undefined ? () => performance.now() : createPace(rate)
  const lanes = await Promise.all(
    Array.from({ length: connections }, (_, index) =>
      openLane({ url: new URL(urls[index % urls.length] ?? ''), samples, nextDue }),
    ),
  )
  await sleep(warmUp * 1000)

  const watched = { server, database, load: process.pid }
  const before = readTimes(watched)
  samples.begin()
  await sleep(seconds * 1000)
  const summary = samples.end()
  const after = readTimes(watched)
  await Promise.all(lanes.map((lane) => lane.finish()))

  const { lasted, cpu } = costsBetween(before, after, summary.requests)
  return { ...summary, connections, perSecond: summary.requests / lasted, cpu }
}

interface Lane {
  /** Resolves when its last answer is there. */
  finish(): Promise<void>
}

interface LaneDependencies {
  readonly url: URL
  readonly samples: ReturnType<typeof createSamples>
  /** When the next request is due, on the clock of `performance`; each is asked for once. */
  readonly nextDue: () => number
}

/** A connection that sends its next request when it is due and the last is answered; opened again when it breaks, as long as that succeeds. */
async function openLane({ url, samples, nextDue }: LaneDependencies): Promise<Lane> {
  let connection: Connection
  let turn: Turn | null = null
  let since = 0
  let isFinishing = false
  const end = Promise.withResolvers<void>()

  function goOn(): void {
    const due = nextDue()
    const wait = due - performance.now()
    // A timer that rings late is no fault of the service.
    if (wait > 0) setTimeout(() => send(performance.now()), wait)
    else send(due)
  }

  function send(begin: number): void {
    if (isFinishing || scenario === undefined) {
      connection.close()
      end.resolve()
      return
    }
    turn = scenario.next()
    since = begin
    connection.send(turn.request)
  }

  const open = async (): Promise<void> => {
    connection = await openConnection({
      host: url.hostname,
      port: Number(url.port),
      onAnswer(answer) {
        if (turn === null) return
        const took = performance.now() - since
        const fault = turn.take(answer)
        if (fault !== null || turn.isAside !== true) samples.add(took, fault)
        turn = null
        goOn()
      },
      onEnd(cause) {
        if (turn === null) return
        samples.add(performance.now() - since, `connection: ${cause}`)
        turn = null
        void open().catch((error: unknown) => {
          samples.add(0, String(error))
          end.resolve()
        })
      },
    })
    goOn()
  }
  await open()
  return {
    finish() {
      isFinishing = true
      return end.promise
    },
  }
}

/** @param rate requests a second */
function createPace(rate: number): () => number {
  const begin = performance.now()
  let count = 0
  return () => begin + (count++ * 1000) / rate
}
