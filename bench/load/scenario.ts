/** What a load asks for: requests one after the other, each of which looks at its own answer. */

export interface Scenario {
  /** A request that may be sent now, whatever others are under way. */
  next(): Turn
}

export interface Turn {
  /** The whole request in latin1, as it goes into the socket. */
  readonly request: string
  /** It only makes ready for others, and is not counted. */
  readonly isAside?: boolean
  /**
   * Not called where the connection broke before there was an answer.
   * @returns what is wrong with it; null where nothing is
   */
  readonly take: (answer: Answer) => string | null
}

export interface Answer {
  readonly status: number
  /** As it came, with the frames of its chunks where it has some. Another answer overwrites it later. */
  readonly body: Buffer
}

/** A turn whose answer has to have this status, and this text somewhere. */
export const expecting = (request: string, status: number, text = ''): Turn => ({
  request,
  take: (answer) => (answer.status === status && answer.body.includes(text, 0, 'latin1') ? null : unexpected(answer)),
})

/** For an answer that should have been another. */
export const unexpected = ({ status, body }: Answer): string => `${status} ${body.toString('latin1', 0, 300)}`
