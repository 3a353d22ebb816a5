/** How hard a short password is to guess, by zxcvbn's estimate. */
import type { ZxcvbnFactory } from '@zxcvbn-ts/core'

export interface Strength {
  /** The highest of the five scores: more than 10^10 guesses. */
  readonly isStrong: boolean
  /** Why it is easy to guess, as a sentence, where there is a plain reason. */
  readonly warning: string | null
}

export interface PasswordStrength {
  /**
   * Takes some milliseconds of this thread; the first call also loads the dictionaries, once in a process.
   *
   * @param form in NFC, 14 code points at most: the time grows with the length, and whoever signs up chooses it
   * @param email the account's address, parts of which are guessed first
   */
  estimate(form: string, email: string): Promise<Strength>
}

const STRONG = 4

// Replacing signs by the letters they stand for ("p@$$w0rd") multiplies: with zxcvbn's own bound of 100, 14 signs can
// take a tenth of a second. Fewer find the same words.
const MAX_SUBSTITUTIONS = 10

// UTF-16 units in 14 code points, at most. What comes after them is not looked at.
const MAX_UNITS = 28

/** @param deps.names of the service, which are guessed first too */
export function createPasswordStrength({ names }: { names: readonly string[] }): PasswordStrength {
  let loading: Promise<ZxcvbnFactory> | undefined

  return {
    async estimate(form, email) {
      const zxcvbn = await (loading ??= load())
      const { score, feedback } = zxcvbn.check(form, [...names, email].flatMap(partsOf))
      return { isStrong: score === STRONG, warning: feedback.warning }
    },
  }
}

/** The dictionaries take tens of megabytes, so that a process in which nobody chooses a short password does without. */
async function load(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ])
  const { translations } = english
  const userInputs = 'Your address and the name of this service are easy to guess.'
  return new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: { ...translations, warnings: { ...translations.warnings, userInputs } },
    l33tMaxSubstitutions: MAX_SUBSTITUTIONS,
    maxLength: MAX_UNITS,
  })
}

/** "anna.smith@example.com" as it is, what stands before its @, and its words. */
const partsOf = (text: string): string[] =>
  [text, ...text.split('@'), ...text.split(/[^\p{L}\p{M}\p{N}]+/u)].filter((part) => part.length > 2)
