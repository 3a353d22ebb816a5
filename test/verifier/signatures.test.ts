/**
 * Signatures that are nearly right: what Wycheproof keeps vectors of, made anew with a key of our own. And keys
 * that nobody should check signatures with.
 */
import {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  privateEncrypt,
  publicDecrypt,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto'
import { expect } from 'chai'
import { Refused, type Verifier } from '../../src/verifier/index.ts'
import {
  bytesOf,
  domain,
  encodePoint,
  encodingsOf,
  IDENTITY,
  inverse,
  L,
  modulo,
  numberIn,
  signByHand,
  smallOrderPoints,
} from '../support/edwards25519.ts'
import {
  ALGORITHMS,
  createHandIssuer,
  encode,
  entryOf,
  handKey,
  makeHandKey,
  mintToken,
  signBytes,
  type Algorithm,
  type HandIssuer,
  type HandKey,
  type Mint,
} from '../support/signed-by-hand.ts'

/** An entry of a JWKS. */
type Entry = Record<string, unknown>

/** What is done with the bytes that are signed, in place of signing them. */
type Forge = (input: Buffer, key: HandKey) => Uint8Array

async function codeOf(verifier: Verifier, token: string): Promise<string> {
  try {
    await verifier.verify(token)
    return 'accepted'
  } catch (error) {
    if (error instanceof Refused) return error.code
    throw error
  }
}

describe('signatures', () => {
  let issuer: HandIssuer
  let verifier: Verifier
  const keys = {} as Record<Algorithm, HandKey>
  const mint = (alg: Algorithm): Mint => issuer.mint(keys[alg])

  before(async () => {
    for (const alg of ALGORITHMS) keys[alg] = makeHandKey(alg)
    issuer = await createHandIssuer({ keys: ALGORITHMS.map((alg) => entryOf(keys[alg])) })
    verifier = issuer.createVerifier()
    await verifier.ready()
    await issuer.clock.advance(0) // the stream is opened in the background
  })
  after(() => verifier.close())

  function expectRefused(alg: Algorithm, forgeries: Record<string, Forge>): void {
    for (const [what, forge] of Object.entries(forgeries)) {
      it(`of ${alg} are refused: ${what}`, async () => {
        const key = keys[alg]
        const token = mintToken(mint(alg), { sign: (input) => forge(input, key) })
        expect(await codeOf(verifier, token)).to.equal('signature_invalid')
      })
    }
  }

  for (const alg of ALGORITHMS) {
    it(`of ${alg} are accepted as the key makes them`, async () => {
      expect(await codeOf(verifier, mintToken(mint(alg)))).to.equal('accepted')
    })

    expectRefused(alg, {
      'without the last byte': (input, key) => signBytes(key, input).subarray(0, -1),
      'without the first byte': (input, key) => signBytes(key, input).subarray(1),
      'the first half only': (input, key) => signBytes(key, input).subarray(0, signBytes(key, input).length / 2),
      'with a byte after it': (input, key) => Buffer.concat([signBytes(key, input), Buffer.of(0)]),
      'with a byte before it': (input, key) => Buffer.concat([Buffer.of(0), signBytes(key, input)]),
      'twice in a row': (input, key) => Buffer.concat([signBytes(key, input), signBytes(key, input)]),
      backwards: (input, key) => signBytes(key, input).reverse(),
      'with the first bit turned': (input, key) => withBit(signBytes(key, input), 0, 0x80),
      'with the last bit turned': (input, key) => withBit(signBytes(key, input), -1, 0x01),
      'all zeros': (input, key) => Buffer.alloc(signBytes(key, input).length),
      'all ones': (input, key) => Buffer.alloc(signBytes(key, input).length, 0xff),
      random: (input, key) => randomBytes(signBytes(key, input).length),
      'one byte': () => Buffer.of(1),
      'of another message': (input, key) => signBytes(key, Buffer.concat([input, Buffer.of(0)])),
      'of another token of the same session': () =>
        Buffer.from(String(mintToken(mint(alg)).split('.')[2]), 'base64url'),
      'of the payload alone': (input, key) => signBytes(key, Buffer.from(String(input.toString().split('.')[1]))),
      'of what the parts decode to': (input, key) =>
        signBytes(
          key,
          Buffer.from(
            input
              .toString()
              .split('.')
              .map((part) => Buffer.from(part, 'base64url').toString())
              .join('.'),
          ),
        ),
      'of the hash': (input, key) => signBytes(key, createHash('sha256').update(input).digest()),
      'of nothing': (_input, key) => signBytes(key, Buffer.alloc(0)),
      'of another key of the algorithm': (input) => signBytes(makeHandKey(alg), input),
      'in base64url twice': (input, key) => Buffer.from(encode(signBytes(key, input))),
      'in hexadecimal': (input, key) => Buffer.from(signBytes(key, input).toString('hex')),
    })
  }

  // ---- ES256

  expectRefused('ES256', {
    'r = 0': ecdsa(([, s]) => [0n, s]),
    's = 0': ecdsa(([r]) => [r, 0n]),
    'r = s = 0, which Java once took for any message': ecdsa(() => [0n, 0n]),
    'r = 1': ecdsa(([, s]) => [1n, s]),
    's = 1': ecdsa(([r]) => [r, 1n]),
    'r = s = 1': ecdsa(() => [1n, 1n]),
    'r = n': ecdsa(([, s]) => [N, s]),
    's = n': ecdsa(([r]) => [r, N]),
    'r = s = n': ecdsa(() => [N, N]),
    'r = n, s = 0': ecdsa(() => [N, 0n]),
    'r = 0, s = n': ecdsa(() => [0n, N]),
    'r = n − 1, s = n − 1': ecdsa(() => [N - 1n, N - 1n]),
    'r = n + 1': ecdsa(([, s]) => [N + 1n, s]),
    'r = p, the prime of the field': ecdsa(([, s]) => [FIELD, s]),
    's = the largest that fits': ecdsa(([r]) => [r, 2n ** 256n - 1n]),
    'n − r in place of r': ecdsa(([r, s]) => [N - r, s]),
    'n − r and n − s': ecdsa(([r, s]) => [N - r, N - s]),
    'r and s exchanged': ecdsa(([r, s]) => [s, r]),
    's twice': ecdsa(([, s]) => [s, s]),
    'r + n, in a byte more': (input, key) => {
      const [r, s] = numbersIn(signBytes(key, input))
      return Buffer.concat([bigEndian(r + N, 33), bigEndian(s)])
    },
    's + n, in a byte more': (input, key) => {
      const [r, s] = numbersIn(signBytes(key, input))
      return Buffer.concat([bigEndian(r), bigEndian(s + N, 33)])
    },
    'both with a zero before it, 66 bytes': (input, key) => {
      const [r, s] = numbersIn(signBytes(key, input))
      return Buffer.concat([bigEndian(r, 33), bigEndian(s, 33)])
    },
    'r without its leading zero, 63 bytes': (input, key) => signUntil(key, input, (raw) => raw[0] === 0).subarray(1),
    's without its leading zero, 63 bytes': (input, key) => {
      const raw = signUntil(key, input, (each) => each[32] === 0)
      return Buffer.concat([raw.subarray(0, 32), raw.subarray(33)])
    },
    DER: der,
    'DER, with a byte after it': (input, key) => Buffer.concat([der(input, key), Buffer.of(0)]),
    'DER, with zeros in front of r': (input, key) => {
      const [r, s] = numbersIn(signBytes(key, input))
      return sequence(Buffer.concat([Buffer.of(0, 0), bigEndian(r)]), Buffer.concat([Buffer.of(0), bigEndian(s)]))
    },
    'DER of r = s = 0': () => sequence(Buffer.of(0), Buffer.of(0)),
    'DER that is empty': () => Buffer.of(0x30, 0),
    'DER that is cut to 64 bytes': (input, key) => der(input, key).subarray(0, 64),
    'of P-384': (input) => sign('sha384', input, { key: p384, dsaEncoding: 'ieee-p1363' }),
    'with SHA-384 in place of SHA-256': (input, key) =>
      sign('sha384', input, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }),
    'with SHA-1 in place of SHA-256': (input, key) =>
      sign('sha1', input, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }),
  })

  it('of ES256 are refused: s + n where that fits into 32 bytes, with a key that was made for it', async () => {
    const { key, r, s, input } = keyForSmallS((kid) => mintToken(issuer.mint({ ...keys.ES256, kid })))
    issuer.jwks = { keys: [...ALGORITHMS.map((alg) => entryOf(keys[alg])), entryOf(key)] }
    const other = issuer.createVerifier()
    await other.ready()
    const spelled = (number: bigint): string => `${input}.${encode(Buffer.concat([bigEndian(r), bigEndian(number)]))}`
    expect(await codeOf(other, spelled(s))).to.equal('accepted')
    expect(await codeOf(other, spelled(s + N))).to.equal('signature_invalid')
    expect(await codeOf(other, spelled(N - s))).to.equal('accepted') // see below
    other.close()
  })

  // ---- EdDSA

  const smallOrder = smallOrderPoints()

  it('of EdDSA are the same when made by hand', () => {
    const input = Buffer.from('anything')
    expect(signByHand(keys.EdDSA, input)).to.deep.equal(signBytes(keys.EdDSA, input))
    expect(new Set(smallOrder.map((each) => encodePoint(each).toString('hex')))).to.have.property('size', 8)
  })

  expectRefused('EdDSA', {
    ...Object.fromEntries(
      Array.from({ length: 14 }, (_, index): [string, Forge] => [
        `S + ${index + 1} L`,
        eddsa((R, S) => [R, bytesOf(numberIn(S) + BigInt(index + 1) * L)]),
      ]),
    ),
    'S = 0': eddsa((R) => [R, bytesOf(0n)]),
    'S = L': eddsa((R) => [R, bytesOf(L)]),
    'L − S': eddsa((R, S) => [R, bytesOf(L - numberIn(S))]),
    'S with its highest bit': eddsa((R, S) => [R, withBit(S, -1, 0x80)]),
    'R = the identity, S = 0': eddsa(() => [encodePoint(IDENTITY), bytesOf(0n)]),
    'R = 0': eddsa((_R, S) => [bytesOf(0n), S]),
    'R = the public key': (input, key) => Buffer.concat([publicBytes(key), signBytes(key, input).subarray(32)]),
    'R = the public key, S = 0': (_input, key) => Buffer.concat([publicBytes(key), bytesOf(0n)]),
    'R with the other sign': eddsa((R, S) => [withBit(R, -1, 0x80), S]),
    'R that is no point': eddsa((_R, S) => [bytesOf(2n), S]),
    'R all ones': eddsa((_R, S) => [Buffer.alloc(32, 0xff), S]),
    'R and S exchanged': eddsa((R, S) => [S, R]),
    'R alone': eddsa((R) => [R, Buffer.alloc(0)]),
    'of Ed25519ctx, without a context': (input, key) => signByHand(key, input, { prefix: domain(false, '') }),
    'of Ed25519ctx': (input, key) => signByHand(key, input, { prefix: domain(false, 'token') }),
    'of Ed25519ph': (input, key) =>
      signByHand(key, createHash('sha512').update(input).digest(), { prefix: domain(true, '') }),
    'of the SHA-512, by Ed25519': (input, key) => signBytes(key, createHash('sha512').update(input).digest()),
    'of Ed448': (input) => sign(null, input, ed448),
    'of Ed448, cut to 64 bytes': (input) => sign(null, input, ed448).subarray(0, 64),
  })

  for (const [index, point] of smallOrder.entries()) {
    const spellings = encodingsOf(point)
    it(`of EdDSA are refused: R a point of small order, number ${index + 1}, in every spelling`, async () => {
      for (const R of spellings) {
        for (const S of [bytesOf(0n), bytesOf(1n), bytesOf(L), null]) {
          const token = mintToken(mint('EdDSA'), {
            sign: (input) => Buffer.concat([R, S ?? signBytes(keys.EdDSA, input).subarray(32)]),
          })
          expect(await codeOf(verifier, token), `${R.toString('hex')} ${S?.toString('hex')}`).to.equal(
            'signature_invalid',
          )
        }
      }
    })
  }

  it('of EdDSA are refused: R with a point of small order added, made by whoever has the key', async () => {
    // Some check [8]S·B only, and accept them: then one verifier takes for good what another does not.
    for (const plus of smallOrder.slice(1)) {
      const token = mintToken(mint('EdDSA'), { sign: (input) => signByHand(keys.EdDSA, input, { plus }) })
      expect(await codeOf(verifier, token)).to.equal('signature_invalid')
    }
  })

  // ---- RS256

  it('of RS256 are the same when made by hand', () => {
    const input = Buffer.from('anything')
    expect(raw(padded(digestInfo(hash(input))), keys.RS256)).to.deep.equal(signBytes(keys.RS256, input))
  })

  expectRefused('RS256', {
    '1': () => bigEndian(1n, SIZE),
    '2': () => bigEndian(2n, SIZE),
    'n − 1': (_input, key) => bigEndian(modulusOf(key) - 1n, SIZE),
    n: (_input, key) => bigEndian(modulusOf(key), SIZE),
    'n + 1': (_input, key) => bigEndian(modulusOf(key) + 1n, SIZE),
    'n minus the signature': (input, key) => bigEndian(modulusOf(key) - bigEndianIn(signBytes(key, input)), SIZE),
    PSS: (input, key) =>
      sign('sha256', input, { key: key.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
    'PSS without salt': (input, key) =>
      sign('sha256', input, { key: key.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 0 }),
    'SHA-1': (input, key) => sign('sha1', input, key.privateKey),
    'SHA-384': (input, key) => sign('sha384', input, key.privateKey),
    'SHA-512': (input, key) => sign('sha512', input, key.privateKey),
    MD5: (input, key) => sign('md5', input, key.privateKey),
    'SHA-3': (input, key) => sign('sha3-256', input, key.privateKey),
    'of 1,024 bits': (input) => sign('sha256', input, generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
    'the hash alone, without the name of its algorithm': opening((input) => padded(hash(input))),
    'the message itself': opening((input) => padded(input.subarray(0, 200))),
    'SHA-1 of another length under the name of SHA-256': opening((input) => padded(digestInfo(hash(input, 'sha1')))),
    'SHA-256 under the name of SHA-1': opening((input) => padded(digestInfo(hash(input), SHA1))),
    'SHA-256 under the name of SHA-512': opening((input) => padded(digestInfo(hash(input), SHA512))),
    'SHA-256 under a name of nothing': opening((input) => padded(digestInfo(hash(input), Buffer.alloc(0)))),
    'a hash that is cut short': opening((input) => padded(digestInfo(hash(input).subarray(0, 31)))),
    'a hash of no bytes': opening(() => padded(digestInfo(Buffer.alloc(0)))),
    'an algorithm without NULL': opening((input) => padded(tlv(0x30, tlv(0x30, SHA256), tlv(0x04, hash(input))))),
    'an algorithm with NULL that is not empty': opening((input) =>
      padded(tlv(0x30, tlv(0x30, SHA256, Buffer.of(5, 1, 0)), tlv(0x04, hash(input)))),
    ),
    'an algorithm with garbage as its parameters': opening((input) =>
      padded(tlv(0x30, tlv(0x30, SHA256, tlv(0x04, Buffer.alloc(100, 0x55))), tlv(0x04, hash(input)))),
    ),
    'lengths of another form': opening((input) => {
      const body = Buffer.concat([tlv(0x30, SHA256, Buffer.of(5, 0)), tlv(0x04, hash(input))])
      return padded(Buffer.concat([Buffer.of(0x30, 0x81, body.length), body]))
    }),
    'an indefinite length': opening((input) =>
      padded(
        Buffer.concat([
          Buffer.of(0x30, 0x80),
          tlv(0x30, SHA256, Buffer.of(5, 0)),
          tlv(0x04, hash(input)),
          Buffer.of(0, 0),
        ]),
      ),
    ),
    'a byte after the hash, inside': opening((input) =>
      padded(tlv(0x30, tlv(0x30, SHA256, Buffer.of(5, 0)), tlv(0x04, hash(input)), Buffer.of(0))),
    ),
    'a byte after the hash, outside': opening((input) =>
      padded(Buffer.concat([digestInfo(hash(input)), Buffer.of(0)])),
    ),
    'a shorter padding, and zeros after the hash (Bleichenbacher)': opening((input) =>
      Buffer.concat([start(8), digestInfo(hash(input)), Buffer.alloc(SIZE - 11 - 51)]),
    ),
    'a shorter padding, and garbage after the hash (Bleichenbacher)': opening((input) =>
      Buffer.concat([start(8), digestInfo(hash(input)), randomBytes(SIZE - 11 - 51)]),
    ),
    'no padding, and garbage after the hash': opening((input) =>
      Buffer.concat([start(0), digestInfo(hash(input)), randomBytes(SIZE - 3 - 51)]),
    ),
    'garbage between the padding and the hash': opening((input) =>
      Buffer.concat([start(8), randomBytes(SIZE - 11 - 51), digestInfo(hash(input))]),
    ),
    'a padding that is one byte short, with a zero after it': opening((input) => {
      const message = padded(digestInfo(hash(input)))
      message[SIZE - 53] = 0
      return message
    }),
    'a padding with another byte in it': opening((input) => withBit(padded(digestInfo(hash(input))), 100, 0x01)),
    'a padding of zeros': opening((input) =>
      Buffer.concat([Buffer.of(0, 1), Buffer.alloc(SIZE - 54), Buffer.of(0), digestInfo(hash(input))]),
    ),
    'a padding that begins with 0': opening((input) => withByte(padded(digestInfo(hash(input))), 1, 0)),
    'a padding of encryption': opening((input) => withByte(padded(digestInfo(hash(input))), 1, 2)),
    'a padding that does not end': opening((input) => withByte(padded(digestInfo(hash(input))), SIZE - 52, 0xff)),
    'no zero before the padding': opening((input) =>
      Buffer.concat([padded(digestInfo(hash(input))).subarray(1), Buffer.of(0)]),
    ),
  })

  it('of RS256 are refused: without the leading zero that they happen to have, 255 bytes', async () => {
    const token = mintUntil(mint('RS256'), (signature) => signature[0] === 0)
    expect(await codeOf(verifier, token)).to.equal('accepted')
    const [header, payload, signature = ''] = token.split('.')
    const short = encode(Buffer.from(signature, 'base64url').subarray(1))
    expect(await codeOf(verifier, `${header}.${payload}.${short}`)).to.equal('signature_invalid')
  })

  it('of RS256 are refused: n more, where that fits into 256 bytes', async () => {
    const n = modulusOf(keys.RS256)
    const token = mintUntil(mint('RS256'), (signature) => bigEndianIn(signature) + n < 2n ** 2048n)
    const [header, payload, signature = ''] = token.split('.')
    const more = encode(bigEndian(bigEndianIn(Buffer.from(signature, 'base64url')) + n, SIZE))
    expect(await codeOf(verifier, `${header}.${payload}.${more}`)).to.equal('signature_invalid')
  })

  it('of RS256 are refused: a cube root, made without the private key where e is 3 (Bleichenbacher)', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
    const key = handKey('RS256', 'e is 3', privateKey)
    const lone = await createHandIssuer({ keys: [entryOf(key)] })
    const other = lone.createVerifier()
    await other.ready()
    expect(await codeOf(other, mintToken(lone.mint(key)))).to.equal('accepted')

    const forge: Forge = (input) => {
      const wanted = Buffer.concat([start(8), digestInfo(hash(input))])
      const least = bigEndianIn(Buffer.concat([wanted, Buffer.alloc(SIZE - wanted.length)]))
      const signature = bigEndian(cubeRoot(least) + 1n, SIZE)
      // That it would fool who does not look to the end.
      const opened = publicDecrypt({ key: key.publicKey, padding: constants.RSA_NO_PADDING }, signature)
      expect(opened.subarray(0, wanted.length)).to.deep.equal(wanted)
      return signature
    }
    const token = mintToken(lone.mint(key), { sign: (input) => forge(input, key) })
    expect(await codeOf(other, token)).to.equal('signature_invalid')
    other.close()
  })

  // ---- other spellings of a good one

  describe('that can be spelled in more than one way', () => {
    /** Of ES256, whoever has (r, s) has (r, n − s); no standard forbids it (FIPS 186-5 section 6.4.2). */
    const negated = (token: string): string => {
      const [header, payload, signature = ''] = token.split('.')
      const [r, s] = numbersIn(Buffer.from(signature, 'base64url'))
      return `${header}.${payload}.${encode(Buffer.concat([bigEndian(r), bigEndian(N - s)]))}`
    }

    /** The last character has four bits that stand for nothing (RFC 4648 section 3.5). */
    const respelled = (token: string): string[] => {
      const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const last = letters.indexOf(token.slice(-1))
      return Array.from({ length: 15 }, (_, index) => token.slice(0, -1) + letters.charAt(last + index + 1))
    }

    const spellings: [what: string, alg: Algorithm, of: (token: string) => string[]][] = [
      ['(r, n − s) in place of (r, s)', 'ES256', (token) => [negated(token)]],
      ...ALGORITHMS.map((alg): [string, Algorithm, (token: string) => string[]] => [
        `other last bits of the base64url of ${alg}`,
        alg,
        respelled,
      ]),
    ]

    // The same person's same token, so nothing is won with it: it ends when the token ends, as it does.
    for (const [what, alg, of] of spellings) {
      it(`are good in each, and end with the session in each: ${what}`, async () => {
        const sid = `session of ${what}`
        const token = mintToken(mint(alg), { payload: { sid } })
        const others = of(token)
        expect(new Set([token, ...others])).to.have.property('size', others.length + 1)
        const claims = await verifier.verify(token)
        for (const other of others) {
          if (alg !== 'ES256' || others.length > 1)
            expect(Buffer.from(other.slice(-10), 'base64url')).to.deep.equal(Buffer.from(token.slice(-10), 'base64url'))
          expect(await verifier.verify(other)).to.deep.equal(claims)
        }

        issuer.revoke(sid)
        await issuer.clock.advance(0)
        for (const each of [token, ...others]) expect(await codeOf(verifier, each)).to.equal('token_revoked')
        // Whether it was seen before or not.
        const late = mintToken(mint(alg), { payload: { sid } })
        for (const each of [...of(late), late]) expect(await codeOf(verifier, each)).to.equal('token_revoked')
      })
    }

    it('are of no use where header or payload are spelled in another way: that is what is signed', async () => {
      for (const alg of ALGORITHMS) {
        let token = mintToken(mint(alg), { header: { pad: '' } })
        for (let pad = 0; token.indexOf('.') % 4 !== 2; pad += 1)
          token = mintToken(mint(alg), { header: { pad: ' '.repeat(pad) } })
        const dot = token.indexOf('.')
        const other = respelled(token.slice(0, dot))
        for (const each of other.slice(0, 3)) {
          expect(await codeOf(verifier, each + token.slice(dot))).to.equal('signature_invalid')
        }
      }
    })
  })

  // ---- keys

  describe('are not checked with a key', () => {
    /** Another key beside a good one; as it may stand in the JWKS, and what is signed with it. */
    interface OddKey {
      readonly entry: unknown
      readonly token: (mint: (key: HandKey) => Mint) => string
    }

    const odd =
      (alg: Algorithm, change: (entry: Entry, key: HandKey) => unknown, make = makeHandKey) =>
      (): OddKey => {
        const key = make(alg, 'odd')
        return { entry: change(entryOf(key), key), token: (mintWith) => mintToken(mintWith(key)) }
      }

    const rsa =
      (modulusLength: number, publicExponent = 65537) =>
      (alg: Algorithm, kid = 'odd') =>
        handKey(alg, kid, generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey)
    const elliptic =
      (namedCurve: string) =>
      (alg: Algorithm, kid = 'odd') =>
        handKey(alg, kid, generateKeyPairSync('ec', { namedCurve }).privateKey)
    const edwards = (alg: Algorithm, kid = 'odd') => handKey(alg, kid, generateKeyPairSync('ed448').privateKey)
    const same = (entry: Entry): Entry => entry
    const flipped = (text: unknown): string => encode(withBit(Buffer.from(String(text), 'base64url'), -1, 0x01))

    const oddKeys: Record<string, () => OddKey> = {
      'of RSA with 1,024 bits': odd('RS256', same, rsa(1024)),
      'of RSA with 2,040 bits': odd('RS256', same, rsa(2040)),
      // Its signature is the padded hash itself: nobody needs a key for that.
      'of RSA with an exponent of 1': () => {
        const key = makeHandKey('RS256', 'odd')
        return {
          entry: { ...entryOf(key), e: 'AQ' },
          token: (mintWith) => mintToken(mintWith(key), { sign: (input) => padded(digestInfo(hash(input))) }),
        }
      },
      'of RSA with an exponent of 1, spelled longer': () => {
        const key = makeHandKey('RS256', 'odd')
        return {
          entry: { ...entryOf(key), e: 'AAAB' },
          token: (mintWith) => mintToken(mintWith(key), { sign: (input) => padded(digestInfo(hash(input))) }),
        }
      },
      'of RSA without an exponent': odd('RS256', (entry) => ({ ...entry, e: undefined })),
      'of RSA with an empty modulus': odd('RS256', (entry) => ({ ...entry, n: '' })),
      'of RSA whose modulus is a number': odd('RS256', (entry) => ({ ...entry, n: 65537 })),
      'of RSA for PS256': odd('RS256', (entry) => ({ ...entry, alg: 'PS256' })),
      'of RSA for RS512': odd('RS256', (entry) => ({ ...entry, alg: 'RS512' })),
      'of RSA for encryption': odd('RS256', (entry) => ({ ...entry, alg: 'RSA-OAEP', use: 'enc' })),
      'of P-384': odd('ES256', same, elliptic('P-384')),
      'of P-384 that says it is P-256': odd('ES256', (entry) => ({ ...entry, crv: 'P-256' }), elliptic('P-384')),
      'of P-384 that says nothing of its algorithm': odd(
        'ES256',
        (entry) => ({ ...entry, alg: undefined }),
        elliptic('P-384'),
      ),
      'of P-521': odd('ES256', same, elliptic('P-521')),
      'of secp256k1': odd('ES256', same, elliptic('secp256k1')),
      'of secp256k1 that says it is P-256': odd(
        'ES256',
        (entry) => ({ ...entry, crv: 'P-256' }),
        elliptic('secp256k1'),
      ),
      'whose y is not on the curve': odd('ES256', (entry) => ({ ...entry, y: flipped(entry['y']) })),
      'whose x is not on the curve': odd('ES256', (entry) => ({ ...entry, x: flipped(entry['x']) })),
      'that is the origin': odd('ES256', (entry) => ({
        ...entry,
        x: encode(Buffer.alloc(32)),
        y: encode(Buffer.alloc(32)),
      })),
      'whose x is not reduced': odd('ES256', (entry) => ({ ...entry, x: encode(Buffer.alloc(32, 0xff)) })),
      'whose x is cut short': odd('ES256', (entry) => ({ ...entry, x: String(entry['x']).slice(0, -4) })),
      'without y': odd('ES256', (entry) => ({ ...entry, y: undefined })),
      'without a curve': odd('ES256', (entry) => ({ ...entry, crv: undefined })),
      'with an array for a curve': odd('ES256', (entry) => ({ ...entry, crv: ['P-256'] })),
      'of Ed448': odd('EdDSA', same, edwards),
      'of Ed448 that says it is Ed25519': odd('EdDSA', (entry) => ({ ...entry, crv: 'Ed25519' }), edwards),
      'of Ed25519 that is cut short': odd('EdDSA', (entry) => ({ ...entry, x: String(entry['x']).slice(0, -4) })),
      'of Ed25519 that says it is X25519': odd('EdDSA', (entry) => ({ ...entry, crv: 'X25519' })),
      // The private half of these is everybody's: what they sign is nobody's.
      'of ES256 whose private half is published': odd('ES256', (entry, key) => ({ ...privateEntry(key), ...entry })),
      'of EdDSA whose private half is published': odd('EdDSA', (entry, key) => ({ ...privateEntry(key), ...entry })),
      'of RS256 whose private half is published': odd('RS256', (entry, key) => ({ ...privateEntry(key), ...entry })),
      'of ES256 that says it is for EdDSA': odd('ES256', (entry) => ({ ...entry, alg: 'EdDSA' })),
      'of ES256 that says it is for RS256': odd('ES256', (entry) => ({ ...entry, alg: 'RS256' })),
      'of ES256 that says it is of RSA': odd('ES256', (entry) => ({ ...entry, kty: 'RSA' })),
      'of RS256 that says it is for ES256': odd('RS256', (entry) => ({ ...entry, alg: 'ES256' })),
      'of EdDSA that says it is for ES256': odd('EdDSA', (entry) => ({ ...entry, alg: 'ES256' })),
      'that says it is for HS256': odd('ES256', (entry) => ({ ...entry, alg: 'HS256' })),
      'that says it is for none': odd('ES256', (entry) => ({ ...entry, alg: 'none' })),
      'that is for encryption': odd('ES256', (entry) => ({ ...entry, use: 'enc' })),
      'that is for something else': odd('ES256', (entry) => ({ ...entry, use: 'SIG' })),
      'that is a shared secret': odd('ES256', () => ({
        kty: 'oct',
        k: encode(randomBytes(32)),
        kid: 'odd',
        use: 'sig',
      })),
      'that is a shared secret and says it is for ES256': odd('ES256', () => ({
        kty: 'oct',
        k: encode(randomBytes(32)),
        kid: 'odd',
        alg: 'ES256',
      })),
      'of no kind': odd('ES256', (entry) => ({ ...entry, kty: undefined })),
      'whose kid is missing': odd('ES256', (entry) => ({ ...entry, kid: undefined })),
      'whose kid is in an array': odd('ES256', (entry) => ({ ...entry, kid: ['odd'] })),
      'that is not there but for its certificate': odd('ES256', (entry) => ({
        kid: entry['kid'],
        kty: 'EC',
        alg: 'ES256',
        x5c: [encode('a chain')],
        x5u: 'https://evil.example',
      })),
      'that is a text': odd('ES256', (entry) => JSON.stringify(entry)),
      'that is in an array': odd('ES256', (entry) => [entry]),
      'that is null': odd('ES256', () => null),
    }

    for (const [what, make] of Object.entries(oddKeys)) {
      it(`${what}: key_unknown, and the good one beside it goes on`, async () => {
        const { entry, token } = make()
        const good = keys.ES256
        for (const entries of [
          [entryOf(good), entry],
          [entry, entryOf(good)],
        ]) {
          const lone = await createHandIssuer({ keys: entries })
          const other = lone.createVerifier()
          await other.ready()
          expect(other.status().keys.kids).to.deep.equal([good.kid])
          expect(
            await codeOf(
              other,
              token((key) => lone.mint(key)),
            ),
          ).to.equal('key_unknown')
          expect(await codeOf(other, mintToken(lone.mint(good)))).to.equal('accepted')
          other.close()
        }
      })
    }

    it('of small order, with which everything would be signed: signature_invalid', async () => {
      const key = makeHandKey('EdDSA', 'odd')
      for (const point of smallOrder) {
        const lone = await createHandIssuer({
          keys: [entryOf(keys.ES256), { ...entryOf(key), x: encode(encodePoint(point)) }],
        })
        const other = lone.createVerifier()
        await other.ready()
        // With one of these R, one message in eight would do at most.
        for (const R of smallOrder.map(encodePoint)) {
          for (let message = 0; message < 8; message += 1) {
            const token = mintToken(lone.mint(key), { sign: () => Buffer.concat([R, bytesOf(0n)]) })
            expect(await codeOf(other, token)).to.be.oneOf(['signature_invalid', 'key_unknown'])
          }
        }
        other.close()
      }
    })
  })
})

// ---- ES256

/** The order of P-256, and the prime of its field (SP 800-186 section 3.2.1.3). */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const FIELD = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn

const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const ed448 = generateKeyPairSync('ed448').privateKey

/** A good signature, its two numbers changed. */
function ecdsa(change: (numbers: [r: bigint, s: bigint]) => [r: bigint, s: bigint]): Forge {
  return (input, key) => {
    const [r, s] = change(numbersIn(signBytes(key, input)))
    return Buffer.concat([bigEndian(r), bigEndian(s)])
  }
}

const numbersIn = (raw: Uint8Array): [r: bigint, s: bigint] => [
  bigEndianIn(raw.subarray(0, 32)),
  bigEndianIn(raw.subarray(32)),
]

/** No two signatures of ES256 are alike. */
function signUntil(key: HandKey, input: Buffer, isWanted: (raw: Buffer) => boolean): Buffer {
  let raw = signBytes(key, input)
  while (!isWanted(raw)) raw = signBytes(key, input)
  return raw
}

function der(input: Buffer, { privateKey }: HandKey): Buffer {
  return sign('sha256', input, privateKey)
}

const sequence = (r: Uint8Array, s: Uint8Array): Buffer => tlv(0x30, tlv(0x02, r), tlv(0x02, s))

/**
 * A signature is s = (h + r d) / k, for a message, of which h is the hash, and a key, which is d. So to an s that
 * is small enough belongs the key d = (s k − h) / r.
 * @param make a token of this kid, of which all but the signature counts
 */
function keyForSmallS(make: (kid: string) => string): { key: HandKey; r: bigint; s: bigint; input: string } {
  const kid = 'made for a small s'
  const input = make(kid).split('.').slice(0, 2).join('.')
  const once = createECDH('prime256v1')
  const r = bigEndianIn(once.generateKeys().subarray(1, 33)) % N
  const k = bigEndianIn(once.getPrivateKey())
  const s = bigEndianIn(randomBytes(16)) + 1n
  const h = bigEndianIn(hash(Buffer.from(input)))
  const d = modulo((s * k - h) * inverse(r, N), N)
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(bigEndian(d))
  const [x, y] = [ecdh.getPublicKey().subarray(1, 33), ecdh.getPublicKey().subarray(33)].map(encode)
  const jwk = { kty: 'EC', crv: 'P-256', x: String(x), y: String(y), d: encode(bigEndian(d)) }
  return { key: handKey('ES256', kid, createPrivateKey({ key: jwk, format: 'jwk' })), r, s, input }
}

// ---- EdDSA

/** A good signature, its two halves changed. */
function eddsa(change: (R: Buffer, S: Buffer) => [R: Uint8Array, S: Uint8Array]): Forge {
  return (input, key) => {
    const signature = signBytes(key, input)
    return Buffer.concat(change(signature.subarray(0, 32), signature.subarray(32)))
  }
}

const publicBytes = ({ publicKey }: HandKey): Buffer =>
  Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url')

// ---- RS256

/** Bytes of the modulus. */
const SIZE = 256
/** Object identifiers, in DER. */
const SHA256 = Buffer.from('0609608648016503040201', 'hex')
const SHA512 = Buffer.from('0609608648016503040203', 'hex')
const SHA1 = Buffer.from('06052b0e03021a', 'hex')

const hash = (input: Uint8Array, name = 'sha256'): Buffer => createHash(name).update(input).digest()

/** RFC 8017 section 9.2: 00 01 ff … ff 00, and what it is about. */
function padded(content: Uint8Array): Buffer {
  return Buffer.concat([start(SIZE - 3 - content.length), content])
}

const start = (padding: number): Buffer => Buffer.concat([Buffer.of(0, 1), Buffer.alloc(padding, 0xff), Buffer.of(0)])

const digestInfo = (digest: Uint8Array, algorithm = SHA256): Buffer =>
  tlv(0x30, tlv(0x30, algorithm, Buffer.of(5, 0)), tlv(0x04, digest))

/** DER: a tag, a length, a value. */
function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  const value = Buffer.concat(parts)
  return Buffer.concat([value.length < 128 ? Buffer.of(tag, value.length) : Buffer.of(tag, 0x81, value.length), value])
}

