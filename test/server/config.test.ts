import { expect } from 'chai'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigError, describeConfig, loadEnvironment, readConfig } from '../../src/server/config.ts'
import { settingKeys, settings } from '../../src/server/settings.ts'

const secret = 'q7Zk2mV9xT4bW1nR8cY5pL0sD3gH6jFaUeXoNiKtQwE='
const otherSecret = 'Vb4Kp9Xr2Lm7Tz1Qn8Wc5Hs3Jd6Gy0FfAaEeRuIoPlS='
const databaseUrl = 'postgres://hallpass:dbpassword@db.example.com:5432/hallpass'
const mail = { SMTP_URL: 'smtp://post:mailpassword@mail.example.com', HALLPASS_MAIL_FROM: 'post@example.com' }
const production = {
  DATABASE_URL: databaseUrl,
  HALLPASS_SECRET: secret,
  HALLPASS_ISSUER: 'https://auth.example.com',
  ...mail,
}

function faultsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

/** The only fault, or a failed test. */
function faultOf(environment: Record<string, string | undefined>): string {
  const faults = faultsOf(environment)
  expect(faults, 'exactly one fault').to.have.length(1)
  return faults[0]!
}

describe('configuration', () => {
  let directory: string
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'hallpass-config-'))))
  afterEach(() => rmSync(directory, { recursive: true }))

  function fileWith(text: string, name = 'value'): string {
    const file = join(directory, name)
    writeFileSync(file, text)
    return file
  }

  describe('defaults', () => {
    it('make an embedded server on localhost when nothing is set', () => {
      const { sources, ...config } = readConfig({})
      expect(config).to.deep.equal({
        port: 3000,
        host: '127.0.0.1',
        issuer: 'http://localhost:3000',
        isIssuerLocal: true,
        name: 'localhost:3000',
        theme: null,
        logo: null,
        preset: null,
        workers: 1,
        logLevel: 'info',
        rateLimits: true,
        databaseUrl: null,
        databaseDirectUrl: null,
        databasePooling: 'session',
        databaseConnections: 16,
        dataDir: resolve('.hallpass'),
        geoipDb: null,
        secret: null,
        previousSecrets: [],
        importedTokenSalt: null,
        audience: ['http://localhost:3000'],
        signingAlg: 'ES256',
        accessTtl: 300,
        refreshGrace: 30,
        refreshGroups: true,
        idleTtl: 30 * 86_400,
        absoluteTtl: 365 * 86_400,
        maxSessions: 50,
        retention: 30 * 86_400,
        eventRetention: 400 * 86_400,
        ipRetention: 90 * 86_400,
        policies: {
          rules: {
            browser: { action: 'log', isShadow: false },
            browser_downgrade: { action: 'log', isShadow: false },
            os: { action: 'log', isShadow: false },
            country: { action: 'log', isShadow: false },
            network: { action: 'log', isShadow: false },
            idle: { action: 'log', isShadow: false },
            app_version: { action: 'log', isShadow: false },
          },
          idleAfter: 14 * 86_400,
        },
        policiesShadow: false,
        unconfirmedSignIn: 'allow',
        breachedPasswordsUrl: null,
        allowedOrigins: ['http://localhost:3000', 'http://localhost:*'],
        trustedProxies: [],
        smtpUrl: null,
        mailFrom: null,
        mailTemplates: null,
        bringsDelivery: false,
        warnings: [],
      })
      expect(new Set(Object.values(sources))).to.deep.equal(new Set(['default']))
    })

    it('are more careful with DATABASE_URL', () => {
      const config = readConfig(production)
      expect(config.unconfirmedSignIn).to.equal('refuse')
      expect(config.allowedOrigins).to.deep.equal(['https://auth.example.com'])
      expect(config.audience).to.deep.equal(['https://auth.example.com'])
    })

    it('take an empty text for no text', () => {
      expect(readConfig({ PORT: '', DATABASE_URL: '', HALLPASS_SECRET: ' ', HALLPASS_ISSUER_FILE: '' }).port).to.equal(
        3000,
      )
    })

    it('are all good values themselves', () => {
      for (const key of settingKeys) {
        const { kind, default: text, strict } = settings[key]
        if (text !== undefined) expect(() => kind.parse(text), key).not.to.throw()
        if (strict !== undefined) expect(() => kind.parse(strict), key).not.to.throw()
      }
    })
  })

  describe('the configuration object', () => {
    it('is frozen deeply', () => {
      const config = readConfig(production)
      expect(config).to.be.frozen
      expect(config.allowedOrigins).to.be.frozen
      expect(config.sources).to.be.frozen
      expect(config.warnings).to.be.frozen
    })
  })

  describe('faults', () => {
    it('are reported all at once, each with the name of its setting, one per line', () => {
      const environment = {
        PORT: 'http',
        DATABASE_URL: 'mysql://db',
        HALLPASS_SECRET: 'short',
        HALLPASS_ISSUER: 'auth.example.com',
        HALLPASS_ACCESS_TTL: '300',
        HALLPASS_SIGNING_ALG: 'HS256',
        HALLPASS_TRUSTED_PROXIES: 'proxy, 10.0.0.0/8, 10.0.0.0/64',
        HALLPASS_WORKERS: '0',
        LOG_LEVEL: 'loud',
        HALLPASS_RATE_LIMIT: 'off',
      }
      expect(() => readConfig(environment)).to.throw(ConfigError, /^PORT .*\n/)
      const names = faultsOf(environment).map((fault) => fault.split(' ')[0])
      expect(names).to.have.members([
        'PORT',
        'DATABASE_URL',
        'HALLPASS_SECRET',
        'HALLPASS_ISSUER',
        'HALLPASS_ACCESS_TTL',
        'HALLPASS_SIGNING_ALG',
        'HALLPASS_TRUSTED_PROXIES',
        'HALLPASS_TRUSTED_PROXIES',
        'HALLPASS_WORKERS',
        'LOG_LEVEL',
        'HALLPASS_RATE_LIMIT',
      ])
    })

    it('say a mistake once, not again for what follows from it', () => {
      expect(faultOf({ ...production, HALLPASS_SECRET: 'short' })).to.match(/^HALLPASS_SECRET must be at least 32/)
      expect(faultOf({ ...production, DATABASE_URL: 'db', HALLPASS_WORKERS: '4' })).to.match(/^DATABASE_URL must begin/)
      expect(faultOf({ ...production, SMTP_URL: 'mail' })).to.match(/^SMTP_URL must begin/)
      expect(faultOf({ ...production, HALLPASS_MAIL_FROM: 'post' })).to.match(/^HALLPASS_MAIL_FROM must be/)
      const withoutMail = { ...production, SMTP_URL: '', HALLPASS_MAIL_FROM: '' }
      expect(faultOf({ ...withoutMail, SMTP_URL: 'mail' })).to.match(/^SMTP_URL must begin/)
      expect(faultOf({ HALLPASS_ISSUER: 'auth.example.com' })).to.match(/^HALLPASS_ISSUER must be/)
    })

    it('never repeat a secret', () => {
      const faults = faultsOf({
        DATABASE_URL: 'mysql://hallpass:hidden-1@db',
        SMTP_URL: 'http://post:hidden-2@mail',
        HALLPASS_SECRET: 'hidden-3',
        HALLPASS_SECRET_PREVIOUS: 'hidden-4,hidden-5',
        HALLPASS_ISSUER: 'https://admin:hidden-6@auth.example.com',
        HALLPASS_ALLOWED_ORIGINS: 'https://admin:hidden-7@app.example.com',
      })
      expect(faults).to.have.length(7)
      expect(faults.join('\n')).not.to.include('hidden-')
    })

    it('cannot be used to write lines of their own into the log', () => {
      expect(faultOf({ LOG_LEVEL: 'info\nPORT is fine' })).not.to.include('\n')
    })
  })

  describe('a name that begins with HALLPASS_ and is no setting', () => {
    const suggestions = {
      HALLPASS_ACCESS_TLT: 'HALLPASS_ACCESS_TTL',
      HALLPASS_MAX_SESSION: 'HALLPASS_MAX_SESSIONS',
      HALLPASS_TRUSTED_PROXY: 'HALLPASS_TRUSTED_PROXIES',
      HALLPASS_SECRETS_FILE: 'HALLPASS_SECRET_FILE',
      HALLPASS_DATABASE_URL: 'DATABASE_URL',
      HALLPASS_PORT: 'PORT',
      hallpass_issuer: 'HALLPASS_ISSUER',
    }
    for (const [name, meant] of Object.entries(suggestions)) {
      it(`is a fault: ${name} suggests ${meant}`, () => {
        expect(faultOf({ [name]: '1' })).to.equal(`${name} is not a setting: did you mean ${meant}?`)
      })
    }

    it('suggests nothing where nothing is near', () => {
      for (const name of ['HALLPASS_FLUX_CAPACITOR', 'HALLPASS_HOME', 'HALLPASS_X', 'HALLPASS_']) {
        expect(faultOf({ [name]: '1' }), name).to.match(/is not a setting: remove it/)
      }
    })

    it('is no fault when Kubernetes made it for a service called hallpass', () => {
      const links = {
        HALLPASS_SERVICE_HOST: '10.0.0.1',
        HALLPASS_SERVICE_PORT: '3000',
        HALLPASS_SERVICE_PORT_HTTP: '3000',
        HALLPASS_PORT: 'tcp://10.0.0.1:3000',
        HALLPASS_PORT_3000_TCP: 'tcp://10.0.0.1:3000',
        HALLPASS_PORT_3000_TCP_ADDR: '10.0.0.1',
        HALLPASS_DB_SERVICE_HOST: '10.0.0.2',
      }
      expect(faultsOf(links)).to.deep.equal([])
    })

    it('is no matter of names without the prefix', () => {
      expect(faultsOf({ PATH: '/bin', HALL: 'x', PASSWORD_FILE: '/none' })).to.deep.equal([])
    })
  })

  describe('<NAME>_FILE', () => {
    it('gives the value of any setting, a line break at the end dropped', () => {
      expect(readConfig({ HALLPASS_SECRET_FILE: fileWith(`${secret}\n`) }).secret).to.equal(secret)
      expect(readConfig({ HALLPASS_SECRET_FILE: fileWith(`${secret}\r\n`) }).secret).to.equal(secret)
      for (const key of settingKeys) {
        const name = `${settings[key].name}_FILE`
        expect(faultOf({ [name]: join(directory, 'missing') }), name).to.include('cannot be read')
      }
    })

    it('is remembered as the source', () => {
      const file = fileWith('4000')
      expect(readConfig({ PORT_FILE: file }).sources.port).to.equal(`file ${file}`)
    })

    it('is a fault together with the setting itself', () => {
      const fault = faultOf({ HALLPASS_SECRET: secret, HALLPASS_SECRET_FILE: fileWith(otherSecret) })
      expect(fault).to.equal('HALLPASS_SECRET and HALLPASS_SECRET_FILE are both set: remove one of them')
    })

    it('is a fault that names the path when the file cannot be read', () => {
      const missing = join(directory, 'missing')
      expect(faultOf({ HALLPASS_SECRET_FILE: missing }))
        .to.include(missing)
        .and.include('ENOENT')
      expect(faultOf({ HALLPASS_SECRET_FILE: directory }))
        .to.include(directory)
        .and.include('EISDIR')
      expect(faultOf({ HALLPASS_SECRET_FILE: 'missing' })).to.include('"missing"')
    })

    it('is a fault when the file is empty, because somebody meant to set something', () => {
      expect(faultOf({ HALLPASS_SECRET_FILE: fileWith('\n') })).to.include('is empty')
    })

    it('does not repeat the text when it is the secret itself', () => {
      expect(faultOf({ HALLPASS_SECRET_FILE: secret })).not.to.include(secret)
      expect(faultOf({ HALLPASS_SECRET_FILE: `/${secret}` })).not.to.include(secret)
      expect(faultOf({ HALLPASS_SECRET_PREVIOUS_FILE: `${secret},${otherSecret}` })).not.to.include(secret)
      expect(faultOf({ DATABASE_URL_FILE: databaseUrl })).not.to.include('dbpassword')
    })

    it('is checked like a value of the environment, without repeating it', () => {
      const fault = faultOf({ HALLPASS_SECRET_FILE: fileWith('too-short-to-be-good\n') })
      expect(fault).to.include('at least 32 characters').and.not.include('too-short')
    })
  })

  describe('durations', () => {
    it('are seconds, minutes, hours and days', () => {
      const config = readConfig({
        HALLPASS_ACCESS_TTL: '90s',
        HALLPASS_REFRESH_GRACE: '1m',
        HALLPASS_IDLE_TTL: '12h',
        HALLPASS_ABSOLUTE_TTL: '7d',
        HALLPASS_RETENTION: '30d',
      })
      expect(config.accessTtl).to.equal(90)
      expect(config.refreshGrace).to.equal(60)
      expect(config.idleTtl).to.equal(43_200)
      expect(config.absoluteTtl).to.equal(604_800)
      expect(config.retention).to.equal(2_592_000)
    })

    it('need their unit', () => {
      expect(faultOf({ HALLPASS_ACCESS_TTL: '300' })).to.match(
        /^HALLPASS_ACCESS_TTL has no unit: write 300s if seconds are meant/,
      )
    })

    for (const text of ['5 m', '5M', '1.5h', '-5m', '5min', '1h30m', '1w', '5ms', 'm', '1e2s', '٥m']) {
      it(`are not written as ${text}`, () => {
        expect(faultOf({ HALLPASS_ACCESS_TTL: text })).to.include('30s, 5m, 12h or 30d')
      })
    }

    it('have bounds', () => {
      expect(faultOf({ HALLPASS_ACCESS_TTL: '4s' })).to.include('must be from 5s to 1h')
      expect(faultOf({ HALLPASS_ACCESS_TTL: '61m' })).to.include('must be from 5s to 1h')
      expect(faultOf({ HALLPASS_REFRESH_GRACE: '601s' })).to.include('must be from 0s to 10m')
      expect(faultOf({ HALLPASS_ABSOLUTE_TTL: '99999d' })).to.include('must be from 1s to 3650d')
    })

    it('may be nothing at all for the grace only', () => {
      expect(readConfig({ HALLPASS_REFRESH_GRACE: '0' }).refreshGrace).to.equal(0)
      expect(readConfig({ HALLPASS_REFRESH_GRACE: '0s' }).refreshGrace).to.equal(0)
      expect(faultOf({ HALLPASS_IDLE_TTL: '0s' })).to.match(/^HALLPASS_IDLE_TTL must be from 1s/)
      expect(faultOf({ HALLPASS_IDLE_TTL: '0' })).to.match(/^HALLPASS_IDLE_TTL has no unit/)
    })
  })

  describe('lifetimes', () => {
    it('fit into each other when both are set', () => {
      expect(faultOf({ HALLPASS_ACCESS_TTL: '10m', HALLPASS_IDLE_TTL: '5m' })).to.match(
        /^HALLPASS_ACCESS_TTL must not be longer than HALLPASS_IDLE_TTL: 10m is more than 5m \(environment\)/,
      )
      expect(faultOf({ HALLPASS_IDLE_TTL: '8d', HALLPASS_ABSOLUTE_TTL: '7d' })).to.match(
        /^HALLPASS_IDLE_TTL must not be longer than HALLPASS_ABSOLUTE_TTL: 8d is more than 7d/,
      )
    })

    it('give way to a shorter one when they are not set themselves', () => {
      const week = readConfig({ HALLPASS_ABSOLUTE_TTL: '7d' })
      expect(week.idleTtl).to.equal(7 * 86_400)
      expect(week.sources.idleTtl).to.equal('default, shortened to HALLPASS_ABSOLUTE_TTL')

      const moment = readConfig({ HALLPASS_ABSOLUTE_TTL: '2s' })
      expect([moment.accessTtl, moment.idleTtl, moment.absoluteTtl]).to.deep.equal([2, 2, 2])
    })

    it('are never lengthened', () => {
      expect(faultOf({ HALLPASS_IDLE_TTL: '366d' })).to.include('366d is more than 365d (default)')
    })
  })

  describe('HALLPASS_PRESET', () => {
    it('strict shortens every lifetime and switches the grace off', () => {
      const { accessTtl, idleTtl, absoluteTtl, refreshGrace, sources } = readConfig({ HALLPASS_PRESET: 'strict' })
      expect({ accessTtl, idleTtl, absoluteTtl, refreshGrace }).to.deep.equal({
        accessTtl: 120,
        idleTtl: 3600,
        absoluteTtl: 43_200,
        refreshGrace: 0,
      })
      expect(sources.idleTtl).to.equal('preset strict')
      expect(sources.retention).to.equal('default')
    })

    it('leaves the last word to single settings', () => {
      const config = readConfig({ HALLPASS_PRESET: 'strict', HALLPASS_IDLE_TTL: '2h', HALLPASS_REFRESH_GRACE: '10s' })
      expect(config.idleTtl).to.equal(7200)
      expect(config.refreshGrace).to.equal(10)
      expect(config.absoluteTtl).to.equal(43_200)
    })

    it('says that a conflict comes from it', () => {
      expect(faultOf({ HALLPASS_PRESET: 'strict', HALLPASS_IDLE_TTL: '7d' })).to.include('12h (preset strict)')
    })

    it('knows no other word', () => {
      expect(faultOf({ HALLPASS_PRESET: 'paranoid' })).to.equal('HALLPASS_PRESET must be strict, not "paranoid"')
    })
  })

  describe('HALLPASS_SECRET', () => {
    it('is required with DATABASE_URL, and the fault says how to make one', () => {
      expect(faultOf({ ...production, HALLPASS_SECRET: '' })).to.match(
        /^HALLPASS_SECRET is required .*openssl rand -base64 32/,
      )
    })

    const good = {
      'what openssl rand -base64 32 makes': secret,
      '32 hexadecimal digits': '9f3c61ab07d2e84510bc7fe2a6935d48',
      'a passphrase of random words': 'orchid lantern gravel mosaic thunder pickle',
      'random text that happens to hold a common word': 'x9Rkey7QbT2test4WmLz0VdGh8NcJf5P',
    }
    for (const [what, text] of Object.entries(good)) {
      it(`may be ${what}`, () => expect(readConfig({ HALLPASS_SECRET: text }).secret).to.equal(text))
    }

    const weak = {
      'shorter than 32 characters': 'q7Zk2mV9xT4bW1nR8cY5pL0sD3gH6jF',
      'of few different characters': 'abcabcdaebcdabecdabcedabecdabcde',
      'one character repeated': 'a'.repeat(64),
      'a good half repeated': 'q7Zk2mV9xT4bW1nRq7Zk2mV9xT4bW1nR',
      'a word repeated': 'changeme12changeme12changeme12changeme12',
      'a request to change it': 'please-change-this-to-a-long-random-string',
      'a description of itself': 'my-super-secret-production-password-key',
      'a row of keys': '0123456789abcdefghijklmnopqrstuvwxyz',
      'something that cannot go into a list later': `${secret},`,
      'something with a space at its end': `${secret} `,
    }
    for (const [what, text] of Object.entries(weak)) {
      it(`must not be ${what}`, () => {
        const fault = faultOf({ HALLPASS_SECRET: text })
        expect(fault).to.match(/^HALLPASS_SECRET must .*openssl rand -base64 32$/)
        expect(fault).not.to.include(text)
      })
    }
  })

  describe('HALLPASS_SECRET_PREVIOUS', () => {
    it('is a comma-separated list', () => {
      const config = readConfig({ HALLPASS_SECRET_PREVIOUS: `${secret}, ${otherSecret}` })
      expect(config.previousSecrets).to.deep.equal([secret, otherSecret])
    })

    it('is held to the same strength, entry by entry', () => {
      const faults = faultsOf({ HALLPASS_SECRET_PREVIOUS: `short,${secret},${'a'.repeat(40)}` })
      expect(faults[0]).to.match(/^HALLPASS_SECRET_PREVIOUS \(entry 1\) must be at least 32 characters/)
      expect(faults[1]).to.match(/^HALLPASS_SECRET_PREVIOUS \(entry 3\) must have at least 10 different/)
    })

    it('must not contain the secret in use', () => {
      const fault = faultOf({ HALLPASS_SECRET: secret, HALLPASS_SECRET_PREVIOUS: `${otherSecret},${secret}` })
      expect(fault).to.match(/^HALLPASS_SECRET_PREVIOUS must not contain HALLPASS_SECRET/)
    })
  })

  describe('HALLPASS_ISSUER', () => {
    it('is kept exactly, but for slashes at its end', () => {
      for (const issuer of ['https://auth.example.com', 'https://example.com/auth']) {
        expect(readConfig({ ...mail, HALLPASS_ISSUER: `${issuer}/` }).issuer).to.equal(issuer)
      }
    })

    it('follows PORT when it is not set', () => {
      expect(readConfig({ PORT: '4000' }).issuer).to.equal('http://localhost:4000')
      expect(readConfig({ PORT: '80' }).issuer).to.equal('http://localhost')
    })

    const refused = {
      'auth.example.com': 'must be an absolute URL',
      '/auth': 'must be an absolute URL',
      'ftp://auth.example.com': 'must be an absolute URL',
      'https://': 'must be an absolute URL',
      'https://auth.example.com?tenant=1': 'must not contain a query',
      'https://auth.example.com/?': 'must not contain a query',
      'https://auth.example.com#top': 'must not contain a fragment',
      'https://admin:pw@auth.example.com': 'must not contain a user name or a password',
      'https://Auth.example.com': 'must be written as "https://auth.example.com"',
      'https://auth.example.com:443': 'must be written as "https://auth.example.com"',
      'https://auth.example.com/a/../b': 'must be written as "https://auth.example.com/b"',
      'https://bücher.example': 'must be written as "https://xn--bcher-kva.example"',
    }
    for (const [issuer, fault] of Object.entries(refused)) {
      it(`is not ${issuer}`, () => expect(faultOf({ HALLPASS_ISSUER: issuer })).to.include(`HALLPASS_ISSUER ${fault}`))
    }

    it('is local over plain http on localhost, 127.0.0.1 and [::1], also with DATABASE_URL', () => {
      for (const issuer of [
        'http://localhost',
        'http://localhost:3000',
        'http://127.0.0.1:8080',
        'http://[::1]:3000/auth',
      ]) {
        expect(readConfig({ ...production, HALLPASS_ISSUER: issuer }).isIssuerLocal, issuer).to.equal(true)
      }
      for (const issuer of ['https://localhost', 'https://localhost.example.com', 'https://127.0.0.1:3000']) {
        expect(readConfig({ ...production, HALLPASS_ISSUER: issuer }).isIssuerLocal, issuer).to.equal(false)
      }
    })

    it('needs https elsewhere', () => {
      for (const issuer of [
        'http://auth.example.com',
        'http://localhost.example.com',
        'http://8.8.8.8',
        'http://0.0.0.0',
      ]) {
        expect(faultOf({ ...mail, HALLPASS_ISSUER: issuer }), issuer).to.match(/^HALLPASS_ISSUER must be https/)
      }
    })

    it('may be plain http on a private network for an embedded server, with a warning', () => {
      for (const issuer of [
        'http://192.168.1.20:3000',
        'http://10.1.2.3',
        'http://[fd00::1]:3000',
        'http://nas.local',
      ]) {
        const config = readConfig({ ...mail, HALLPASS_ISSUER: issuer })
        expect(config.isIssuerLocal, issuer).to.equal(false)
        expect(config.warnings.join(), issuer).to.include('only the body transport works')
        expect(config.allowedOrigins, issuer).to.deep.equal([issuer])
      }
    })

    it('needs https on a private network with DATABASE_URL', () => {
      const fault = faultOf({ ...production, HALLPASS_ISSUER: 'http://192.168.1.20:3000' })
      expect(fault).to.equal('HALLPASS_ISSUER must be https: plain http is accepted for localhost only')
    })
  })

  describe('HALLPASS_AUDIENCE', () => {
    it('is one word or URI, or several', () => {
      expect(readConfig({ HALLPASS_AUDIENCE: 'api' }).audience).to.deep.equal(['api'])
      expect(
        readConfig({ HALLPASS_AUDIENCE: 'https://api.example.com, urn:example:billing,api,api' }).audience,
      ).to.deep.equal(['https://api.example.com', 'urn:example:billing', 'api'])
    })

    it('has neither spaces nor empty entries', () => {
      expect(faultOf({ HALLPASS_AUDIENCE: 'my api' })).to.include('(entry 1) must not contain a space')
      expect(faultOf({ HALLPASS_AUDIENCE: 'api,,web' })).to.include('(entry 2) is empty')
      expect(faultOf({ HALLPASS_AUDIENCE: ':api' })).to.include('must be a URI')
    })
  })

  describe('HALLPASS_ALLOWED_ORIGINS', () => {
    it('are added to the origin of the issuer, which is always in', () => {
      const config = readConfig({
        ...production,
        HALLPASS_ISSUER: 'https://example.com/auth',
        HALLPASS_ALLOWED_ORIGINS:
          'https://app.example.com, http://localhost:5173,https://example.com,capacitor://localhost',
      })
      expect(config.allowedOrigins).to.deep.equal([
        'https://example.com',
        'https://app.example.com',
        'http://localhost:5173',
        'capacitor://localhost',
      ])
    })

    it('replace the any-port entry of an embedded server on localhost', () => {
      const config = readConfig({ HALLPASS_ALLOWED_ORIGINS: 'http://localhost:5173' })
      expect(config.allowedOrigins).to.deep.equal(['http://localhost:3000', 'http://localhost:5173'])
    })

    it('may have * as the port of localhost', () => {
      const config = readConfig({ ...production, HALLPASS_ALLOWED_ORIGINS: 'http://localhost:*,https://localhost:*' })
      expect(config.allowedOrigins).to.include.members(['http://localhost:*', 'https://localhost:*'])
    })

    const refused = [
      '*',
      'null',
      'https://*.example.com',
      'https://app.example.com:*',
      'http://127.0.0.1:*',
      'http://localhost.evil.test:*',
      'https://app.example.com/',
      'https://app.example.com/path',
      'https://app.example.com?x',
      'https://app.example.com#x',
      'https://user@app.example.com',
      'https://APP.example.com',
      'https://app.example.com:443',
      'app.example.com',
      'localhost:5173',
      '//app.example.com',
      'file:///',
      'javascript:alert(1)',
      'capacitor://localhost/',
    ]
    for (const entry of refused) {
      it(`are not ${entry}`, () => {
        expect(faultOf({ HALLPASS_ALLOWED_ORIGINS: entry })).to.match(/^HALLPASS_ALLOWED_ORIGINS \(entry 1\) must/)
      })
    }

    it('warn about plain http beside an https issuer', () => {
      const warnings = readConfig({
        ...production,
        HALLPASS_TRUSTED_PROXIES: '10.0.0.1',
        HALLPASS_ALLOWED_ORIGINS: 'http://app.example.com,http://localhost:*,http://127.0.0.1:5173',
      }).warnings
      expect(warnings).to.have.length(1)
      expect(warnings[0]).to.include('plain http (http://app.example.com)')
    })
  })

  describe('HALLPASS_TRUSTED_PROXIES', () => {
    it('are addresses and ranges', () => {
      const ranges = ['10.0.0.0/8', '192.168.1.1', 'fd00::/8', '::1']
      expect(readConfig({ HALLPASS_TRUSTED_PROXIES: ranges.join(', ') }).trustedProxies).to.deep.equal(ranges)
    })

    for (const entry of [
      'proxy',
      '10',
      '10/8',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0/8',
      '0x7f.1',
      'fd00::/129',
      '10.0.0.1/8/8',
    ]) {
      it(`are not ${entry}`, () => {
        expect(faultOf({ HALLPASS_TRUSTED_PROXIES: entry })).to.include('must be an IP address or a range')
      })
    }

    it('warn when everybody is trusted', () => {
      expect(readConfig({ HALLPASS_TRUSTED_PROXIES: '0.0.0.0/0' }).warnings.join()).to.include('contains every address')
    })
  })

  describe('DATABASE_URL', () => {
    it('is a URL of PostgreSQL', () => {
      for (const url of [
        'postgres://db/hallpass',
        'postgresql://u:p@db:5432/hallpass',
        'postgres:///hallpass?host=/tmp',
      ]) {
        expect(readConfig({ ...production, DATABASE_URL: url }).databaseUrl).to.equal(url)
      }
    })

    it('is nothing else', () => {
      for (const url of ['mysql://db/hallpass', 'db.example.com', 'postgres:db', 'http://db']) {
        expect(faultOf({ ...production, DATABASE_URL: url }), url).to.include(
          'must begin with postgres:// or postgresql://',
        )
      }
      expect(faultOf({ ...production, DATABASE_URL: 'postgres://u:a#b@db/hallpass' })).to.include('percent-encoded')
    })
  })

  describe('mail', () => {
    const withoutMail = { ...production, SMTP_URL: '', HALLPASS_MAIL_FROM: '' }
    const needed: Record<string, Record<string, string>> = {
      'with DATABASE_URL': withoutMail,
      'with DATABASE_URL also on localhost': { ...withoutMail, HALLPASS_ISSUER: '' },
      'on the embedded store with an https issuer': { HALLPASS_ISSUER: 'https://auth.example.com' },
      'on the embedded store with https on localhost': { HALLPASS_ISSUER: 'https://localhost:3000' },
      'on the embedded store in a private network': { HALLPASS_ISSUER: 'http://192.168.1.20:3000' },
    }
    for (const [where, environment] of Object.entries(needed)) {
      it(`needs a server that takes it: ${where}`, () => {
        expect(faultOf(environment)).to.match(/^SMTP_URL is required: /)
        expect(faultsOf({ ...environment, ...mail })).to.deep.equal([])
      })
    }

    it('needs none on the embedded store with a local issuer, but may have one', () => {
      for (const issuer of ['', 'http://localhost:4000', 'http://127.0.0.1:3000', 'http://[::1]:3000']) {
        expect(readConfig({ HALLPASS_ISSUER: issuer }), issuer).to.include({ smtpUrl: null, mailFrom: null })
        expect(readConfig({ HALLPASS_ISSUER: issuer, ...mail }).smtpUrl, issuer).to.equal(mail.SMTP_URL)
      }
    })

    it('needs none where whoever embeds the service delivers it', () => {
      for (const environment of Object.values(needed)) {
        expect(readConfig(environment, { bringsDelivery: true })).to.include({ bringsDelivery: true, smtpUrl: null })
        expect(() => readConfig(environment, { bringsDelivery: false })).to.throw(ConfigError, 'SMTP_URL is required')
      }
      expect(readConfig(production, { bringsDelivery: true }).smtpUrl).to.equal(mail.SMTP_URL)
    })

    it('needs its server and its sender together, on either store, and the fault says so once', () => {
      for (const environment of [withoutMail, {}]) {
        for (const [name, text] of Object.entries(mail)) {
          const half = { ...environment, [name]: text }
          expect(faultOf(half), name).to.match(/^SMTP_URL and HALLPASS_MAIL_FROM belong together/)
          expect(() => readConfig(half, { bringsDelivery: true }), name).to.throw(ConfigError, 'belong together')
        }
      }
    })

    it('may have its templates in a directory, which is made absolute', () => {
      expect(readConfig({ HALLPASS_MAIL_TEMPLATES: 'mail/ours' }).mailTemplates).to.equal(resolve('mail/ours'))
      expect(readConfig({ HALLPASS_MAIL_TEMPLATES: directory }).mailTemplates).to.equal(directory)
    })
  })

  describe('HALLPASS_NAME', () => {
    it('is the host of the issuer where it is not set', () => {
      for (const [issuer, name] of [
        ['https://auth.example.com', 'auth.example.com'],
        ['https://example.com/auth', 'example.com'],
        ['http://127.0.0.1:8080', '127.0.0.1:8080'],
      ] as const) {
        const config = readConfig({ ...mail, HALLPASS_ISSUER: issuer })
        expect(config.name).to.equal(name)
        expect(config.sources.name).to.equal('default')
      }
      expect(readConfig({ PORT: '80' }).name).to.equal('localhost')
    })

    it('may be any words on one line', () => {
      for (const name of ['Postcards', 'Ada’s Bücher & Söhne', '明信片', 'P'.repeat(100)]) {
        expect(readConfig({ ...production, HALLPASS_NAME: name }).name).to.equal(name)
      }
      expect(faultOf({ HALLPASS_NAME: 'P'.repeat(101) })).to.match(/^HALLPASS_NAME must be at most 100 characters/)
    })
  })

  describe('HALLPASS_POLICIES', () => {
    const policiesIn = (text: string) => readConfig({ HALLPASS_POLICIES: text }).policies
    const line = (text: string): string | undefined =>
      describeConfig(readConfig({ HALLPASS_POLICIES: text })).find((each) => each.startsWith('HALLPASS_POLICIES '))

    it('names the rules that are not to be only logged', () => {
      const { rules, idleAfter } = policiesIn('browser=revoke, country=shadow:notify,idle = 20d:step-up , os=off')
      expect(rules).to.deep.include({
        browser: { action: 'revoke', isShadow: false },
        country: { action: 'notify', isShadow: true },
        idle: { action: 'step-up', isShadow: false },
        os: { action: 'off', isShadow: false },
        network: { action: 'log', isShadow: false },
      })
      expect(idleAfter).to.equal(20 * 86_400)
      expect(policiesIn('idle=shadow:12h:revoke')).to.deep.include({ idleAfter: 43_200 })
      expect(policiesIn('idle=revoke')).to.deep.include({ idleAfter: 14 * 86_400 })
    })

    it('is shown in full, as it can be written again', () => {
      const shown =
        'browser=log, browser_downgrade=log, os=log, country=log, network=shadow:revoke, idle=2d:step-up, app_version=log'
      expect(line('network=shadow:revoke, idle=2d:step-up')).to.include(shown)
      expect(line(shown)).to.include(shown)
    })

    for (const [text, fault] of [
      ['browser', /must say off, log, notify, step-up, revoke of browser, as in browser=notify/],
      ['browser=', /must say off, log/],
      ['browser=kill', /not "kill"/],
      ['browser=shadow', /must say off, log/],
      ['browser=14d:revoke', /must say off, log/],
      ['browser=revoke=log', /must say off, log/],
      ['idle=14:revoke', /\(idle\) has no unit/],
      ['idle=1s:revoke', /\(idle\) must be from 1m/],
      ['weather=log', /names no rule with "weather": there are browser, browser_downgrade, os, country/],
      ['browser=log, browser=revoke', /names browser twice/],
      ['browser=log,', /names no rule with ""/],
      ['constructor=log', /names no rule/],
    ] as const) {
      it(`is refused with "${text}"`, () => {
        expect(faultOf({ HALLPASS_POLICIES: text })).to.match(fault)
      })
    }

    it('is warned about where a rule can never trip', () => {
      const warnings = (environment: Record<string, string>) => readConfig(environment).warnings.join()
      expect(warnings({ HALLPASS_POLICIES: 'idle=30d:revoke' })).to.match(
        /idle never trips, since sessions end after 30d/,
      )
      expect(warnings({ HALLPASS_POLICIES: 'country=revoke' })).to.match(
        /country never trips without HALLPASS_GEOIP_DB/,
      )
      expect(warnings({ HALLPASS_PRESET: 'strict' })).not.to.match(/never trips/)
    })
  })

  describe('the other settings', () => {
    it('are read as what they are', () => {
      const config = readConfig({
        ...production,
        PORT: '0',
        HOST: '[::1]',
        HALLPASS_DATA_DIR: 'data',
        HALLPASS_SIGNING_ALG: 'EdDSA',
        HALLPASS_MAX_SESSIONS: '5',
        HALLPASS_UNCONFIRMED_SIGN_IN: 'allow',
        HALLPASS_GEOIP_DB: 'city.mmdb',
        HALLPASS_RATE_LIMITS: 'off',
        HALLPASS_WORKERS: 'auto',
        LOG_LEVEL: 'silent',
        HALLPASS_NAME: 'Postcards & Söhne',
        HALLPASS_THEME: 'ours.css',
        HALLPASS_LOGO: 'logo.svg',
        HALLPASS_MAIL_TEMPLATES: 'mails',
        SMTP_URL: 'smtps://post:pw@mail.example.com:465',
        HALLPASS_MAIL_FROM: 'Example <post@example.com>',
      })
      expect(config).to.include({
        port: 0,
        host: '::1',
        dataDir: resolve('data'),
        signingAlg: 'EdDSA',
        maxSessions: 5,
        unconfirmedSignIn: 'allow',
        geoipDb: resolve('city.mmdb'),
        rateLimits: false,
        workers: availableParallelism(),
        logLevel: 'silent',
        name: 'Postcards & Söhne',
        theme: resolve('ours.css'),
        logo: resolve('logo.svg'),
        mailTemplates: resolve('mails'),
        smtpUrl: 'smtps://post:pw@mail.example.com:465',
        mailFrom: 'Example <post@example.com>',
      })
    })

    it('take the URL of another service over https, and on this machine over http', () => {
      for (const [text, url] of [
        ['https://api.pwnedpasswords.com', 'https://api.pwnedpasswords.com'],
        ['https://mirror.example.com/passwords/', 'https://mirror.example.com/passwords'],
        ['http://localhost:8080/', 'http://localhost:8080'],
        ['http://[::1]:8080', 'http://[::1]:8080'],
      ] as const) {
        expect(readConfig({ HALLPASS_BREACHED_PASSWORDS_URL: text }).breachedPasswordsUrl).to.equal(url)
      }
    })

    const refused: [string, string][] = [
      ['PORT', '65536'],
      ['PORT', '-1'],
      ['PORT', '3000.5'],
      ['HOST', 'http://localhost'],
      ['HOST', 'localhost:3000'],
      ['HALLPASS_DATA_DIR', 'file:///var/lib/hallpass'],
      ['HALLPASS_SIGNING_ALG', 'none'],
      ['HALLPASS_SIGNING_ALG', 'es256'],
      ['HALLPASS_MAX_SESSIONS', '0'],
      ['HALLPASS_UNCONFIRMED_SIGN_IN', 'yes'],
      ['HALLPASS_RATE_LIMITS', 'true'],
      ['HALLPASS_BREACHED_PASSWORDS_URL', 'api.pwnedpasswords.com'],
      ['HALLPASS_BREACHED_PASSWORDS_URL', 'http://api.pwnedpasswords.com'],
      ['HALLPASS_BREACHED_PASSWORDS_URL', 'https://key:word@mirror.example.com'],
      ['HALLPASS_BREACHED_PASSWORDS_URL', 'https://mirror.example.com/?range='],
      ['HALLPASS_WORKERS', '0'],
      ['HALLPASS_WORKERS', 'all'],
      ['LOG_LEVEL', 'verbose'],
      ['SMTP_URL', 'mail.example.com:25'],
      ['HALLPASS_NAME', 'Postcards\nof Lisbon'],
      ['HALLPASS_NAME', 'Postcards\u2028of Lisbon'],
      ['HALLPASS_NAME', '<b>Postcards</b>'],
      ['HALLPASS_MAIL_FROM', 'Example'],
      ['HALLPASS_MAIL_FROM', 'post@example.com\r\nBcc: all@example.com'],
    ]
    for (const [name, text] of refused) {
      it(`refuse ${name}=${JSON.stringify(text)}`, () => {
        expect(faultOf({ [name]: text })).to.match(new RegExp(`^${name} must `))
      })
    }

    it('want a way past a pooler in transaction mode', () => {
      const pooled = { ...production, HALLPASS_DATABASE_POOLING: 'transaction' }
      expect(faultOf(pooled)).to.match(/^HALLPASS_DATABASE_DIRECT_URL is required/)
      const direct = readConfig({ ...pooled, HALLPASS_DATABASE_DIRECT_URL: databaseUrl })
      expect(direct).to.include({ databasePooling: 'transaction', databaseDirectUrl: databaseUrl })
      expect(describeConfig(direct).join('\n')).to.not.include('dbpassword')
    })

    it('keep the embedded store to one process', () => {
      expect(faultOf({ HALLPASS_WORKERS: '2' })).to.match(/^HALLPASS_WORKERS must be 1 with the embedded store/)
      expect(readConfig({ HALLPASS_WORKERS: 'auto' }).workers).to.equal(1)
      expect(readConfig({ ...production, HALLPASS_WORKERS: '2' }).workers).to.equal(2)
    })
  })

  describe('warnings', () => {
    const expected: [Record<string, string>, string][] = [
      [{ HOST: '0.0.0.0' }, 'HALLPASS_ISSUER is not set'],
      [{ ...production, HOST: '0.0.0.0', HALLPASS_ISSUER: '' }, 'HALLPASS_ISSUER is not set'],
      [{ PORT: '0' }, 'PORT is 0'],
      [production, 'HALLPASS_TRUSTED_PROXIES is not set'],
      [{ HALLPASS_DATA_DIR: 'memory://' }, 'memory://'],
      [{ HALLPASS_RATE_LIMITS: 'off' }, 'HALLPASS_RATE_LIMITS is off'],
    ]
    for (const [environment, warning] of expected) {
      const names = Object.keys(environment).filter((name) => !(name in mail))
      it(`tell about ${names.join(' and ')}: ${warning}`, () => {
        const { warnings } = readConfig(environment)
        expect(warnings).to.have.length(1)
        expect(warnings[0]).to.include(warning)
      })
    }

    it('are none for a server that is set up well', () => {
      expect(
        readConfig({ ...production, HOST: '0.0.0.0', HALLPASS_TRUSTED_PROXIES: '10.0.0.0/8' }).warnings,
      ).to.deep.equal([])
      expect(readConfig({ HOST: '::1' }).warnings).to.deep.equal([])
    })
  })

  describe('the environment', () => {
    const name = 'HALLPASS_AUDIENCE'
    afterEach(() => {
      delete process.env[name]
      delete process.env[`${name}_FILE`]
    })

    it('is the one of the process where there is no .env', () => {
      process.env[name] = 'from-the-process'
      expect(loadEnvironment(directory)).to.deep.equal({ ...process.env })
    })

    it('takes from .env what the process does not have', () => {
      fileWith(`# a comment\n${name}=from-dotenv\nHALLPASS_SECRET="with#hash"\n`, '.env')
      expect(loadEnvironment(directory)).to.include({ [name]: 'from-dotenv', HALLPASS_SECRET: 'with#hash' })
      process.env[name] = 'from-the-process'
      expect(loadEnvironment(directory)).to.include({ [name]: 'from-the-process', HALLPASS_SECRET: 'with#hash' })
    })

    it('replaces a setting of .env also by its file, and a file by the setting', () => {
      fileWith(`${name}=from-dotenv\n`, '.env')
      process.env[`${name}_FILE`] = '/run/audience'
      expect(loadEnvironment(directory))
        .to.include({ [`${name}_FILE`]: '/run/audience' })
        .and.not.have.property(name)

      fileWith(`${name}_FILE=/run/audience\n`, '.env')
      delete process.env[`${name}_FILE`]
      process.env[name] = 'from-the-process'
      expect(loadEnvironment(directory))
        .to.include({ [name]: 'from-the-process' })
        .and.not.have.property(`${name}_FILE`)
    })

    it('is a fault when .env is there and cannot be read', () => {
      mkdirSync(join(directory, '.env'))
      expect(() => loadEnvironment(directory)).to.throw(ConfigError, join(directory, '.env'))
    })
  })

  describe('the description', () => {
    it('has a line for every setting, with its value and where that came from', () => {
      const lines = describeConfig(readConfig({ ...production, HALLPASS_PRESET: 'strict', HALLPASS_IDLE_TTL: '90m' }))
      expect(lines).to.have.length(settingKeys.length)
      const line = (name: string): string => lines.find((text) => text.startsWith(`${name} `))!.replace(/ +/g, ' ')
      expect(line('PORT')).to.equal('PORT 3000 (default)')
      expect(line('HALLPASS_IDLE_TTL')).to.equal('HALLPASS_IDLE_TTL 90m (environment)')
      expect(line('HALLPASS_ABSOLUTE_TTL')).to.equal('HALLPASS_ABSOLUTE_TTL 12h (preset strict)')
      expect(line('HALLPASS_REFRESH_GRACE')).to.equal('HALLPASS_REFRESH_GRACE 0s (preset strict)')
      expect(line('HALLPASS_RATE_LIMITS')).to.equal('HALLPASS_RATE_LIMITS on (default)')
      expect(line('HALLPASS_ALLOWED_ORIGINS')).to.equal('HALLPASS_ALLOWED_ORIGINS https://auth.example.com (default)')
      expect(line('HALLPASS_TRUSTED_PROXIES')).to.equal('HALLPASS_TRUSTED_PROXIES not set (default)')
    })

    it('hides every secret', () => {
      const text = describeConfig(
        readConfig({
          ...production,
          HALLPASS_SECRET_PREVIOUS: otherSecret,
        }),
      ).join('\n')
      expect(text.match(/set, hidden/g)).to.have.length(4)
      for (const hidden of [secret, otherSecret, 'dbpassword', 'mailpassword']) expect(text).not.to.include(hidden)
    })
  })
})
