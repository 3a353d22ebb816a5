/** Whom the API turned away, and why: in its own log, where the caller is told less. */
import { Refused, type Verifier } from 'hallpass/verifier'

/** The same verifier, which says so. Give it to `requireToken`. */
export const withLog = (verifier: Verifier, log: (code: string, message: string) => void): Verifier => ({
  ...verifier,
  answer(error) {
    if (error instanceof Refused) log(error.code, error.message)
    return verifier.answer(error)
  },
})
