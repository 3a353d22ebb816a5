/** How long ago, as one would say it. */
const FORMAT = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** @param timestamp RFC 3339 */
export function since(timestamp: string): string {
  const seconds = (Date.now() - Date.parse(timestamp)) / 1000
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? []
  return unit === undefined ? 'just now' : FORMAT.format(-Math.floor(seconds / length), unit)
}
