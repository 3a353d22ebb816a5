/** User-Agent Client Hints (wicg.github.io/ua-client-hints): what Chromium-based browsers say instead of the frozen User-Agent. */
import {
  type DeviceClues,
  type DeviceType,
  modelName,
  NO_CLUES,
  type NameAndVersion,
  nameAndVersion,
  UNNAMED,
} from './device-clues.ts'
import { systemName } from './operating-system.ts'
import { readItem, readItems, textOf } from './structured-field.ts'

/** The `Sec-CH-UA*` headers as they came. */
export interface ClientHints {
  readonly brands: string | undefined
  readonly fullVersionList: string | undefined
  readonly platform: string | undefined
  readonly platformVersion: string | undefined
  readonly model: string | undefined
  readonly mobile: string | undefined
  readonly formFactors: string | undefined
}

/** Never throws: a hint that is malformed says nothing. */
export const cluesFromHints = (hints: ClientHints): DeviceClues => ({
  ...NO_CLUES,
  type: typeFrom(hints),
  browser: browserFrom(hints),
  os: systemFrom(textOf(readItem(hints.platform)?.[0]), textOf(readItem(hints.platformVersion)?.[0])),
  model: modelName(textOf(readItem(hints.model)?.[0])),
})

const typeFrom = (hints: ClientHints): DeviceType | null => {
  for (const [factor] of readItems(hints.formFactors)) {
    const type = FORM_FACTORS.get(textOf(factor) ?? '')
    if (type !== undefined) return type
  }
  return readItem(hints.mobile)?.[0] === true ? 'mobile' : null
}

const FORM_FACTORS = new Map<string, DeviceType>([
  ['Desktop', 'desktop'],
  ['Mobile', 'mobile'],
  ['Tablet', 'tablet'],
  ['EInk', 'tablet'],
  ['XR', 'wearable'],
  ['Watch', 'wearable'],
])

const browserFrom = (hints: ClientHints): NameAndVersion => {
  const full = brandsIn(hints.fullVersionList)
  const brands = full.length > 0 ? full : brandsIn(hints.brands)
  const [best] = brands.toSorted((one, other) => rank(other.name) - rank(one.name))
  return best === undefined ? UNNAMED : nameAndVersion(BRANDS.get(best.name) ?? best.name, best.version)
}

const brandsIn = (list: string | undefined): { name: string; version: string | null }[] =>
  readItems(list).flatMap(([brand, parameters]) => {
    const name = textOf(brand)
    return name === null || isGrease(name) ? [] : [{ name, version: textOf(parameters.get('v')) }]
  })

// Chromium adds a brand that does not exist, so that nobody relies on the list's order or length:
// "Not A Brand", its spaces replaced by any of ()-./:;=?_ and the version made up.
const isGrease = (brand: string): boolean => /^not.*brand$/.test(brand.toLowerCase().replace(/[^a-z]/g, ''))

// A browser sends its own brand beside Chromium's, some also Chrome's. A name that we do not know
// may be tomorrow's grease, so it only wins over the bare engine.
const rank = (brand: string): number => {
  if (brand === 'Chromium') return 0
  if (!BRANDS.has(brand)) return 1
  return brand === 'Google Chrome' ? 2 : 3
}

const BRANDS = new Map([
  ['Google Chrome', 'Chrome'],
  ['HeadlessChrome', 'Chrome Headless'],
  ['Android WebView', 'Android WebView'],
  ['Microsoft Edge', 'Edge'],
  ['Brave', 'Brave'],
  ['Opera', 'Opera'],
  ['Opera GX', 'Opera GX'],
  ['Opera Mobile', 'Opera'],
  ['Vivaldi', 'Vivaldi'],
  ['Samsung Internet', 'Samsung Internet'],
  ['YaBrowser', 'Yandex'],
  ['DuckDuckGo', 'DuckDuckGo'],
  ['Oculus Browser', 'Oculus Browser'],
])

const systemFrom = (platform: string | null, version: string | null): NameAndVersion => {
  if (platform === null || platform === 'Unknown') return UNNAMED
  const name = systemName(platform)
  if (name === 'Windows') return { name, version: windowsVersion(version) }
  // Where Linux sends a version at all, it is the kernel's.
  return nameAndVersion(name, name === 'Linux' ? null : version?.replace(/(\.0+)+$/, ''))
}

// The hint is the version of a Windows API contract, not of Windows
// (learn.microsoft.com/microsoft-edge/web-platform/how-to-detect-win11).
const windowsVersion = (version: string | null): string | null => {
  const [, major, minor] = /^(\d{1,4})(?:\.(\d{1,4}))?(?:\.|$)/.exec(version ?? '') ?? []
  if (major === undefined) return null
  if (Number(major) >= 13) return '11'
  if (Number(major) >= 1) return '10'
  return { 1: '7', 2: '8', 3: '8.1' }[Number(minor)] ?? null
}
