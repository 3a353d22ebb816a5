/** Something that has to be done now and then, in one process at a time. */
export interface Task {
  readonly name: string
  /** Seconds from the end of one turn to the next. */
  readonly every: number
  /** Does what is to be done, or a part of it. It may be done twice: by a process that was taken for dead. */
  run(turn: Turn): Promise<Progress | void>
}

export interface Turn {
  /** Where the turn before left off; null at the beginning. */
  readonly place: string | null
  /** Tells that the turn is over: it took its time, or the process stops. */
  readonly signal: AbortSignal
}

export interface Progress {
  readonly place: string | null
  /** False where something is left, for a turn that comes soon. */
  readonly isDone: boolean
}
