/** User-Agents of programs that are no browsers: `Product/version (comment) Library/version`. */
import { type DeviceClues, type NameAndVersion, nameAndVersion, UNNAMED } from './device-clues.ts'
import { systemName } from './operating-system.ts'

/**
 * The first product is the app, unless it is a library that many apps use.
 *
 * @param text at most a few hundred characters, free of control characters
 * @param parsed what the browser rules found in it: system and device hold for programs too
 */
export const cluesFromProgram = (text: string, parsed: DeviceClues): DeviceClues => {
  const bare = text.replace(/\([^()]*\)/g, ' ')
  const library = libraryIn(bare)
  const onApple = library.name === 'CFNetwork'
  return {
    ...parsed,
    browser: library,
    app: appIn(bare),
    // CFNetwork and Darwin are in iPhones, iPads, Macs and watches, and do not say which.
    os: onApple ? UNNAMED : (systemIn(text) ?? parsed.os),
    family: onApple ? 'Apple device' : null,
  }
}

const libraryIn = (products: string): NameAndVersion => {
  for (const [, name, version] of products.matchAll(/(?<![\w./-])([A-Za-z][\w.-]{0,47})(?:\/v?(\d[\w.+-]{0,23}))?/g)) {
    const library = LIBRARIES.get((name ?? '').toLowerCase())
    if (library !== undefined) return nameAndVersion(library, version)
  }
  return UNNAMED
}

const appIn = (products: string): NameAndVersion => {
  const [, name, version] = /^([^/]{1,64})\/v?(\d[\w.+-]{0,31})/.exec(products) ?? []
  if (name === undefined || !/^[\p{L}\p{N}]/u.test(name) || LIBRARIES.has(name.toLowerCase())) return UNNAMED
  return RUNTIMES.has(name.toLowerCase()) ? UNNAMED : nameAndVersion(decoded(name), version)
}

// CFNetwork percent-encodes the name of the app.
const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

// As Alamofire and others write it: "(com.acme.app; build:77; iOS 17.5.1)".
const systemIn = (text: string): NameAndVersion | undefined => {
  const [, name, version] = /\b(Android|iOS|iPadOS|macOS|tvOS|watchOS|visionOS)[ /](\d[\d.]{0,15})/i.exec(text) ?? []
  return name === undefined ? undefined : nameAndVersion(systemName(name), version)
}

// What runs an app, and is neither the app nor what it speaks HTTP with.
const RUNTIMES = new Set(['dalvik', 'darwin'])

const LIBRARIES = new Map([
  ['aiohttp', 'aiohttp'],
  ['alamofire', 'Alamofire'],
  ['apache-httpclient', 'Apache HttpClient'],
  ['axios', 'axios'],
  ['bun', 'Bun'],
  ['cfnetwork', 'CFNetwork'],
  ['curl', 'curl'],
  ['dart', 'Dart'],
  ['deno', 'Deno'],
  ['faraday', 'Faraday'],
  ['go-http-client', 'Go'],
  ['got', 'got'],
  ['guzzlehttp', 'Guzzle'],
  ['httpie', 'HTTPie'],
  ['insomnia', 'Insomnia'],
  ['java', 'Java'],
  ['java-http-client', 'Java'],
  ['k6', 'k6'],
  ['ktor-client', 'Ktor'],
  ['libcurl', 'curl'],
  ['node', 'Node.js'],
  ['node-fetch', 'node-fetch'],
  ['node.js', 'Node.js'],
  ['okhttp', 'okhttp'],
  ['postmanruntime', 'Postman'],
  ['python-httpx', 'httpx'],
  ['python-requests', 'python-requests'],
  ['python-urllib', 'Python'],
  ['reqwest', 'reqwest'],
  ['undici', 'undici'],
  ['wget', 'Wget'],
])
