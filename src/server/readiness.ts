import { statement, type Database } from './database/database.ts'

export interface Readiness {
  /** Whether it can serve now: the database answers and the process is not about to stop. */
  isReady(): Promise<boolean>
  /** From now on: no. */
  stop(): void
  /** What answers for as long as somebody listens has to end itself then. */
  onStop(run: () => void): void
  readonly isStopping: boolean
}

/** A load balancer asks every second or so; an answer that takes longer is a no. Milliseconds. */
const PATIENCE = 1_000

export function createReadiness({ database }: { database: Database }): Readiness {
  let isStopping = false
  const stopping: (() => void)[] = []

  const databaseAnswers = (): Promise<boolean> =>
    database.query(ping, []).then(
      () => true,
      () => false,
    )

  async function isReady(): Promise<boolean> {
    if (isStopping) return false
    const { promise: tooLate, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), PATIENCE)
    const answer = await Promise.race([databaseAnswers(), tooLate])
    clearTimeout(timer)
    return answer
  }

  return {
    isReady,
    stop() {
      isStopping = true
      for (const run of stopping) run()
    },
    onStop: (run) => void stopping.push(run),
    get isStopping() {
      return isStopping
    },
  }
}

const ping = statement('readiness.ping', 'select 1')
