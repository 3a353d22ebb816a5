/** Load from a process of its own, so that what measures does not take the time of what is measured. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Costs } from '../machine/costs.ts'
import type { ScenarioSpec } from './scenarios/index.ts'
import type { Summary } from './samples.ts'

export interface Run {
  /** Where to; connections take turns where there are several. */
  readonly urls: readonly string[]
  readonly connections: number
  /**
   * Requests a second on all connections together, whether or not those before were answered in time: a request that
   * found no free connection has been waiting since it was due. As many as are answered where nothing is said.
   */
  readonly rate?: number
  /** Seconds before anything is counted. */
  readonly warmUp: number
  readonly seconds: number
  /** The processes whose time is measured (costs.ts). */
  readonly server: readonly number[]
  readonly database: number | null
}

export interface Result extends Summary {
  readonly connections: number
  readonly perSecond: number
  readonly cpu: Costs
}

export interface Load {
  run(run: Run): Promise<Result>
  stop(): void
}

export type ToLoad = { readonly scenario: ScenarioSpec } | { readonly run: Run }
export type FromLoad = { readonly ready: true } | { readonly result: Result } | { readonly failure: string }

const PROCESS = fileURLToPath(new URL('load-process.ts', import.meta.url))

/** Ends with this process at the latest. */
export async function startLoad(scenario: ScenarioSpec): Promise<Load> {
  const child = fork(PROCESS, { execArgv: [], serialization: 'advanced' })
  await ask(child, { scenario })
  return {
    async run(run) {
      const answer = await ask(child, { run })
      if (!('result' in answer)) throw new Error('the load process answered something else')
      return answer.result
    },
    stop: () => void child.kill(),
  }
}

/** Answers come in order, and one at a time is asked for. */
function ask(child: ChildProcess, message: ToLoad): Promise<FromLoad> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the load process ended'))
    child.once('exit', onExit)
    child.once('message', (answer: FromLoad) => {
      child.off('exit', onExit)
      if ('failure' in answer) reject(new Error(answer.failure))
      else resolve(answer)
    })
    child.send(message)
  })
}
