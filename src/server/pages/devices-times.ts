/** How long ago something was, as people say it. times.client.js says the same while the page is open. */

/** Seconds. The lengths of months and years are their means. */
const UNITS = [
  ['year', 31_556_952],
  ['month', 2_629_746],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/**
 * Rounded down: what is said to be two hours ago is.
 * @param justNow what is said of the first minute, and of what a clock elsewhere says is still to come
 */
export function timeAgo(at: Date, now: Date, { language, justNow }: { language: string; justNow: string }): string {
  const seconds = Math.floor((now.getTime() - at.getTime()) / 1000)
  const [unit, size] = UNITS.find(([, least]) => seconds >= least) ?? []
  if (unit === undefined) return justNow
  return new Intl.RelativeTimeFormat(language).format(-Math.floor(seconds / size), unit)
}

/** For whoever wants to know it exactly. In the time of the whole world, as nobody told us which is theirs. */
export const exactTime = (at: Date, language: string): string =>
  new Intl.DateTimeFormat(language, {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(at)
