/**
 * The `Hallpass-Client` header: what an app says about itself and the device, for apps whose HTTP
 * library says nothing (React Native's User-Agent is `okhttp/4.12.0`). Two forms are read:
 *
 * - a structured field item (RFC 9651): `"Acme"; version="2.3.1"; os="Android"; os-version="14"; model="Pixel 8"`,
 *   all parameters optional, also `type` (desktop, mobile, tablet, tv, console, wearable); names
 *   beyond ASCII as display strings (`%"Caf%c3%a9"`); of a list, the first item counts;
 * - a product: `Acme/2.3.1`, or `Acme App/2.3.1`; without a space in the name it may carry the same parameters.
 */
import { Token } from 'structured-headers'
import { type DeviceClues, type DeviceType, modelName, NO_CLUES, nameAndVersion } from './device-clues.ts'
import { systemName } from './operating-system.ts'
import { readItems, textOf } from './structured-field.ts'

/** Never throws: a header that is neither form, or too long, says nothing. */
export const cluesFromHallpassClient = (header: string | undefined): DeviceClues => {
  const [item] = readItems(header)
  if (item === undefined) return cluesFromProduct(header)
  const [bare, parameters] = item
  const parameter = (name: string): string | null => textOf(parameters.get(name))
  // A product without spaces is a token to RFC 9651, slash included.
  const [, name, version] = bare instanceof Token ? (PRODUCT.exec(bare.toString()) ?? []) : [null, textOf(bare)]
  const app = nameAndVersion(name, parameter('version') ?? version)
  if (!isName(app.name)) return NO_CLUES
  return {
    ...NO_CLUES,
    type: TYPES.get(parameter('type')?.toLowerCase() ?? '') ?? null,
    os: nameAndVersion(systemName(parameter('os') ?? ''), parameter('os-version')),
    model: modelName(parameter('model')),
    app,
  }
}

const cluesFromProduct = (header: string | undefined): DeviceClues => {
  const [, name, version] = PRODUCT.exec((header ?? '').slice(0, 128).trim()) ?? []
  if (version === undefined) return NO_CLUES
  const app = nameAndVersion(name, version)
  return isName(app.name) ? { ...NO_CLUES, app } : NO_CLUES
}

const PRODUCT = /^([^/",;=<>]{1,64})(?:\/(\d[\w.+-]{0,31}))?$/

const isName = (name: string | null): name is string => name !== null && /\p{L}/u.test(name)

const TYPES = new Map<string, DeviceType>([
  ['desktop', 'desktop'],
  ['mobile', 'mobile'],
  ['tablet', 'tablet'],
  ['tv', 'tv'],
  ['console', 'console'],
  ['wearable', 'wearable'],
])
