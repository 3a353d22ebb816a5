/**
 * Ed25519 by the book (RFC 8032 section 5.1), for signatures that no library makes: with points of small order,
 * numbers that are too large, another context. Slow, and not constant in time.
 */
import { createHash } from 'node:crypto'
import type { HandKey } from './signed-by-hand.ts'

const P = 2n ** 255n - 19n
/** The order of the group that is used; the whole curve has eight times as many points. */
export const L = 2n ** 252n + 27742317777372353535851937790883648493n

/** In affine coordinates. */
export type Point = readonly [x: bigint, y: bigint]

export const modulo = (value: bigint, modulus: bigint): bigint => ((value % modulus) + modulus) % modulus

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = modulo(base, P), rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % P)
    if ((rest & 1n) === 1n) result = (result * square) % P
  return result
}

/** By Euclid. */
export function inverse(value: bigint, modulus = P): bigint {
  let [rest, divisor, result, next] = [modulus, modulo(value, modulus), 0n, 1n]
  while (divisor > 0n) {
    const quotient = rest / divisor
    ;[rest, divisor] = [divisor, rest - quotient * divisor]
    ;[result, next] = [next, result - quotient * next]
  }
  return modulo(result, modulus)
}

const D = modulo(-121665n * inverse(121666n), P)
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n)
export const IDENTITY: Point = [0n, 1n]

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const dxy = D * modulo(x1 * x2, P) * modulo(y1 * y2, P)
  return [
    modulo((x1 * y2 + x2 * y1) * inverse(modulo(1n + dxy, P)), P),
    modulo((y1 * y2 + x1 * x2) * inverse(modulo(1n - dxy, P)), P),
  ]
}

function multiply(scalar: bigint, point: Point): Point {
  let sum = IDENTITY
  for (let double = point, rest = scalar; rest > 0n; rest >>= 1n, double = add(double, double))
    if ((rest & 1n) === 1n) sum = add(sum, double)
  return sum
}

/** The even x of a y; null where the curve has no such point. */
function pointAt(y: bigint): Point | null {
  const square = modulo((y * y - 1n) * inverse(modulo(D * y * y + 1n, P)), P)
  const root = power(square, (P + 3n) / 8n)
  const x = [root, (root * ROOT_OF_MINUS_ONE) % P].find((each) => (each * each) % P === square)
  return x === undefined ? null : [x % 2n === 0n ? x : P - x, y]
}

const BASE = pointAt(modulo(4n * inverse(5n), P)) as Point

/** The eight points whose order divides eight: each times any point's L is one of them. */
export function smallOrderPoints(): Point[] {
  for (let y = 2n; ; y += 1n) {
    const point = pointAt(y)
    if (point === null) continue
    const generator = multiply(L, point)
    const points = [IDENTITY]
    for (let next = generator; next[0] !== 0n || next[1] !== 1n; next = add(next, generator)) points.push(next)
    if (points.length === 8) return points
  }
}

export const bytesOf = (number: bigint, length = 32): Buffer =>
  Buffer.from(number.toString(16).padStart(2 * length, '0'), 'hex').reverse()

export const numberIn = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)

export const encodePoint = ([x, y]: Point): Buffer => bytesOf(y | ((x & 1n) << 255n))

/** As a forger might: y is not reduced, or the sign is that of no x. Where it fits into 32 bytes. */
export const encodingsOf = ([x, y]: Point): Buffer[] =>
  [y, y + P]
    .filter((each) => each < 2n ** 255n)
    .flatMap((each) => [each | ((x & 1n) << 255n), each | (((x & 1n) ^ 1n) << 255n)])
    .map((each) => bytesOf(each))

/**
 * What RFC 8032 section 5.1.6 says, but for what is asked for.
 * @param options.prefix comes before everything that is hashed; empty for Ed25519 itself
 * @param options.plus is added to R, which S does not know of
 */
export function signByHand(
  { privateKey }: Pick<HandKey, 'privateKey'>,
  message: Uint8Array,
  { prefix = new Uint8Array(), plus = IDENTITY }: { prefix?: Uint8Array; plus?: Point } = {},
): Buffer {
  const seed = Buffer.from(String(privateKey.export({ format: 'jwk' }).d), 'base64url')
  const hash = createHash('sha512').update(seed).digest()
  const clamped = Buffer.from(hash.subarray(0, 32))
  clamped.writeUInt8(clamped.readUInt8(0) & 0xf8, 0)
  clamped.writeUInt8((clamped.readUInt8(31) & 0x7f) | 0x40, 31)
  const secret = numberIn(clamped)
  const hashed = (...parts: Uint8Array[]): bigint =>
    numberIn(
      createHash('sha512')
        .update(Buffer.concat([prefix, ...parts]))
        .digest(),
    ) % L
  const r = hashed(hash.subarray(32), message)
  const R = encodePoint(add(multiply(r, BASE), plus))
  const k = hashed(R, encodePoint(multiply(secret, BASE)), message)
  return Buffer.concat([R, bytesOf((r + k * secret) % L)])
}

/** RFC 8032 section 2: what tells Ed25519ctx and Ed25519ph apart from Ed25519. */
export const domain = (isPrehashed: boolean, context: string): Buffer =>
  Buffer.concat([
    Buffer.from('SigEd25519 no Ed25519 collisions'),
    Buffer.of(isPrehashed ? 1 : 0, Buffer.byteLength(context)),
    Buffer.from(context),
  ])
