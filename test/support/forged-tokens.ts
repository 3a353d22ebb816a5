/**
 * Forged and malformed access tokens as tables: the code with which they are refused, what is wrong with each, and
 * how it is made. Where it is not the signature that is wrong, the signature is the issuer's own, so that nothing
 * else is to blame.
 */
import { constants, createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import type { RefusedCode } from '../../src/verifier/index.ts'
import {
  ALGORITHMS,
  encode,
  entryOf,
  makeHandKey,
  mintToken,
  signBytes,
  type Algorithm,
  type Changes,
  type HandKey,
  type Mint,
} from './signed-by-hand.ts'

/** Whom the forger is after. */
export interface Target extends Mint {
  readonly issuer: string
  readonly audience: string
  /** Seconds since 1970; where the clock runs, the second that is about to begin. */
  readonly now: () => number
  /** The issuer's other keys. */
  readonly other: (alg: Algorithm) => HandKey
  /** A server of the forger, which nobody may ask. */
  readonly listener: string
}

export interface Forgery {
  readonly what: string
  readonly code: RefusedCode
  readonly make: Make
  /** Some can be made with some keys only. */
  readonly isFor: (alg: Algorithm) => boolean
}

type Make = (target: Target) => string

/** A table: all that is refused with one code. */
const all = (code: RefusedCode, table: Record<string, Make>, isFor: Forgery['isFor'] = () => true): Forgery[] =>
  Object.entries(table).map(([what, make]) => ({ what, code, make, isFor }))

/** A table from a list. */
const each = <Value>(
  values: readonly Value[],
  row: (value: Value) => [what: string, make: Make],
): Record<string, Make> => Object.fromEntries(values.map(row))

const minted =
  (changes: Changes | ((target: Target) => Changes)): Make =>
  (target) =>
    mintToken(target, typeof changes === 'function' ? changes(target) : changes)

/** A good token, spelled in another way. */
const respelled =
  (respell: (token: string, target: Target) => string): Make =>
  (target) =>
    respell(mintToken(target), target)

/** The good header or the good claims with more after them, as text: where a name comes twice, or no value is. */
const headerWith = ({ key }: Mint, more: string): string =>
  `{"alg":"${key.alg}","typ":"at+jwt","kid":${JSON.stringify(key.kid)},${more}}`
export const claimsWith = ({ claims }: Mint, more: string): string =>
  `${JSON.stringify(claims()).slice(0, -1)},${more}}`

const partsOf = (token: string): [header: string, payload: string, signature: string] =>
  token.split('.') as [string, string, string]

const isRsa = (alg: Algorithm): boolean => alg === 'RS256'

/** What a forger signs with. */
function stranger(alg: Algorithm): HandKey {
  const key = strangers.get(alg) ?? makeHandKey(alg, `the stranger's ${alg} key`)
  strangers.set(alg, key)
  return key
}
const strangers = new Map<Algorithm, HandKey>()

const byStranger =
  ({ key }: Target): ((input: Buffer) => Buffer) =>
  (input) =>
    signBytes(stranger(key.alg), input)

const nothing = (): Uint8Array => Buffer.alloc(0)
const oneByte = (): Uint8Array => Buffer.of(0)

// ---- without the issuer's signature

const NONE = ['none', 'None', 'NONE', 'nOnE', 'none ', '']

const withoutSignature = [
  ...all('token_malformed', {
    ...each(NONE, (alg) => [`alg "${alg}", nothing after the last dot`, minted({ header: { alg }, sign: nothing })]),
    ...each(NONE, (alg) => [
      `alg "${alg}", no last dot`,
      (t) => mintToken(t, { header: { alg }, sign: nothing }).slice(0, -1),
    ]),
    'the true alg, nothing after the last dot': minted({ sign: nothing }),
    'the true alg, no last dot': (t) => mintToken(t, { sign: nothing }).slice(0, -1),
  }),
  ...all('token_algorithm', {
    ...each(NONE, (alg) => [`alg "${alg}", with a good signature`, minted({ header: { alg } })]),
    ...each(NONE, (alg) => [`alg "${alg}", with a signature of one byte`, minted({ header: { alg }, sign: oneByte })]),
    'an alg of null': minted({ header: { alg: null }, sign: oneByte }),
    'no alg': minted({ header: { alg: undefined } }),
  }),
  ...all('signature_invalid', {
    'the true alg, a signature of one byte': minted({ sign: oneByte }),
    'the signature of a stranger': minted((t) => ({ sign: byStranger(t) })),
    'changed claims under a good signature': respelled((token, t) => {
      const [header, , signature] = partsOf(token)
      return `${header}.${encode(JSON.stringify({ ...t.claims(), sub: 'somebody else' }))}.${signature}`
    }),
    'a changed header under a good signature': respelled((token, { key: { alg, kid } }) => {
      const [, payload, signature] = partsOf(token)
      return `${encode(JSON.stringify({ typ: 'at+jwt', alg, kid }))}.${payload}.${signature}`
    }),
  }),
]

// ---- keyed with what everybody knows

const pem = (key: KeyObject, type: 'spki' | 'pkcs1'): string => key.export({ type, format: 'pem' }).toString()
const der = (key: KeyObject, type: 'spki' | 'pkcs1'): Buffer => key.export({ type, format: 'der' })

function memberOf(key: KeyObject): string {
  const { x, n } = key.export({ format: 'jwk' })
  return String(n ?? x)
}

type FormOfKey = [form: string, bytesOf: (key: HandKey) => string | Buffer, isFor?: Forgery['isFor']]

const FORMS_OF_KEYS: FormOfKey[] = [
  ['SPKI as PEM', ({ publicKey }) => pem(publicKey, 'spki')],
  ['SPKI as PEM after a line break', ({ publicKey }) => `\n${pem(publicKey, 'spki')}`],
  ['SPKI as PEM without the last line break', ({ publicKey }) => pem(publicKey, 'spki').trim()],
  ['SPKI as DER', ({ publicKey }) => der(publicKey, 'spki')],
  ['PKCS #1 as PEM', ({ publicKey }) => pem(publicKey, 'pkcs1'), isRsa],
  ['PKCS #1 as PEM after a line break', ({ publicKey }) => `\n${pem(publicKey, 'pkcs1')}`, isRsa],
  ['PKCS #1 as DER', ({ publicKey }) => der(publicKey, 'pkcs1'), isRsa],
  ['JWK as JSON', ({ publicKey }) => JSON.stringify(publicKey.export({ format: 'jwk' }))],
  ['the entry of the JWKS as JSON', (key) => JSON.stringify(entryOf(key))],
  ['n or x in base64url', ({ publicKey }) => memberOf(publicKey)],
  ['n or x as bytes', ({ publicKey }) => Buffer.from(memberOf(publicKey), 'base64url')],
  ['the kid', ({ kid }) => kid],
  ['nothing', () => ''],
]

const keyedWithThePublicKey = FORMS_OF_KEYS.flatMap(([form, bytesOf, isFor]) => {
  const hmac =
    ({ key }: Target, size: number) =>
    (input: Buffer): Buffer =>
      createHmac(`sha${size}`, bytesOf(key)).update(input).digest()
  const hs = each([256, 384, 512], (size) => [
    `HS${size} by ${form}`,
    minted((t) => ({ header: { alg: `HS${size}` }, sign: hmac(t, size) })),
  ])
  const hidden = { [`the true alg, but HMAC by ${form}`]: minted((t) => ({ sign: hmac(t, 256) })) }
  return [...all('token_algorithm', hs, isFor), ...all('signature_invalid', hidden, isFor)]
})

// ---- other algorithms

const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey
const ed448 = generateKeyPairSync('ed448').privateKey

const OTHER_ALGORITHMS: unknown[] = [
  'ES384 ES512 ES256K PS256 PS384 PS512 RS384 RS512 RS1 Ed25519 Ed448 ML-DSA-44 ML-DSA-65 ML-DSA-87'.split(' '),
  'SLH-DSA-SHA2-128s HS256 dir RSA-OAEP ECDH-ES A128KW PBES2-HS256+A128KW'.split(' '),
  ['es256', 'eddsa', 'rs256', 'ES256 ', 'EdDSA\0', '__proto__', 'constructor', 'toString'],
  [['ES256', 'EdDSA', 'RS256'], { name: 'ES256' }, 256, true, []],
].flat()

const otherAlgorithms = [
  ...all('token_algorithm', {
    ...each(OTHER_ALGORITHMS, (alg) => [
      `alg ${JSON.stringify(alg)}, with the signature of the true one`,
      minted({ header: { alg } }),
    ]),
    'ES384 by a P-384 key': minted({
      header: { alg: 'ES384' },
      sign: (input) => sign('sha384', input, { key: p384, dsaEncoding: 'ieee-p1363' }),
    }),
    'ES256K by a secp256k1 key': minted({
      header: { alg: 'ES256K' },
      sign: (input) => sign('sha256', input, { key: k256, dsaEncoding: 'ieee-p1363' }),
    }),
    'Ed448 by an Ed448 key': minted({ header: { alg: 'Ed448' }, sign: (input) => sign(null, input, ed448) }),
  }),
  ...all(
    'token_algorithm',
    {
      ...each([256, 384, 512], (size) => [`PS${size} by the issuer's own RSA key`, minted((t) => pss(t, size))]),
      ...each([384, 512], (size) => [
        `RS${size} by the issuer's own RSA key`,
        minted(({ key }) => ({
          header: { alg: `RS${size}` },
          sign: (input) => sign(`sha${size}`, input, key.privateKey),
        })),
      ]),
    },
    isRsa,
  ),
]

function pss({ key: { privateKey: key } }: Target, size: number): Changes {
  const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: size / 8 }
  return { header: { alg: `PS${size}` }, sign: (input) => sign(`sha${size}`, input, options) }
}

