/** Every figure of the client on one page. They stand apart from their use so that a bundler writes them in. */

// An answer, and an access token. session.ts, access.ts

/** Answers in a row that came too late to count. */
export const ROUNDS = 3
/** Nobody asks again sooner, whatever an answer promises. Seconds. */
export const SHORTEST_LIFE = 2
/** Of its life; what is older may be too old when it arrives. */
export const USABLE = 0.9
/** What another tab has got takes that long to be heard of. Milliseconds, as all that follow. */
export const WORD_OF_MOUTH = 20

// When to give up, and when to come again. service.ts, lock.ts, back-off.ts, authorized-fetch.ts

/** Then a request is given up. It may be repeated: the service knows a repeated one. */
export const REQUEST_PATIENCE = 10_000
/** Whoever holds the lock that long is asleep, or dead in a browser that has not noticed: a request takes less. */
export const LOCK_PATIENCE = 20_000
/** To wait after the first failure, and at most after many. */
export const FIRST_WAIT = 1_000
export const LONGEST_WAIT = 60_000
/** By how much a timer may run before its time, by the clock that counts. */
export const TOO_EARLY = 50
/** An API that refuses even fresh tokens is not helped by ever more of them. */
export const REST = 10_000

// The session's own events. following.ts

/** The service sends something every 15 seconds. */
export const SILENCE = 40_000
