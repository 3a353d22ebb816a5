/** How the text of a setting becomes a value, and the value a text again. */
export interface Kind<Value> {
  /** @throws {InvalidValue} what is wrong and what to write instead */
  parse(text: string): Value
  /** The value as an operator would write it. */
  show(value: Value): string
}

/**
 * A setting's text that cannot be used. Each problem completes a sentence that begins with the
 * setting's name, and never repeats a secret.
 */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue'
  readonly problems: readonly string[]

  constructor(...problems: string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/** Quotes what an operator wrote: control characters escaped, so that a value cannot forge a line of the log. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)

/** A whole number from `min` to `max`. */
export const integer = ({ min, max }: { min: number; max: number }): Kind<number> => ({
  parse(text) {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) {
      throw new InvalidValue(`must be a whole number from ${min} to ${max}, not ${quoted(text)}`)
    }
    return value
  },
  show: String,
})

/** One worker process per core, or so many. */
export const workerCount = (max: number): Kind<number | 'auto'> => ({
  parse(text) {
    if (text === 'auto') return 'auto'
    if (/^\d{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text)
    throw new InvalidValue(`must be a whole number from 1 to ${max}, or auto, not ${quoted(text)}`)
  },
  show: String,
})

const secondsIn = { d: 86_400, h: 3600, m: 60, s: 1 } as const

/**
 * A span of time in seconds, written with its unit: `30s`, `5m`, `12h`, `30d`. A number alone is
 * refused, because nobody can see whether it means seconds or milliseconds.
 *
 * @param min the shortest one, as an operator would write it; where it is `0s`, a bare `0` is good too
 * @param max the longest one
 */
export const duration = ({ min, max }: { min: string; max: string }): Kind<number> => ({
  parse(text) {
    const seconds = text === '0' && secondsOf(min) === 0 ? 0 : secondsOf(text)
    if (seconds === null) {
      const missing = /^\d+$/.test(text) ? `has no unit: write ${text}s if seconds are meant, or` : 'must be written as'
      throw new InvalidValue(`${missing} a number with a unit, such as 30s, 5m, 12h or 30d, not ${quoted(text)}`)
    }
    if (seconds < secondsOf(min)! || seconds > secondsOf(max)!) {
      throw new InvalidValue(`must be from ${min} to ${max}, not ${quoted(text)}`)
    }
    return seconds
  },
  show: showDuration,
})

function secondsOf(text: string): number | null {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  return count === undefined ? null : Number(count) * secondsIn[unit as keyof typeof secondsIn]
}

/** Seconds as an operator would write them, in the largest unit that says it exactly. */
export function showDuration(seconds: number): string {
  for (const [unit, length] of Object.entries(secondsIn)) {
    if (seconds >= length && seconds % length === 0) return `${seconds / length}${unit}`
  }
  return `${seconds}s`
}

/** A name for people: one line. */
export const displayName: Kind<string> = {
  parse(text) {
    if (text.length <= 100 && !/[\p{Cc}\p{Zl}\p{Zp}<>]/u.test(text)) return text
    throw new InvalidValue(`must be at most 100 characters on one line, without < and >, not ${quoted(text)}`)
  },
  show: (name) => name,
}

/** One of a few words. */
export const choice = <const Word extends string>(...words: readonly Word[]): Kind<Word> => ({
  parse(text) {
    const word = words.find((candidate) => candidate === text)
    if (word === undefined) throw new InvalidValue(`must be ${orList(words)}, not ${quoted(text)}`)
    return word
  },
  show: String,
})

const orList = (words: readonly string[]): string =>
  words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/** A switch. */
export const onOff: Kind<boolean> = {
  parse: (text) => choice('on', 'off').parse(text) === 'on',
  show: (isOn) => (isOn ? 'on' : 'off'),
}

/** Comma-separated entries, spaces around them and repetitions dropped; every faulty entry is reported. */
export const listOf = (entry: Kind<string>): Kind<readonly string[]> => ({
  parse(text) {
    const problems: string[] = []
    const entries = text.split(',').flatMap((part, index) => {
      try {
        if (part.trim() === '') throw new InvalidValue('is empty: remove the comma too much')
        return [entry.parse(part.trim())]
      } catch (error) {
        if (!(error instanceof InvalidValue)) throw error
        problems.push(...error.problems.map((problem) => `(entry ${index + 1}) ${problem}`))
        return []
      }
    })
    if (problems.length > 0) throw new InvalidValue(...problems)
    return [...new Set(entries)]
  },
  show: (entries) => entries.map((value) => entry.show(value)).join(', '),
})