// ---- the algorithm of another of the issuer's keys

const switchedAlgorithms = ALGORITHMS.flatMap((alg) => {
  const isAnother = (own: Algorithm): boolean => own !== alg
  return [
    ...all(
      'token_algorithm',
      {
        [`alg ${alg}, with the signature of the true one`]: minted({ header: { alg } }),
        [`alg ${alg}, signed by the issuer's ${alg} key, with another key's kid`]: minted((t) => ({
          header: { alg },
          sign: (input) => signBytes(t.other(alg), input),
        })),
        [`alg ${alg}, signed by a stranger's ${alg} key`]: minted({
          header: { alg },
          sign: (input) => signBytes(stranger(alg), input),
        }),
        [`kid of the issuer's ${alg} key, alg and signature of another`]: minted((t) => ({
          header: { kid: t.other(alg).kid },
        })),
      },
      isAnother,
    ),
    ...all(
      'signature_invalid',
      {
        [`alg and kid of the issuer's ${alg} key, signed by another of its keys`]: minted((t) => ({
          header: { alg, kid: t.other(alg).kid },
        })),
      },
      isAnother,
    ),
  ]
})

// ---- keys that the token brings along

const CARRIED: [what: string, members: (target: Target) => Record<string, unknown>][] = [
  ['jwk', ({ key }) => ({ jwk: stranger(key.alg).publicKey.export({ format: 'jwk' }) })],
  ['jku', ({ listener }) => ({ jku: `${listener}/jwks.json` })],
  ['x5u', ({ listener }) => ({ x5u: `${listener}/chain.pem` })],
  // No certificate, only a key: whoever looks into it at all has gone too far already.
  ['x5c', ({ key }) => ({ x5c: [der(stranger(key.alg).publicKey, 'spki').toString('base64')] })],
  ['x5t#S256', () => ({ 'x5t#S256': encode('a thumbprint of somebody') })],
]

