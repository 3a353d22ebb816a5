/**
 * Signs a JWS in its compact form (RFC 7515 section 7.1). By node:crypto in the thread that serves: a signature of jose
 * goes through WebCrypto to another thread and back, which costs more than twice as much in all (docs/decisions/0036).
 */
import { sign, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

export interface JwsKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: KeyObject
}

const signInPool = promisify(sign)
/** Of the two numbers that an ES256 signature is (RFC 7518 section 3.4), bytes. */
const NUMBER_BYTES = 32

/** @throws for an `alg` that is none of ours */
export async function signCompact(typ: string, payload: object, key: JwsKey): Promise<string> {
  const signed = `${headerOf(typ, key)}.${base64url(JSON.stringify(payload))}`
  const signature = await signatureOf(Buffer.from(signed), key)
  return `${signed}.${signature.toString('base64url')}`
}

/** The same for all tokens of a key. */
const headers = new WeakMap<KeyObject, string>()

function headerOf(typ: string, { kid, alg, privateKey }: JwsKey): string {
  let header = headers.get(privateKey)
  if (header === undefined) {
    header = base64url(JSON.stringify({ alg, typ, kid }))
    headers.set(privateKey, header)
  }
  return header
}

function signatureOf(signed: Buffer, { alg, privateKey }: JwsKey): Buffer | Promise<Buffer> {
  switch (alg) {
    case 'ES256':
      return fromDer(sign('sha256', signed, privateKey))
    case 'EdDSA':
      return sign(null, signed, privateKey)
    case 'RS256':
      return signInPool('sha256', signed, privateKey) // ten times as long: nobody else should wait for it
    default:
      throw new Error(`there is no signing with ${alg}`)
  }
}

/**
 * An ECDSA signature as ASN.1 has it, two INTEGERs in a SEQUENCE, in the form of JWS. With `dsaEncoding: 'ieee-p1363'`
 * node:crypto does the same, in twice the time (Node 24.21).
 */
export function fromDer(der: Buffer): Buffer {
  const numbers = Buffer.alloc(2 * NUMBER_BYTES)
  let at = 2
  for (const end of [NUMBER_BYTES, 2 * NUMBER_BYTES]) {
    const start = at + 2
    at = start + der.readUInt8(at + 1)
    // A leading zero keeps an INTEGER positive; short ones have lost theirs.
    const number = der.subarray(Math.max(start, at - NUMBER_BYTES), at)
    number.copy(numbers, end - number.length)
  }
  return numbers
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url')
