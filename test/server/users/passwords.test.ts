import { argon2Sync } from 'node:crypto'
import { hash as argon2Hash, parseOptions, verify as argon2Verify } from '@node-rs/argon2'
import { expect } from 'chai'
import { Unavailable } from '../../../src/server/errors.ts'
import { createPasswords } from '../../../src/server/users/passwords.ts'
import type { Argon2 } from '../../../src/server/users/passwords.ts'

const CHEAP = { memoryCost: 64, timeCost: 2, parallelism: 1 }
const PASSWORD = 'correct horse battery'
const NOTHING = { matches: false, needsRehash: false }

/** Computes for real, and notes every hash that was compared with. */
const createWitness = () => {
  const compared: string[] = []
  const argon2: Argon2 = {
    hash: argon2Hash,
    verify(hashed, password) {
      compared.push(String(hashed))
      return argon2Verify(hashed, password)
    },
  }
  return { argon2, compared }
}

/** Computes nothing until the test lets it. */
const createHeldArgon2 = () => {
  const held: PromiseWithResolvers<void>[] = []
  const hold = () => {
    const one = Promise.withResolvers<void>()
    held.push(one)
    return one.promise
  }
  const argon2: Argon2 = { hash: () => hold().then(() => 'hash'), verify: () => hold().then(() => true) }
  return { argon2, held }
}

const refusalOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('passwords', () => {
  describe('hash', () => {
    it('makes a PHC string of argon2id with 19 MiB, two passes and one lane', async () => {
      const phc = await createPasswords().hash(PASSWORD)
      expect(phc).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    })

    it('makes what another implementation of argon2id makes with that salt', async () => {
      const [salt = '', tag] = (await createPasswords().hash(PASSWORD)).split('$').slice(-2)
      const expected = argon2Sync('argon2id', {
        message: PASSWORD,
        nonce: Buffer.from(salt, 'base64'),
        memory: 19_456,
        passes: 2,
        parallelism: 1,
        tagLength: 32,
      })
      expect(Buffer.from(tag ?? '', 'base64').equals(expected)).to.equal(true)
    })

    it('salts: two users with one password have different hashes', async () => {
      const passwords = createPasswords({ parameters: CHEAP })
      expect(await passwords.hash(PASSWORD)).to.not.equal(await passwords.hash(PASSWORD))
    })

    it('never hashes what no check can have passed', async () => {
      const passwords = createPasswords({ parameters: CHEAP })
      expect(await refusalOf(passwords.hash('x'.repeat(1025)))).to.be.instanceOf(RangeError)
      expect(await refusalOf(passwords.hash('lone \ud800 surrogate'))).to.be.instanceOf(RangeError)
    })
  })

  describe('verify', () => {
    const passwords = createPasswords({ parameters: CHEAP })

    it('knows the right password', async () => {
      const phc = await passwords.hash(PASSWORD)
      expect(await passwords.verify(PASSWORD, phc)).to.deep.equal({ matches: true, needsRehash: false })
    })

    it('takes the whole password as it is: nothing is cut, trimmed or folded', async () => {
      const long = 'a correct horse, '.repeat(7) + 'and nine'
      const phc = await passwords.hash(long)
      expect((await passwords.verify(long, phc)).matches).to.equal(true)
      for (const near of [long.slice(0, -1), long.slice(0, 72), `${long} `, ` ${long}`, long.toUpperCase(), '']) {
        expect(await passwords.verify(near, phc), near).to.deep.equal(NOTHING)
      }
    })

    it('takes a composed and a decomposed letter for the same', async () => {
      const phc = await passwords.hash('caf\u00e9 cr\u00e8me')
      expect((await passwords.verify('cafe\u0301 cre\u0300me', phc)).matches).to.equal(true)
      expect((await passwords.verify('cafe creme', phc)).matches).to.equal(false)
    })

    it('does not take a lone surrogate for the replacement character', async () => {
      const phc = await passwords.hash('correct \ufffd horse')
      expect(await passwords.verify('correct \ud800 horse', phc)).to.deep.equal(NOTHING)
    })

    it('answers an over-long password without any work, whoever it is for', async () => {
      const { argon2, compared } = createWitness()
      const witnessed = createPasswords({ parameters: CHEAP, argon2 })
      const phc = await witnessed.hash(PASSWORD)
      expect(await witnessed.verify('x'.repeat(1_000_000), phc)).to.deep.equal(NOTHING)
      expect(await witnessed.verify('x'.repeat(1_000_000), null)).to.deep.equal(NOTHING)
      expect(compared).to.deep.equal([])
    })
  })

  describe('verify where there is nothing to compare with', () => {
    it('does the work of the current parameters all the same, against one dummy, and answers no', async () => {
      const { argon2, compared } = createWitness()
      const passwords = createPasswords({ argon2 })
      expect(await passwords.verify(PASSWORD, null)).to.deep.equal(NOTHING)
      expect(await passwords.verify('', null)).to.deep.equal(NOTHING)

      expect(compared).to.have.length(2)
      expect(compared[0]).to.equal(compared[1])
      expect(parseOptions(compared[0] ?? '')).to.deep.equal(parseOptions(await passwords.hash(PASSWORD)))
    })

    it('answers no even if the dummy should match', async () => {
      const argon2: Argon2 = { hash: argon2Hash, verify: async () => true }
      expect(await createPasswords({ argon2 }).verify(PASSWORD, null)).to.deep.equal(NOTHING)
    })

    it('takes a place among the running hashes like any other', async () => {
      const { argon2, held } = createHeldArgon2()
      const passwords = createPasswords({ parallel: 1, queue: 0, argon2 })
      const unknown = passwords.verify(PASSWORD, null)
      expect(await refusalOf(passwords.verify(PASSWORD, null))).to.be.instanceOf(Unavailable)
      held[0]?.resolve()
      expect(await unknown).to.deep.equal(NOTHING)
    })
  })

  describe('verify against a hash of other parameters', () => {
    const makeHash = (parameters: typeof CHEAP) => createPasswords({ parameters }).hash(PASSWORD)
    const current = createPasswords({ parameters: CHEAP })

    for (const [what, weaker] of Object.entries({
      memory: { ...CHEAP, memoryCost: 32 },
      time: { ...CHEAP, timeCost: 1 },
    })) {
      it(`asks for a new hash when the stored one took less ${what}`, async () => {
        expect(await current.verify(PASSWORD, await makeHash(weaker))).to.deep.equal({
          matches: true,
          needsRehash: true,
        })
      })
    }

    for (const [what, weaker] of Object.entries({
      'has a shorter tag': { outputLen: 16 },
      'has a shorter salt': { salt: Buffer.alloc(8) },
      'is of an older version of argon2': { version: 0 },
    })) {
      it(`asks for a new hash when the stored one ${what}`, async () => {
        const phc = await argon2Hash(PASSWORD, { ...CHEAP, ...weaker })
        expect(await current.verify(PASSWORD, phc)).to.deep.equal({ matches: true, needsRehash: true })
      })
    }

    it('asks for a new hash when the stored one took fewer lanes', async () => {
      const phc = await makeHash(CHEAP)
      const wider = createPasswords({ parameters: { ...CHEAP, parallelism: 2 } })
      expect(await wider.verify(PASSWORD, phc)).to.deep.equal({ matches: true, needsRehash: true })
    })

    it('leaves a stronger one alone', async () => {
      const stronger = await makeHash({ memoryCost: 128, timeCost: 3, parallelism: 2 })
      expect(await current.verify(PASSWORD, stronger)).to.deep.equal({ matches: true, needsRehash: false })
    })

    it('asks for none after a wrong password', async () => {
      const weaker = await makeHash({ ...CHEAP, timeCost: 1 })
      expect(await current.verify('wrong horse battery', weaker)).to.deep.equal(NOTHING)
    })
  })

  describe('verify against what it must not compute', () => {
    const SALT_AND_TAG = `${'A'.repeat(22)}$${'A'.repeat(43)}`
    const UNBEARABLE = {
      'more than 128 MiB': `$argon2id$v=19$m=131073,t=2,p=1$${SALT_AND_TAG}`,
      '8 GiB': `$argon2id$v=19$m=8388608,t=2,p=1$${SALT_AND_TAG}`,
      'more than 10 passes': `$argon2id$v=19$m=64,t=11,p=1$${SALT_AND_TAG}`,
      'more than 4 lanes': `$argon2id$v=19$m=64,t=2,p=5$${SALT_AND_TAG}`,
      'a number out of range': `$argon2id$v=19$m=99999999999,t=2,p=1$${SALT_AND_TAG}`,
      '8 GiB of argon2i': `$argon2i$v=19$m=8388608,t=2,p=1$${SALT_AND_TAG}`,
      'bcrypt of an unbearable cost': '$2b$15$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS',
      'bcrypt of a faulty implementation': '$2x$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS',
      'ten million iterations': `$pbkdf2-sha256$10000000$AAECAwQFBgcICQoLDA0ODw$${'A'.repeat(43)}`,
      'no iterations': `$pbkdf2-sha256$0$AAECAwQFBgcICQoLDA0ODw$${'A'.repeat(43)}`,
      'PBKDF2 of a digest that nobody knows': `$pbkdf2-md5$1000$AAECAwQFBgcICQoLDA0ODw$${'A'.repeat(43)}`,
      'a tag of a few bytes': '$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$AAAA',
      '256 MiB of scrypt': `$scrypt$ln=18,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$${'A'.repeat(43)}`,
      '9 lanes of scrypt': `$scrypt$ln=4,r=8,p=9$AAECAwQFBgcICQoLDA0ODw$${'A'.repeat(43)}`,
      'crypt of Unix':
        '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1',
      'the password itself': PASSWORD,
      'an empty string': '',
    }

    for (const [what, phc] of Object.entries(UNBEARABLE)) {
      it(`refuses ${what}, at the cost of an ordinary hash`, async () => {
        const { argon2, compared } = createWitness()
        const passwords = createPasswords({ parameters: CHEAP, argon2 })
        expect(await passwords.verify(PASSWORD, phc)).to.deep.equal(NOTHING)
        expect(compared).to.have.length(1)
        expect(compared[0])
          .to.match(/^\$argon2id\$v=19\$m=64,t=2,p=1\$/)
          .and.not.equal(phc)
      })
    }

    it('computes what is just bearable', async () => {
      const { argon2, compared } = createWitness()
      const phc = await argon2Hash(PASSWORD, { memoryCost: 131_072, timeCost: 1, parallelism: 4 })
      expect(await createPasswords({ argon2 }).verify(PASSWORD, phc)).to.have.property('matches', true)
      expect(compared).to.deep.equal([phc])
    })
  })

  describe('verify against what another system made', () => {
    const passwords = createPasswords({ parameters: CHEAP })

    // Made by Apache's htpasswd and libxcrypt (bcrypt), Python's hashlib (PBKDF2, scrypt) and Node's OpenSSL (argon2).
    const tag = (algorithm: 'argon2i' | 'argon2d') =>
      argon2Sync(algorithm, {
        message: PASSWORD,
        nonce: Buffer.alloc(16),
        memory: 64,
        passes: 2,
        parallelism: 1,
        tagLength: 32,
      })
        .toString('base64')
        .replaceAll('=', '')
    const SALT = 'AAECAwQFBgcICQoLDA0ODw'
    const MADE_ELSEWHERE = {
      'bcrypt of Apache': '$2y$04$gbBEqkbSB49dFgXwuqC0uepJc0DsVm6jys2u4DCR7AmE0cEEGF.6i',
      'bcrypt of bcrypt_elixir': '$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS',
      'PBKDF2 of passlib': `$pbkdf2-sha256$1000$${SALT}$AhaeZ02AwPxykuhhDI8XvhQN8GKvmqM.qF6qvs/98I0`,
      'PBKDF2 of passlib with SHA-1': `$pbkdf2$1000$${SALT}$yr.bZKkEnTtGf3f18VjXM5CIxT8`,
      'PBKDF2 as a PHC string': `$pbkdf2-sha256$i=1000$${SALT}$AhaeZ02AwPxykuhhDI8XvhQN8GKvmqM+qF6qvs/98I0`,
      'PBKDF2 of pbkdf2_elixir': `$pbkdf2-sha512$1000$${SALT}$ToxFUi5y3fprZRW/V6CupR2uIDYfuy5rlsF9Z4E648lE68lw5lzmucru/HdPvmBJDSLroVh1Q2xCvjqd8NI/6Q`,
      'PBKDF2 of Django': 'pbkdf2_sha256$1000$seasalt123$8LLL/IKTXXEzdJJ5hUYPuyAMUebCj/rtkXlKp0V5hNo=',
      'scrypt of passlib': `$scrypt$ln=10,r=8,p=1$${SALT}$hKGWL22WtdGfIbxEPAZ06BS2bWyYKuZIKvypfAlYOWk`,
      argon2i: `$argon2i$v=19$m=64,t=2,p=1$${'A'.repeat(22)}$${tag('argon2i')}`,
      argon2d: `$argon2d$v=19$m=64,t=2,p=1$${'A'.repeat(22)}$${tag('argon2d')}`,
    }

    for (const [what, stored] of Object.entries(MADE_ELSEWHERE)) {
      it(`knows the right password by ${what}, and asks for a hash of today's`, async () => {
        expect(passwords.isComparable(stored)).to.equal(true)
        expect(await passwords.verify(PASSWORD, stored)).to.deep.equal({ matches: true, needsRehash: true })
        expect(await passwords.verify(`${PASSWORD} `, stored)).to.deep.equal(NOTHING)
        expect(await passwords.verify('', stored)).to.deep.equal(NOTHING)
      })
    }

    it('takes the password as it was typed there, where another system normalised nothing', async () => {
      const stored = `$pbkdf2-sha256$i=1000$${SALT}$1We0O4MfZaBX8PCrCBhxRfYJsg0Ehs+Wk81iMwCM4Qs`
      expect((await passwords.verify('cafe\u0301 cre\u0300me', stored)).matches).to.equal(true)
      expect((await passwords.verify('caf\u00e9 cr\u00e8me', stored)).matches).to.equal(false)
    })

    it('keeps a bcrypt hash of more than 72 bytes, since what follows them is not known to be right', async () => {
      const stored = '$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i'
      expect(await passwords.verify('x'.repeat(80), stored)).to.deep.equal({ matches: true, needsRehash: false })
      expect(await passwords.verify('x'.repeat(72), stored)).to.deep.equal({ matches: true, needsRehash: true })
      expect(await passwords.verify('x'.repeat(71), stored)).to.deep.equal(NOTHING)
    })

    it('says of what it cannot compare that it cannot', () => {
      for (const stored of ['', PASSWORD, '$1$abc$def', '$2b$04$short']) {
        expect(passwords.isComparable(stored), stored).to.equal(false)
      }
    })
  })

  describe('under load', () => {
    it('computes at most as many at once as it may, queues some, and refuses the rest', async () => {
      const { argon2, held } = createHeldArgon2()
      const passwords = createPasswords({ parallel: 2, queue: 1, argon2 })
      const served = [passwords.hash(PASSWORD), passwords.verify(PASSWORD, null), passwords.hash(PASSWORD)]
      const refusals = await Promise.all([
        refusalOf(passwords.hash(PASSWORD)),
        refusalOf(passwords.verify(PASSWORD, null)),
      ])
      for (const refusal of refusals)
        expect(refusal).to.be.instanceOf(Unavailable).with.property('retryAfter').within(2, 4)
      expect(held).to.have.length(2)

      held[0]?.resolve()
      await served[0]
      await new Promise(setImmediate)
      expect(held).to.have.length(3)
      for (const one of held) one.resolve()
      await Promise.all(served)
    })

    it('holds the place until the hash has ended, although its caller has left', async () => {
      const { argon2, held } = createHeldArgon2()
      const passwords = createPasswords({ parallel: 1, queue: 0, argon2 })
      const hashing = passwords.hash(PASSWORD)
      await Promise.race([hashing, Promise.resolve('the client is gone')])
      expect(await refusalOf(passwords.hash(PASSWORD))).to.be.instanceOf(Unavailable)

      held[0]?.resolve()
      await hashing
      const next = passwords.hash(PASSWORD)
      await Promise.resolve()
      held[1]?.resolve()
      expect(await next).to.equal('hash')
    })
  })
})