const carriedKeys = [
  ...CARRIED,
  ['all of them', (t: Target) => Object.fromEntries(CARRIED.flatMap(([, of]) => Object.entries(of(t))))] as const,
].flatMap(([what, members]) => [
  ...all('signature_invalid', {
    [`${what}, and the issuer's kid`]: minted((t) => ({ header: members(t), sign: byStranger(t) })),
  }),
  ...all('key_unknown', {
    [`${what}, and no kid`]: minted((t) => ({ header: { ...members(t), kid: undefined }, sign: byStranger(t) })),
    [`${what}, and a kid of null`]: minted((t) => ({ header: { ...members(t), kid: null }, sign: byStranger(t) })),
  }),
])

// ---- no kid, or what is none

const noKids = all('key_unknown', {
  'no kid': minted({ header: { kid: undefined } }),
  'an array of the issuer’s kid': minted(({ key: { kid } }) => ({ header: { kid: [kid] } })),
  'an object of the issuer’s kid': minted(({ key: { kid } }) => ({ header: { kid: { toString: kid, valueOf: kid } } })),
  ...each([null, '', 0, 1, true, [], {}], (kid) => [`kid ${JSON.stringify(kid)}`, minted({ header: { kid } })]),
})

/** Kids that are text, and nobody's. They may have the keys fetched, once in a while. */
export const STRANGE_KIDS: Record<string, (ours: string) => string> = {
  'a path out of the directory': () => '../../../../../../dev/null',
  'a path on Windows': () => '..\\..\\..\\windows\\win.ini',
  'an absolute path': () => '/proc/sys/kernel/randomize_va_space',
  'a path with NUL': (ours) => `${ours}\0.pem`,
  SQL: () => "x' UNION SELECT 'AAAA'; --",
  'SQL that is always true': () => "' OR '1'='1",
  'a shell command': () => '$(touch /tmp/forged); `id` | id',
  'a template': () => '{{7*7}}${7*7}<%= 7*7 %>',
  'a URL': () => 'https://evil.example/jwks.json',
  'a file URL': () => 'file:///etc/passwd',
  JSON: (ours) => JSON.stringify([ours]),
  __proto__: () => '__proto__',
  constructor: () => 'constructor',
  toString: () => 'toString',
  hasOwnProperty: () => 'hasOwnProperty',
  length: () => 'length',
  'an index': () => '0',
  'a star': () => '*',
  'one space': () => ' ',
  undefined: () => 'undefined',
  null: () => 'null',
  'very long': () => 'k'.repeat(4000),
  'far from ASCII': () => 'ключ 🔑 \u202e\u0000\ud800',
  'ours in upper case': (ours) => ours.toUpperCase(),
  'ours with a space after it': (ours) => `${ours} `,
  'ours with a space before it': (ours) => ` ${ours}`,
  'ours with a line break after it': (ours) => `${ours}\n`,
  'ours with one character less': (ours) => ours.slice(0, -1),
  'ours with one character more': (ours) => `${ours}x`,
  'ours twice': (ours) => `${ours},${ours}`,
  'ours in full-width letters': (ours) =>
    ours.replace(/[!-~]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
}

// ---- another kind of token

const TYPES: unknown[] = [
  'JWT jwt id_token id+jwt logout+jwt secevent+jwt dpop+jwt rt+jwt application/jwt at at+jwt2 xat+jwt'.split(' '),
  'at+jwt;x application/application/at+jwt text/at+jwt /at+jwt'.split(' '),
  ['at+jwt; charset=utf-8', ' at+jwt', 'at+jwt ', 'at jwt', '', null, 1, true, ['at+jwt'], { typ: 'at+jwt' }],
].flat()

const otherTypes = all('token_type', {
  'no typ': minted({ header: { typ: undefined } }),
  ...each(TYPES, (typ) => [`typ ${JSON.stringify(typ)}`, minted({ header: { typ } })]),
})

// ---- claims that are missing, or of another type

const NOT_TEXTS = ['', 1, 0, true, null, [], ['text'], {}]
const NOT_DATES = ['1', '', 'NaN', true, null, [], {}, 1.5, -1, -1.5, 2 ** 53, 1e308]

const WRONG_VALUES: Record<string, readonly unknown[]> = {
  sub: NOT_TEXTS,
  client_id: NOT_TEXTS,
  jti: NOT_TEXTS,
  sid: NOT_TEXTS,
  aud: ['', [], [''], [1], [null], [['text']], 1, true, null, {}],
  amr: ['', 'pwd', 1, true, null, [], [''], [1], [null], [['pwd']], {}],
  scope: [1, true, null, [], ['text'], {}],
  iat: NOT_DATES,
  exp: NOT_DATES,
  auth_time: NOT_DATES,
  nbf: NOT_DATES,
}

/** Nobody has to write `nbf`. */
const REQUIRED = Object.keys(WRONG_VALUES).filter((name) => name !== 'nbf')

const wrongClaims = [
  ...all('token_claims', {
    ...each(REQUIRED, (name) => [`no ${name}`, minted({ payload: { [name]: undefined } })]),
    ...each(
      Object.entries(WRONG_VALUES).flatMap(([name, values]) => values.map((value) => [name, value] as const)),
      ([name, value]) => [`${name} ${JSON.stringify(value)}`, minted({ payload: { [name]: value } })],
    ),
    'a sub only in __proto__': minted((t) => ({ payload: without(t, 'sub', '"__proto__":{"sub":"somebody"}') })),
  }),
  // What no value of JavaScript is written as.
  ...['iat', 'exp', 'nbf', 'auth_time'].flatMap((name) => [
    ...all('token_claims', {
      ...each(['1e400', '-1e400'], (json) => [`${name} ${json}`, minted((t) => withNumber(t, name, json))]),
      [`${name} of a thousand digits`]: minted((t) => withNumber(t, name, '9'.repeat(1000))),
      [`${name} a little above a whole number`]: minted((t) => withNumber(t, name, `${t.now()}.001`)),
    }),
    ...all(
      'token_malformed',
      each(['NaN', 'Infinity', '0x7fffffff', '01', '+1', '1.'], (json) => [
        `${name} ${json}`,
        minted((t) => withNumber(t, name, json)),
      ]),
    ),
  ]),
  ...all('token_issuer', {
    'no claims at all': minted({ payload: '{}' }),
    'claims only in __proto__': minted(({ claims }) => ({ payload: `{"__proto__":${JSON.stringify(claims())}}` })),
  }),
  ...all('token_algorithm', {
    'an alg only in __proto__': minted(({ key: { alg, kid } }) => ({
      header: `{"__proto__":{"alg":"${alg}"},"typ":"at+jwt","kid":${JSON.stringify(kid)}}`,
    })),
  }),
]

function without({ claims }: Mint, name: string, more: string): string {
  return `${JSON.stringify({ ...claims(), [name]: undefined }).slice(0, -1)},${more}}`
}

function withNumber(mint: Mint, name: string, json: string): Changes {
  return { payload: without(mint, name, `"${name}":${json}`) }
}

// ---- another issuer, another API

const ISSUERS: Record<string, (ours: string) => unknown> = {
  'ours with a slash after it': (ours) => `${ours}/`,
  'ours in upper case': (ours) => ours.toUpperCase(),
  'ours in an array': (ours) => [ours],
  'ours in an object': (ours) => ({ toString: ours }),
  'ours as the user of another': (ours) => `${ours}@evil.example`,
  'ours as the start of another': (ours) => `${ours}.evil.example`,
  'ours without its last character': (ours) => ours.slice(0, -1),
  'ours with a space before it': (ours) => ` ${ours}`,
  'ours with a space after it': (ours) => `${ours} `,
  'ours with NUL after it': (ours) => `${ours}\0`,
  'ours with a query': (ours) => `${ours}?`,
  'ours with a fragment': (ours) => `${ours}#`,
  'ours with a path': (ours) => `${ours}/tenant`,
  'ours with its port': (ours) => `${ours}:443`,
  'ours over another scheme': (ours) => ours.replace(/^https?/, 'ftp'),
  'ours without a scheme': (ours) => ours.replace(/^https?:/, ''),
  "somebody else's": () => 'https://evil.example',
  empty: () => '',
  null: () => null,
  'a number': () => 1,
  true: () => true,
  missing: () => undefined,
}

const otherIssuers = all(
  'token_issuer',
  each(Object.entries(ISSUERS), ([what, iss]) => [
    `an iss that is ${what}`,
    minted(({ issuer }) => ({ payload: { iss: iss(issuer) } })),
  ]),
)

const AUDIENCES: Record<string, (ours: string) => unknown> = {
  'another API': () => 'https://other.example',
  'another API, in an array': () => ['https://other.example'],
  'several other APIs': () => ['https://other.example', 'https://third.example'],
  'ours with a slash after it': (ours) => `${ours}/`,
  'ours in upper case': (ours) => ours.toUpperCase(),
  'ours as the start of another': (ours) => `${ours}.evil.example`,
  'ours without its last character': (ours) => ours.slice(0, -1),
  'ours after another, in one text': (ours) => `https://other.example ${ours}`,
  'ours in capital letters, in an array': (ours) => [ours.toUpperCase()],
  'the application': () => 'default',
}

/** The service's own endpoints take tokens for every API; an API does not. */
export const otherAudiences = all(
  'token_audience',
  each(Object.entries(AUDIENCES), ([what, aud]) => [
    `an aud that is ${what}`,
    minted(({ audience }) => ({ payload: { aud: aud(audience) } })),
  ]),
)

// ---- another time

/** The leeway is ten seconds; its edges are tested where the clock stands still. */
const otherTimes = [
  ...all('token_expired', {
    ...each([11, 61, 3600], (ago) => [`exp ${ago} s ago`, minted(({ now }) => ({ payload: { exp: now() - ago } }))]),
    'exp in 1970': minted({ payload: { exp: 0 } }),
    'exp as a life': minted({ payload: { exp: 300 } }),
  }),
  ...all('token_not_yet_valid', {
    ...each([11, 61, 3600, 1e9], (ahead) => [`iat in ${ahead} s`, minted((t) => later(t, 'iat', ahead))]),
    ...each([11, 61, 3600, 1e9], (ahead) => [`nbf in ${ahead} s`, minted((t) => later(t, 'nbf', ahead))]),
    'iat in milliseconds': minted(({ now }) => ({ payload: { iat: now() * 1000 } })),
  }),
]

function later({ now }: Target, name: string, ahead: number): Changes {
  return { payload: { [name]: now() + ahead, exp: now() + ahead + 300 } }
}

// ---- extensions, and the other forms of a JOSE object

/** Two billion rounds of hashing before anything is found to be wrong (CVE-2024-28176). */
const COSTLY = { alg: 'PBES2-HS256+A128KW', enc: 'A128CBC-HS256', p2c: 2 ** 31 - 1, p2s: encode('salt of a forger') }
const BOMB = deflateRawSync(Buffer.alloc(4_000_000, 'a'))
const CRITS = [['exp'], ['b64'], ['alg'], ['kid'], ['x'], ['__proto__'], [], 'x', null, {}, true]

const otherForms = [
  ...all('token_malformed', {
    ...each(CRITS, (crit) => [
      `crit ${JSON.stringify(crit)}`,
      minted(({ now }) => ({ header: { crit, x: 1, exp: now() + 300, b64: true } })),
    ]),
    'b64: false': minted({ header: { b64: false, crit: ['b64'] } }),
    'b64: false, and a payload that is not encoded': (t) => {
      const { key, claims } = t
      const input = `${encode(headerWith(t, '"b64":false,"crit":["b64"]'))}.${JSON.stringify(claims())}`
      return `${input}.${encode(signBytes(key, Buffer.from(input)))}`
    },
    'b64: false, and a detached payload': (t) =>
      mintToken(t, { header: { b64: false, crit: ['b64'] } }).replace(/\.[^.]*\./, '..'),
    'a detached payload': respelled((token) => token.replace(/\.[^.]*\./, '..')),
    'a JWE by password': respelled((token) => jwe(COSTLY, token)),
    'a JWE by RSA-OAEP': respelled((token) => jwe({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }, token)),
    'a JWE by a shared key, compressed': respelled((token) => jwe({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }, token)),
    'a JWE by a shared key, without its key': respelled((token) =>
      jwe({ alg: 'dir', enc: 'A256GCM' }, token).replace(/\.[^.]*\./, '..'),
    ),
    'a JWS in flattened JSON': respelled((token) => {
      const [header, payload, signature] = partsOf(token)
      return JSON.stringify({ protected: header, payload, signature })
    }),
    'a JWS in general JSON': respelled((token) => {
      const [header, payload, signature] = partsOf(token)
      return JSON.stringify({ payload, signatures: [{ protected: header, signature }] })
    }),
    'a JWS in JSON, in base64url': respelled((token) => encode(JSON.stringify({ payload: token }))),
    'a compressed payload': minted(({ claims }) => ({
      header: { zip: 'DEF' },
      payload: deflateRawSync(JSON.stringify(claims())),
    })),
    'a compressed payload that would be 4 MB': minted({ header: { zip: 'DEF' }, payload: BOMB }),
    'a token in a token': minted((t) => ({ header: { cty: 'JWT' }, payload: mintToken(t) })),
    'an SD-JWT': respelled((token) => `${token}~`),
    'a PASETO': respelled((token) => `v4.public.${partsOf(token)[1]}`),
  }),
  ...all('token_algorithm', { 'the header of a JWE over three parts': minted({ header: COSTLY }) }),
]

function jwe(header: object, token: string): string {
  const [, payload, signature] = partsOf(token)
  return [JSON.stringify(header), signature, 'an iv of 12.', payload, 'a tag of sixteen'].map(encode).join('.')
}

// ---- what is no base64url, or not three parts of it

/** Within the signature. */
const inserted = (more: string): Make => respelled((token) => `${token.slice(0, -9)}${more}${token.slice(-9)}`)

/** A token with - and _ in its signature. */
const withBoth =
  (respell: (token: string) => string): Make =>
  (target) => {
    let token = mintToken(target)
    while (!/-[^.]*$/.test(token) || !/_[^.]*$/.test(token)) token = mintToken(target)
    return respell(token)
  }

const wrongSpellings = all('token_malformed', {
  'a dot': () => '.',
  'two dots': () => '..',
  'three dots': () => '...',
  'one part': respelled((token) => partsOf(token)[0]),
  'two parts': respelled((token) => partsOf(token).slice(0, 2).join('.')),
  'four parts': respelled((token) => `${token}.${encode('more')}`),
  'a dot at the end': respelled((token) => `${token}.`),
  'a dot at the start': respelled((token) => `.${token}`),
  'no header': respelled((token) => token.replace(/^[^.]*/, '')),
  'a header of one character': respelled((token) => token.replace(/^[^.]*/, 'e')),
  'a payload of one character': respelled((token) => token.replace(/\.[^.]*\./, '.e.')),
  'a signature of five characters, which are no bytes': respelled((token) => token.replace(/[^.]*$/, 'AAAAA')),
  'padding after the header': respelled((token) => token.replace('.', '=.')),
  'padding after the payload': respelled((token) => token.replace(/\.([^.]*)$/, '=.$1')),
  'padding after the signature': respelled((token) => `${token}==`),
  'plus in place of minus': withBoth((token) => token.replace(/-([^.]*)$/, '+$1')),
  'slash in place of the underscore': withBoth((token) => token.replace(/_([^.]*)$/, '/$1')),
  'base64 throughout': withBoth((token) => token.replaceAll('-', '+').replaceAll('_', '/')),
  'a space within the signature': inserted(' '),
  'a space after a dot': respelled((token) => token.replace('.', '. ')),
  'a tab within the signature': inserted('\t'),
  'a line break within the signature': inserted('\n'),
  'a line break and a header of HTTP': inserted('\r\nX-Forged: 1\r\n'),
  'NUL within the signature': inserted('\0'),
  'a dot in percent encoding': respelled((token) => token.replace('.', '%2E')),
  'a dot of another script': respelled((token) => token.replace('.', '。')),
  'an umlaut': inserted('ü'),
  'a full-width letter': inserted('Ａ'),
  'half a character': inserted('\ud83d'),
  'quotes around it': respelled((token) => `"${token}"`),
  'angle brackets around it': respelled((token) => `<${token}>`),
  'Bearer before it, twice': respelled((token) => `Bearer ${token}`),
  'two tokens and a space': respelled((token) => `${token} ${token}`),
  'two tokens and a comma': respelled((token) => `${token},${token}`),
  'two tokens, a comma and a space': respelled((token) => `${token}, ${token}`),
  'a parameter after it': respelled((token) => `${token}; sub=somebody`),
  'a refresh token': () => `hprt_${'A'.repeat(115)}`,
  'an API key': () => `hpak_${'A'.repeat(43)}`,
  'a word': () => 'null',
})

// ---- bytes that are no JSON object

const NOT_OBJECTS: Record<string, (good: string) => string | Uint8Array> = {
  'a text': () => '"text"',
  'an array': () => '[]',
  'an array of the good one': (good) => `[${good}]`,
  'a number': () => '1',
  null: () => 'null',
  true: () => 'true',
  'the good one as a text': (good) => JSON.stringify(good),
  'two objects': (good) => `${good}${good}`,
  'half an object': (good) => good.slice(0, -1),
  'an object and NUL': (good) => `${good}\0`,
  'an object and more': (good) => `${good}x`,
  'an object with a comma too many': (good) => `${good.slice(0, -1)},}`,
  'an object after a comment': (good) => `/* */${good}`,
  'an object in single quotes': (good) => good.replaceAll('"', "'"),
  'an object whose names have no quotes': (good) => good.replace(/"(\w+)":/g, '$1:'),
  'an object with a line break in a text': (good) => `${good.slice(0, -1)},"x":"\n"}`,
  undefined: () => 'undefined',
  __proto__: () => '__proto__',
  'an object after a byte order mark': (good) => `\ufeff${good}`,
  'UTF-16': (good) => Buffer.from(good, 'utf16le'),
  'Latin-1': (good) => amid(good, Buffer.of(0xfc)),
  'UTF-8 with a byte that is none': (good) => amid(good, Buffer.of(0xff)),
  'UTF-8 with half a character': (good) => amid(good, Buffer.of(0xc3)),
  'UTF-8 with a character that is spelled too long': (good) => amid(good, Buffer.of(0xc0, 0xaf)),
  'UTF-8 with a surrogate': (good) => amid(good, Buffer.of(0xed, 0xa0, 0x80)),
  'bytes of any kind': () => Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 181) % 256)),
  'arrays in arrays, 2,800 deep': () => '['.repeat(2800) + ']'.repeat(2800),
  'arrays in arrays, 5,500 deep and not closed': () => '['.repeat(5500),
}

