/** bench/check/recorded.json: the figures as they were measured last, and kept. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Figure } from './figure.ts'

export interface Recorded {
  /** YYYY-MM-DD */
  readonly on: string
  readonly machine: string
  readonly figures: Readonly<Record<string, { readonly value: number; readonly unit: string }>>
}

const FILE = fileURLToPath(new URL('recorded.json', import.meta.url))

export const readRecorded = (): Recorded => JSON.parse(readFileSync(FILE, 'utf8')) as Recorded

export function writeRecorded(figures: readonly Figure[], machine: string): void {
  const recorded: Recorded = {
    on: new Date().toISOString().slice(0, 10),
    machine,
    figures: Object.fromEntries(figures.map(({ name, value, unit }) => [name, { value: rounded(value), unit }])),
  }
  writeFileSync(FILE, `${JSON.stringify(recorded, null, 2)}\n`)
}

const rounded = (value: number): number => Number(value.toPrecision(5))
