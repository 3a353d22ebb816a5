/** Base64url (RFC 7515 section 2) by what every runtime has: measured, a tenth of the time of loops over characters. */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @returns null for what is no base64url */
export function decodeBytes(part: string): Uint8Array | null {
  const binary = decode(part)
  return binary === null ? null : bytesOf(binary)
}

/** @returns null for what is no UTF-8 in base64url */
export function decodeText(part: string): string | null {
  const binary = decode(part)
  if (binary === null || isAscii(binary)) return binary
  try {
    return utf8.decode(bytesOf(binary))
  } catch {
    return null
  }
}

/** A character for a byte. */
function decode(part: string): string | null {
  try {
    return atob(part.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return null
  }
}

// oxlint-disable-next-line no-control-regex -- every ASCII character, those included
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)

function bytesOf(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index)
  return bytes
}
