import { readFileSync } from 'node:fs'
import { settingKeys, settings } from '../settings.ts'
import { weaknessOf } from './secrets.ts'
import { InvalidValue, quoted } from './values.ts'
import type { Setting, SettingKey, SettingValues } from '../settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What an operator gave, with everything that is wrong about it. */
export interface Given {
  readonly values: Partial<SettingValues>
  /** Where each value came from: the environment, or a file. */
  readonly sources: Partial<Record<SettingKey, string>>
  /** Settings that were given and cannot be used; a rule that concerns one of them says nothing. */
  readonly faulty: ReadonlySet<SettingKey>
  readonly faults: readonly string[]
}

/** Reads every setting that the environment gives, itself or by a file; nothing stops at the first fault. */
export function readGiven(environment: Environment): Given {
  const values: Partial<Record<SettingKey, unknown>> = {}
  const sources: Partial<Record<SettingKey, string>> = {}
  const faulty = new Set<SettingKey>()
  const faults: string[] = []
  for (const key of settingKeys) {
    const setting: Setting<unknown> = settings[key]
    try {
      const given = readText(setting, environment)
      if (given === null) continue
      values[key] = setting.kind.parse(setting.isSecret ? given.text : given.text.trim())
      sources[key] = given.source
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      faulty.add(key)
      faults.push(...error.problems.map((problem) => `${setting.name} ${problem}`))
    }
  }
  faults.push(...unknownNames(environment))
  return { values: values as Partial<SettingValues>, sources, faulty, faults }
}

function readText(setting: Setting<unknown>, environment: Environment): { text: string; source: string } | null {
  const text = presentIn(environment, setting.name)
  const file = presentIn(environment, `${setting.name}_FILE`)
  if (text !== null && file !== null) {
    throw new InvalidValue(`and ${setting.name}_FILE are both set: remove one of them`)
  }
  if (file !== null) return { text: readFile(setting, file), source: `file ${file}` }
  return text === null ? null : { text, source: 'environment' }
}

function presentIn(environment: Environment, name: string): string | null {
  const text = environment[name]
  return text === undefined || text.trim() === '' ? null : text
}

function readFile(setting: Setting<unknown>, file: string): string {
  const shown =
    setting.isSecret && isPerhapsTheSecret(file) ? '(its text is hidden, it may be the secret)' : quoted(file)
  let text: string
  try {
    text = readFileSync(file, 'utf8').replace(/[\r\n]+$/, '')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new InvalidValue(
      `cannot be read: ${setting.name}_FILE names ${shown}, which must be a readable file (${reason})`,
    )
  }
  if (text.trim() === '')
    throw new InvalidValue(`is empty: ${setting.name}_FILE names ${shown}, which has nothing in it`)
  return text
}

/** People put the secret itself where the path of its file belongs, and it must not reach the log that way. */
const isPerhapsTheSecret = (file: string): boolean =>
  file.includes('://') || file.split(',').some((part) => weaknessOf(part) === null && !isPathLike(part))

const isPathLike = (text: string): boolean => /^\.{0,2}\//.test(text) && !text.endsWith('=')

/** A name with our prefix that means nothing is a typing mistake, and what it should have set stays unset. */
function unknownNames(environment: Environment): string[] {
  const names = settingKeys.flatMap((key) => [settings[key].name, `${settings[key].name}_FILE`])
  return Object.keys(environment)
    .filter((name) => /^hallpass_/i.test(name) && !names.includes(name))
    .filter((name) => presentIn(environment, name) !== null && !isFromServiceLinks(name, environment[name]!))
    .map((name) => `${quoted(name).slice(1, -1)} is not a setting: ${suggestion(name, names)}`)
}

/** Kubernetes and Docker describe a service called "hallpass" to its neighbours in variables like these. */
const isFromServiceLinks = (name: string, value: string): boolean =>
  /_SERVICE_(HOST|PORT(_\w+)?)$/.test(name) ||
  /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
  (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))

function suggestion(name: string, names: readonly string[]): string {
  const written = name.toUpperCase()
  const bare = written.slice('HALLPASS_'.length)
  const ranked = names
    .map((known) => ({ known, distance: Math.min(editDistance(written, known), editDistance(bare, known)) }))
    .toSorted((one, other) => one.distance - other.distance)
  const nearest = ranked[0]!
  // Of a short name, a few changes make any other short one.
  const isNear = nearest.distance <= Math.min(4, bare.length / 3)
  return isNear ? `did you mean ${nearest.known}?` : 'remove it, or see docs/configuration.md for the names'
}

/** Levenshtein: how many characters have to be put in, taken out or changed. */
function editDistance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 0; row < one.length; row++) {
    const current = [row + 1]
    for (let column = 0; column < other.length; column++) {
      const change = previous[column]! + (one[row] === other[column] ? 0 : 1)
      current.push(Math.min(change, previous[column + 1]! + 1, current[column]! + 1))
    }
    previous = current
  }
  return previous.at(-1)!
}
