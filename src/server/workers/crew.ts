/** As many workers as were asked for: one that ends, or does nothing any more, is replaced. */
import type { Worker } from 'node:cluster'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { Stop } from './messages.ts'

export interface Crew {
  /**
   * One alone, because what keeps it from serving would keep all of them, and is said once.
   * @returns its port; null when it ended before it listened
   */
  startFirst(): Promise<number | null>
  /** From then on whoever ends is replaced. */
  startOthers(): void
  /** All stop at once, and nobody is replaced any more. @returns whether each of them ended well */
  stop(linger: number): Promise<boolean>
}

/** What is needed of a worker of node:cluster. */
export type Member = Pick<Worker, 'on' | 'once' | 'send'> & {
  readonly process: Pick<Worker['process'], 'pid' | 'kill'>
}

/** Who lived for so long ended by a mischance, and is replaced at once. Milliseconds. */
const LONG_LIFE = 60_000
/** The wait after a short life, twice as long after each further one. Milliseconds. */
const FIRST_WAIT = 1_000
const LONGEST_WAIT = 30_000
/** Looks are counted, not time: after a machine has slept, nobody has said anything for long. Milliseconds. */
const LOOK_EVERY = 10_000
const LOOKS_IN_SILENCE = 3

/**
 * @param deps.fork starts a process for this place, from 1 on
 * @param deps.now milliseconds of a clock that never goes back
 */
export function createCrew(deps: {
  size: number
  fork: (place: number) => Member
  log: Logger
  now?: () => number
}): Crew {
  const { size, fork, log, now = () => performance.now() } = deps
  const members = new Set<Member>()
  const listening = new Set<Member>()
  const waiting = new Set<NodeJS.Timeout>()
  let isReplacing = false

  /** @param shortLives how many in a row there were before, in this place */
  function employ(place: number, shortLives: number): Member {
    const began = now()
    const member = fork(place)
    members.add(member)
    const stopWatching = watch(place, member)
    member.on('error', (error) => log.warn({ of_worker: place, failure: error.message }, 'a worker cannot be reached'))
    member.once('listening', () => listening.add(member))
    member.once('exit', (code, signal) => {
      stopWatching()
      members.delete(member)
      listening.delete(member)
      if (!isReplacing) return
      const lives = now() - began < LONG_LIFE ? shortLives + 1 : 0
      const wait = waitAfter(lives)
      const ending = { event: 'worker_ended', of_worker: place, pid: member.process.pid, code, signal }
      log[code === 0 ? 'info' : 'error']({ ...ending, replaced_in_ms: wait }, 'a worker has ended, and is replaced')
      const timer = setTimeout(() => {
        waiting.delete(timer)
        employ(place, lives)
      }, wait)
      waiting.add(timer)
    })
    return member
  }

  /** Caught in a loop it would keep its connections for ever, and answer none of them. @returns to stop that */
  function watch(place: number, member: Member): () => void {
    let looks = 0
    member.on('message', () => (looks = 0))
    const timer = setInterval(() => {
      looks += 1
      if (looks <= LOOKS_IN_SILENCE) return
      log.error({ event: 'worker_silent', of_worker: place }, 'a worker does nothing any more, and is killed')
      member.process.kill('SIGKILL')
    }, LOOK_EVERY)
    return () => clearInterval(timer)
  }

  /** Who does not listen yet has nothing to finish. */
  async function dismiss(member: Member, linger: number): Promise<boolean> {
    const hasServed = listening.has(member)
    if (hasServed) member.send({ kind: 'stop', linger } satisfies Stop)
    else member.process.kill('SIGTERM')
    const [code] = (await once(member as never, 'exit')) as [number | null]
    return code === 0 || !hasServed
  }

  return {
    startFirst() {
      const first = employ(1, 0)
      return Promise.race([portOf(first), endOf(first)])
    },
    startOthers() {
      isReplacing = true
      for (let place = 2; place <= size; place += 1) employ(place, 0)
    },
    async stop(linger) {
      isReplacing = false
      for (const timer of waiting) clearTimeout(timer)
      const ends = await Promise.all([...members].map((member) => dismiss(member, linger)))
      return ends.every((isGood) => isGood)
    },
  }
}

const portOf = (member: Member): Promise<number> =>
  new Promise((resolve) => void member.once('listening', ({ port }: AddressInfo) => resolve(port)))

const endOf = (member: Member): Promise<null> => new Promise((resolve) => void member.once('exit', () => resolve(null)))

/** @returns milliseconds */
const waitAfter = (shortLives: number): number =>
  shortLives === 0 ? 0 : Math.min(FIRST_WAIT * 2 ** (shortLives - 1), LONGEST_WAIT)