/** With the private key, whatever the message is. */
const raw = (message: Buffer, { privateKey }: { privateKey: KeyObject }): Buffer =>
  privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, message)

/** Whatever is to be found when the signature is opened. */
function opening(message: (input: Buffer) => Buffer): Forge {
  return (input, key) => raw(message(input), key)
}

const modulusOf = ({ publicKey }: HandKey): bigint =>
  bigEndianIn(Buffer.from(String(publicKey.export({ format: 'jwk' }).n), 'base64url'))

/** Signatures of RS256 are always the same: it takes other tokens. */
function mintUntil(mint: Mint, isWanted: (signature: Buffer) => boolean): string {
  for (;;) {
    const token = mintToken(mint)
    if (isWanted(Buffer.from(String(token.split('.')[2]), 'base64url'))) return token
  }
}

/** Rounded down. */
function cubeRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 3))
  for (;;) {
    const next = (2n * root + value / (root * root)) / 3n
    if (next >= root) return root
    root = next
  }
}

// ---- bytes

const bigEndianIn = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

const bigEndian = (number: bigint, length = 32): Buffer =>
  Buffer.from(number.toString(16).padStart(2 * length, '0'), 'hex')

function withBit(bytes: Uint8Array, at: number, bit: number): Buffer {
  const index = at < 0 ? bytes.length + at : at
  return withByte(bytes, index, Number(bytes[index]) ^ bit)
}

function withByte(bytes: Uint8Array, index: number, byte: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[index] = byte
  return changed
}

const privateEntry = ({ privateKey }: HandKey): Entry => ({ ...privateKey.export({ format: 'jwk' }) })