const amid = (good: string, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${good.slice(0, -1)},"x":"`), bytes, Buffer.from('"}')])

const notObjects = all('token_malformed', {
  ...each(Object.entries(NOT_OBJECTS), ([what, make]) => [
    `a payload that is ${what}`,
    minted(({ claims }) => ({ payload: make(JSON.stringify(claims())) })),
  ]),
  ...each(Object.entries(NOT_OBJECTS), ([what, make]) => [
    `a header that is ${what}`,
    minted(({ key: { alg, kid } }) => ({ header: make(JSON.stringify({ alg, typ: 'at+jwt', kid })) })),
  ]),
})

// ---- a name twice: the last one counts, as everywhere in JavaScript

const namesTwice: Forgery[] = (
  [
    ['a good alg, then none', 'token_algorithm', 'header', '"alg":"none"'],
    ['a good typ, then JWT', 'token_type', 'header', '"typ":"JWT"'],
    ['a good kid, then null', 'key_unknown', 'header', '"kid":null'],
    ['a good kid, then null spelled by escapes', 'key_unknown', 'header', '"\\u006bid":null'],
    ['a good iss, then another', 'token_issuer', 'payload', '"iss":"https://evil.example"'],
    ['a good exp, then one that is over', 'token_expired', 'payload', '"exp":1'],
    ['a good nbf, then one that is to come', 'token_not_yet_valid', 'payload', '"nbf":0,"nbf":9000000000'],
    ['a good sub, then none', 'token_claims', 'payload', '"sub":null'],
    ['a good sub, then none, spelled by escapes', 'token_claims', 'payload', '"\\u0073ub":null'],
  ] as const
).flatMap(([what, code, part, more]) =>
  all(code, {
    [what]: minted((t) => (part === 'header' ? { header: headerWith(t, more) } : { payload: claimsWith(t, more) })),
  }),
)

