import type { DeviceType, NameAndVersion } from './device-clues.ts'

/** The name that people know a system by, whatever spelling a header has for it. */
export const systemName = (name: string): string => NAMES.get(name.toLowerCase()) ?? name

/** What devices with this system nearly always are. */
export const usualDeviceType = (system: string | null): DeviceType | null =>
  system === null ? null : (TYPES.get(system) ?? null)

/** "Windows 11", "Android 14", "Linux": with the version as people say it, where they say it. */
export const systemLabel = ({ name, version }: NameAndVersion): string | null => {
  if (name === null || version === null) return name
  if (name === 'Windows') return `${name} ${version}`
  return SPOKEN_BY_MAJOR.has(name) ? `${name} ${version.split('.')[0]}` : name
}

const SPOKEN_BY_MAJOR = new Set(['Android', 'iOS', 'iPadOS', 'macOS'])

const TYPES = new Map<string, DeviceType>([
  ['Windows', 'desktop'],
  ['macOS', 'desktop'],
  ['Linux', 'desktop'],
  ['Ubuntu', 'desktop'],
  ['Debian', 'desktop'],
  ['Fedora', 'desktop'],
  ['ChromeOS', 'desktop'],
  ['FreeBSD', 'desktop'],
  ['OpenBSD', 'desktop'],
  ['Android', 'mobile'],
  ['iOS', 'mobile'],
  ['HarmonyOS', 'mobile'],
  ['iPadOS', 'tablet'],
  ['tvOS', 'tv'],
  ['watchOS', 'wearable'],
  ['visionOS', 'wearable'],
])

const NAMES = new Map<string, string>([
  ...Array.from(TYPES.keys(), (name): [string, string] => [name.toLowerCase(), name]),
  ['mac os', 'macOS'],
  ['mac os x', 'macOS'],
  ['chrome os', 'ChromeOS'],
  ['chromium os', 'ChromeOS'],
  ['openharmony', 'HarmonyOS'],
  ['gnu', 'Linux'],
])
