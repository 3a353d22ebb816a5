import { InvalidArgumentError } from 'commander'

const MILLISECONDS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `30m`, `2h`, `3d` ago. @returns null for what is no such span */
export function ago(text: string): Date | null {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  return count === undefined ? null : new Date(Date.now() - Number(count) * MILLISECONDS[unit as 'm' | 'h' | 'd'])
}

/** A time that an operator names, by itself (RFC 3339) or by how long ago it was: `30m`, `2h`, `3d`. */
export function since(text: string): Date {
  const span = ago(text)
  if (span !== null) return span
  // Without its offset a time is another one on another machine.
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
  if (!isTime || Number.isNaN(Date.parse(text))) {
    throw new InvalidArgumentError(
      'It is no time, which reads like 2026-03-04T14:00:00Z, or like 2h for two hours ago.',
    )
  }
  return new Date(text)
}
