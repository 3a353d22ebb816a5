import { displayText } from './display-text.ts'

export type DeviceType = 'desktop' | 'mobile' | 'tablet' | 'tv' | 'console' | 'wearable' | 'bot' | 'unknown'

export interface NameAndVersion {
  name: string | null
  version: string | null
}

/** What one source (an app's header, client hints, the User-Agent) says about a device; null: it does not say. */
export interface DeviceClues {
  readonly type: DeviceType | null
  /** The program that speaks HTTP: a browser, or a library such as okhttp. */
  readonly browser: NameAndVersion
  readonly os: NameAndVersion
  readonly model: string | null
  readonly app: NameAndVersion
  /** For people, where neither model nor system is known: "Apple device". */
  readonly family: string | null
}

export const UNNAMED: NameAndVersion = Object.freeze({ name: null, version: null })

export const NO_CLUES: DeviceClues = Object.freeze({
  type: null,
  browser: UNNAMED,
  os: UNNAMED,
  model: null,
  app: UNNAMED,
  family: null,
})

/** At most 48 and 24 characters, so that a label (name, version, " on ", model) stays under 128; no version without a name. */
export const nameAndVersion = (name: string | null | undefined, version: string | null | undefined): NameAndVersion => {
  const shown = displayText(name, 48)
  return shown === null ? UNNAMED : { name: shown, version: displayText(version, 24) }
}

/** At most 48 characters. */
export const modelName = (model: string | null | undefined): string | null => displayText(model, 48)
