/** Figures beside those that were recorded. */
import type { Figure } from './figure.ts'
import type { Recorded } from './recorded.ts'

export interface Line {
  readonly figure: Figure
  /** Undefined where nobody has recorded it yet. */
  readonly before: number | undefined
  /** A share of what it was; negative where it has become less. */
  readonly grown: number
  readonly isTooMuch: boolean
}

export const compare = (figures: readonly Figure[], { figures: recorded }: Pick<Recorded, 'figures'>): Line[] =>
  figures.map((figure) => {
    const before = recorded[figure.name]?.value
    const grown = before === undefined ? 0 : figure.value / before - 1
    // What could not be measured, NaN, is too much as well.
    return { figure, before, grown, isTooMuch: !(grown <= figure.allowed) }
  })

export const describe = (lines: readonly Line[]): string => lines.map(describeLine).join('\n')

function describeLine({ figure: { name, value, unit, allowed }, before, grown, isTooMuch }: Line): string {
  const mark = isTooMuch ? 'GREW' : grown < -allowed ? 'less' : '  ok'
  const change =
    before === undefined
      ? 'not recorded yet'
      : `${shown(before)} recorded, ${inPercent(grown)} (${inPercent(allowed)} allowed)`
  return `${mark}  ${name}: ${shown(value)} ${unit}; ${change}`
}

const shown = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 4 })
const inPercent = (share: number): string => `${share > 0 ? '+' : ''}${(share * 100).toFixed(1)} %`
