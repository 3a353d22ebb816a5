/** What a load asks for: requests one after the other, each of which looks at its own answer. */

export interface Scenario {
  /** A request that may be sent now, whatever others are under way. */
  next(): Turn
}

export interface Turn {
  /** The whole request in latin1, as it goes into the socket. */
  readonly request: string
  /** @returns what is wrong with the answer; null where nothing is */
  take(answer: Answer): string | null
  /** The connection broke before an answer was there: it is not known what was done. */
  lost?(): void
}

export interface Answer {
  readonly status: number
  /** In latin1. */
  readonly head: string
  /** As it came, with the frames of its chunks where it has some. Another answer overwrites it later. */
  readonly body: Buffer
}

/** For an answer that should have been another. */
export const unexpected = ({ status, body }: Answer): string => `${status} ${body.toString('latin1', 0, 300)}`