// ---- too long, and good but for that; or as long as may be, and costly

/** The longest that is looked at; characters, which are bytes. */
export const LONGEST = 8192

const otherLengths = [
  ...all('token_malformed', {
    [`${LONGEST + 1} characters`]: (t) => ofLength(t, LONGEST + 1),
    [`${2 * LONGEST} characters`]: (t) => ofLength(t, 2 * LONGEST),
    '64 KB': (t) => ofLength(t, 64 * 1024),
    '1 MB': (t) => ofLength(t, 1024 * 1024),
    '1 MB of dots': () => '.'.repeat(1024 * 1024),
    '1 MB of one letter': () => 'a'.repeat(1024 * 1024),
    '1 MB of signature': minted({ sign: () => Buffer.alloc(768 * 1024) }),
    '8 KB of dots': () => '.'.repeat(LONGEST),
    '8 KB of one letter': () => 'a'.repeat(LONGEST),
    '8 KB of one letter and a dot': () => `${'a'.repeat(LONGEST - 1)}.`,
  }),
  ...all('signature_invalid', {
    '8 KB of signature': minted({ sign: () => Buffer.alloc(5600, 1) }),
    '8 KB of escapes': minted((t) => ({
      payload: claimsWith(t, `"x":"${'\\u0041'.repeat(800)}"`),
      sign: byStranger(t),
    })),
    '8 KB of names': minted((t) => ({
      payload: claimsWith(t, Array.from({ length: 600 }, (_, index) => `"${index}":0`).join()),
      sign: byStranger(t),
    })),
    '8 KB of arrays': minted((t) => ({
      payload: claimsWith(t, `"x":${'['.repeat(2600)}${']'.repeat(2600)}`),
      sign: byStranger(t),
    })),
  }),
]

