/** What a field of the type `datetime-local` holds; here it is UTC, and the label says so. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/

/** @returns null for what is no time, or none */
export function timeIn(text: string | undefined): Date | null {
  if (text === undefined || !TIME.test(text)) return null
  const time = new Date(`${text}Z`)
  return Number.isNaN(time.getTime()) ? null : time
}
