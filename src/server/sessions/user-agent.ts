/** What a User-Agent says, less what it only pretends: browsers have frozen most of theirs. */
import { UAParser } from 'ua-parser-js'
import {
  type DeviceClues,
  type DeviceType,
  modelName,
  NO_CLUES,
  type NameAndVersion,
  nameAndVersion,
  UNNAMED,
} from './device-clues.ts'
import { displayText } from './display-text.ts'
import { systemName } from './operating-system.ts'
import { cluesFromProgram } from './user-agent-program.ts'

/** The most of a User-Agent that is read and worth keeping, in characters. */
export const USER_AGENT_MAX = 512

/** Never throws, and reads no more than the first 512 characters, so that the longest takes about a millisecond. */
export const cluesFromUserAgent = (userAgent: string): DeviceClues => {
  const text = displayText(userAgent, USER_AGENT_MAX)
  if (text === null) return NO_CLUES
  const [, bot, version] = BOT.exec(text) ?? []
  // A crawler dresses up as the phone it wants pages for: nothing else in its header is true.
  if (bot !== undefined) return { ...NO_CLUES, type: 'bot', browser: nameAndVersion(bot, version) }
  return /^(?:Mozilla|Opera)\//.test(text) ? cluesFromBrowser(text) : cluesFromProgram(text, cluesFromBrowser(text))
}

// Cubot makes phones.
const BOT = /\b([\w-]{0,40}(?<!\bcu)(?:bot|crawler|spider|slurp))\b(?:\/([\d.]{1,24}))?/i

const cluesFromBrowser = (text: string): DeviceClues => {
  const parser = new UAParser(text)
  const { model, type, vendor } = parser.getDevice()
  return {
    ...NO_CLUES,
    type: TYPES.get(type ?? '') ?? null,
    browser: browserFrom(parser.getBrowser()),
    os: systemFrom(parser.getOS(), model, text),
    // Amazon names its televisions AFT and two to five letters.
    model: vendor === 'Amazon' && type === 'smarttv' ? 'Fire TV' : NO_MODELS.has(model ?? '') ? null : modelName(model),
  }
}

const TYPES = new Map<string, DeviceType>([
  ['mobile', 'mobile'],
  ['tablet', 'tablet'],
  ['smarttv', 'tv'],
  ['console', 'console'],
  ['wearable', 'wearable'],
])

// "K" stands in Chrome's reduced User-Agent for every Android device; a Macintosh is any Mac and, in desktop mode, any iPad.
const NO_MODELS = new Set(['K', 'Macintosh'])

const browserFrom = ({ name, version }: { name: string | undefined; version: string | undefined }): NameAndVersion => {
  if (name === undefined || ENGINES.has(name)) return UNNAMED
  // Chrome's reduced version: only the first number is true.
  return nameAndVersion(BROWSERS.get(name) ?? name, version?.replace(/^(\d+)\.0\.0\.0$/, '$1'))
}

// Named when there is no browser: a web view inside an app.
const ENGINES = new Set(['WebKit', 'KHTML', 'Mozilla'])

const BROWSERS = new Map([
  ['Mobile Safari', 'Safari'],
  ['Chrome WebView', 'Android WebView'],
  ['IE', 'Internet Explorer'],
  ['GSA', 'Google app'],
])

const systemFrom = (
  os: { name: string | undefined; version: string | undefined },
  model: string | undefined,
  text: string,
): NameAndVersion => {
  if (os.name === undefined) return UNNAMED
  const name = os.name === 'iOS' && model === 'iPad' ? 'iPadOS' : systemName(os.name)
  return nameAndVersion(name, isFrozen(name, os.version ?? '', model, text) ? null : os.version)
}

const isFrozen = (system: string, version: string, model: string | undefined, text: string): boolean => {
  switch (system) {
    case 'Windows':
      // Windows 10 and 11 alike.
      return /NT (?:10|6\.4)/.test(text)
    case 'macOS':
    case 'ChromeOS':
    // If anything, the kernel's.
    case 'Linux':
      return true
    case 'Android':
      // "Android 10; K" (Chrome) and "Android 10; Mobile" (Firefox) are sent by every later version too.
      return version === '10' && (model === undefined || NO_MODELS.has(model))
    case 'iOS':
    case 'iPadOS':
      // From 26 on, Safari and web views go on calling the system 18.6 or 18.7
      // (webkit.org/blog/17333); only a Safari 18 is there with the real one.
      return /^18\.[67]\b/.test(version) && !/ Version\/18\./.test(text)
    default:
      return false
  }
}