/** A good token of so many characters. */
export function ofLength(mint: Mint, length: number): string {
  // Some lengths are those of no base64url; one character more in the header moves them.
  for (let shift = 0; shift < 4; shift += 1) {
    const header = { pad: ' '.repeat(shift) }
    const shortest = mintToken(mint, { header, payload: { pad: '' } }).length
    const least = Math.floor(((length - shortest) * 3) / 4) - 3
    for (let pad = least; pad < least + 6; pad += 1) {
      const token = mintToken(mint, { header, payload: { pad: ' '.repeat(pad) } })
      if (token.length === length) return token
    }
  }
  throw new Error(`no token has ${length} characters`)
}

/** All of them. */
export const FORGERIES: Readonly<Record<string, readonly Forgery[]>> = {
  "without the issuer's signature": withoutSignature,
  'keyed with the public key': keyedWithThePublicKey,
  'of another algorithm': otherAlgorithms,
  'of the algorithm of another key': switchedAlgorithms,
  'that bring their key along': carriedKeys,
  'that name no key': noKids,
  'of another type': otherTypes,
  'of another issuer': otherIssuers,
  'without a claim, or with another type in its place': wrongClaims,
  'of another time': otherTimes,
  'in another form': otherForms,
  'in another spelling': wrongSpellings,
  'of bytes that are no JSON object': notObjects,
  'with a name twice': namesTwice,
  'of another length': otherLengths,
}
