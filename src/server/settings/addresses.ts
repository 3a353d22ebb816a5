import ipaddr from 'ipaddr.js'
import { InvalidValue, quoted } from './values.ts'
import type { Kind } from './values.ts'

const asWritten = (text: string): string => text

/** Where to listen: a name or an IP address, without a port. */
export const host: Kind<string> = {
  parse(text) {
    const bare = text.replace(/^\[(.*)\]$/, '$1')
    if (isAddress(bare) || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(bare)) return bare
    throw new InvalidValue(`must be a host name or an IP address, without scheme and port, not ${quoted(text)}`)
  },
  show: asWritten,
}

/** A connection string with a password in it, so that its text is in no fault. */
export const urlWithPassword = (...schemes: readonly string[]): Kind<string> => ({
  parse(text) {
    const url = text.trim()
    if (!schemes.some((scheme) => url.startsWith(`${scheme}://`))) {
      throw new InvalidValue(`must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`)
    }
    if (!URL.canParse(url)) {
      throw new InvalidValue('is not a valid URL: write special characters of the password percent-encoded, # as %23')
    }
    if (new URL(url).searchParams.has('options')) {
      throw new InvalidValue('must not carry options=: Hallpass sets those of its connections itself')
    }
    return url
  },
  show: () => 'set, hidden',
})

/**
 * An issuer (RFC 8414 section 2): verifiers compare it character by character, so it has to be
 * written in the one form that browsers and URL parsers make of it. Whether plain http will do
 * depends on other settings.
 */
export const issuer: Kind<string> = {
  parse(text) {
    if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
      throw new InvalidValue('must be an absolute URL, such as https://auth.example.com')
    }
    const url = new URL(text)
    const problems: string[] = []
    if (url.username !== '' || url.password !== '') problems.push('must not contain a user name or a password')
    if (text.includes('?')) problems.push('must not contain a query: remove everything from the ? on')
    if (text.includes('#')) problems.push('must not contain a fragment: remove everything from the # on')
    if (problems.length > 0) throw new InvalidValue(...problems)

    const exact = (url.origin + url.pathname).replace(/\/+$/, '')
    if (text.replace(/\/+$/, '') !== exact) {
      throw new InvalidValue(`must be written as ${quoted(exact)}, because verifiers compare it character by character`)
    }
    return exact
  },
  show: asWritten,
}

/** Another service, over https; over plain http only on this machine. Paths are added to it. */
export const serviceUrl: Kind<string> = {
  parse(text) {
    if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) {
      throw new InvalidValue('must be an absolute URL, such as https://api.example.com')
    }
    const url = new URL(text)
    const problems: string[] = []
    if (url.protocol === 'http:' && !isLoopback(hostOf(text))) {
      problems.push('must be https: plain http is accepted for localhost only')
    }
    if (url.username !== '' || url.password !== '') problems.push('must not contain a user name or a password')
    if (/[?#]/.test(text)) problems.push('must not contain a query or a fragment: remove everything from the ? or # on')
    if (problems.length > 0) throw new InvalidValue(...problems)
    return (url.origin + url.pathname).replace(/\/+$/, '')
  },
  show: asWritten,
}

/** An audience (RFC 7519 section 4.1.3): any word, or a URI where it has a colon. */
export const audience: Kind<string> = {
  parse(text) {
    if (/\s/.test(text)) throw new InvalidValue(`must not contain a space: ${quoted(text)}`)
    if (text.includes(':') && !URL.canParse(text)) {
      throw new InvalidValue(`must be a URI, as it contains a colon: ${quoted(text)}`)
    }
    return text
  },
  show: asWritten,
}

/** Any port of localhost, for development servers that take the next free one. */
const anyLocalPort = /^https?:\/\/localhost:\*$/

/** An origin (RFC 6454) as browsers send it, or a localhost one with `*` as its port. */
export const origin: Kind<string> = {
  parse(text) {
    if (anyLocalPort.test(text)) return text
    if (text.includes('*')) {
      throw new InvalidValue('must name an exact origin: a * stands only for the port of localhost, http://localhost:*')
    }
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(text) || !URL.canParse(text)) {
      throw new InvalidValue('must be an origin with its scheme, such as https://app.example.com')
    }
    // Apps in a web view have origins such as capacitor://localhost, of which URL makes no origin.
    const url = new URL(text)
    const exact = url.origin === 'null' ? `${url.protocol}//${url.host.toLowerCase()}` : url.origin
    if (text !== exact) {
      throw new InvalidValue(`must be an origin as browsers send it, without path or credentials: ${quoted(exact)}`)
    }
    return text
  },
  show: asWritten,
}

/** An IP address, or a range of them in CIDR notation. */
export const addressRange: Kind<string> = {
  parse(text) {
    const [address = '', prefix] = text.split('/')
    // ipaddr.js reads "10" and "0x7f.1" as IPv4 too, which nobody means.
    if (isAddress(address) && (prefix === undefined || ipaddr.isValidCIDR(text))) return text
    throw new InvalidValue(`must be an IP address or a range such as 10.0.0.0/8 or fd00::/8, not ${quoted(text)}`)
  },
  show: asWritten,
}

const isAddress = (text: string): boolean => ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)

/** Where mail comes from: `post@example.com` or `Example <post@example.com>`. */
export const mailbox: Kind<string> = {
  parse(text) {
    if (/^([^<>\r\n]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/.test(text)) return text
    throw new InvalidValue(`must be post@example.com or Example <post@example.com>, not ${quoted(text)}`)
  },
  show: asWritten,
}

/** The host of a URL, an IPv6 one without its brackets. */
export const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')

/** Only this machine can reach it. */
export const isLoopback = (hostName: string): boolean =>
  hostName === 'localhost' || (isAddress(hostName) && ipaddr.parse(hostName).range() === 'loopback')

/** Only the network it stands in can reach it; names under .local are such by RFC 6762 section 3. */
export const isOnPrivateNetwork = (hostName: string): boolean =>
  hostName.endsWith('.local') ||
  (isAddress(hostName) && ['private', 'uniqueLocal', 'linkLocal'].includes(ipaddr.parse(hostName).range()))
