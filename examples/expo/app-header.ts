/** What the app says of itself and its phone in the header `Hallpass-Client`, for the list of devices. */

export interface AppDescription {
  readonly name: string
  readonly version: string
  readonly os: string
  readonly osVersion: string | null
  /** "Pixel 8" */
  readonly model: string | null
}

/** As structured fields have it (RFC 9651): `%"Postcards"; version=%"2.3.1"; os=%"Android"`. */
export function appHeader({ name, version, os, osVersion, model }: AppDescription): string {
  const parameters = Object.entries({ version, os, 'os-version': osVersion, model })
  const known = parameters.filter((each): each is [string, string] => each[1] !== null)
  return [displayString(name), ...known.map(([key, value]) => `${key}=${displayString(value)}`)].join('; ')
}

/** Phones have names beyond ASCII, which headers have not. */
const displayString = (text: string): string =>
  `%"${encodeURIComponent(text).replace(/%../g, (octet) => octet.toLowerCase())}"`
