/** Works off what waits in a table: takes one row after the other, so many at once, until none is due. */
import { createFollower } from './follower.ts'

export interface Lane {
  /** Something may be due. */
  readonly changed: () => void
  /** Resolves when all that is due now has been worked off. */
  run(): Promise<void>
  /** Nothing is taken up after this; what is under way gets two seconds. */
  stop(): Promise<void>
}

/** Milliseconds. */
const PATIENCE_AT_STOP = 2_000

export function createLane<Row>(deps: {
  /** Takes one row that is due, so that nobody else does meanwhile. */
  lease: () => Promise<Row | undefined>
  /** Never rejects: what fails is left for later. */
  work: (row: Row) => Promise<void>
  parallel: number
}): Lane {
  const { lease, work, parallel } = deps
  const underWay = new Set<Promise<void>>()
  let isStopped = false
  let taking = Promise.resolve()

  /** Until nothing is due, or stopped; what was taken up last may still be under way. */
  async function takeAll(): Promise<void> {
    while (!isStopped) {
      const row = await lease()
      if (row === undefined) return
      const working = work(row)
      underWay.add(working)
      void working.finally(() => underWay.delete(working))
      if (underWay.size >= parallel) await Promise.race(underWay)
    }
  }

  /** One after the other, so that whoever waits for one knows that nothing is being taken up behind it. */
  const takeAllInTurn = (): Promise<void> => (taking = taking.then(takeAll, takeAll))
  const due = createFollower(takeAllInTurn)

  return {
    changed: due.changed,
    async run() {
      await takeAllInTurn()
      await Promise.all(underWay)
    },
    async stop() {
      isStopped = true
      due.stop()
      const patience = new Promise((resolve) => void setTimeout(resolve, PATIENCE_AT_STOP).unref())
      // A row that is being taken up at this moment is under way, too.
      const ended = Promise.allSettled([taking]).then(() => Promise.allSettled(underWay))
      await Promise.race([ended, patience])
    },
  }
}
