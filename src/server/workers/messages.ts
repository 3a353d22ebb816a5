/** What the primary process and its workers tell each other. */
import type { Config } from '../config.ts'

/** Before anything else. The configuration was read and checked by the primary: all workers have the same. */
export interface Start {
  readonly kind: 'start'
  readonly config: Config
  /** From 1; whoever takes its place has the same. */
  readonly worker: number
  readonly migrate: boolean
  readonly acceptNewSecret: boolean
}

export interface Stop {
  readonly kind: 'stop'
  /** How long new requests are still served; milliseconds. */
  readonly linger: number
}

export type FromPrimary = Start | Stop

/** Now and then. A worker that is caught in a loop does not say it. */
export interface Alive {
  readonly kind: 'alive'
}

/** Milliseconds. */
export const ALIVE_EVERY = 5_000
