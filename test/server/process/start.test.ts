import { expect } from 'chai'
import { runCli } from '../../support/processes.ts'

const SOMEWHERE = 'postgresql://hallpass@127.0.0.1:1/hallpass'

describe('a server that cannot start', () => {
  const refused: Record<string, { environment: Record<string, string>; says: string[] }> = {
    'without a secret for a database': {
      environment: { HALLPASS_SECRET: '' },
      says: ['HALLPASS_SECRET', 'openssl rand'],
    },
    'with a weak secret': { environment: { HALLPASS_SECRET: 'changeme' }, says: ['HALLPASS_SECRET', '32 characters'] },
    'with an issuer that is not https': {
      environment: { HALLPASS_ISSUER: 'http://auth.example.com' },
      says: ['HALLPASS_ISSUER', 'https'],
    },
    'without a mail server for a database': {
      environment: { SMTP_URL: '', HALLPASS_MAIL_FROM: '' },
      says: ['SMTP_URL is required', 'mail'],
    },
    'with a mail server and no sender': {
      environment: { HALLPASS_MAIL_FROM: '' },
      says: ['SMTP_URL', 'HALLPASS_MAIL_FROM', 'belong together'],
    },
    'with several faults, named together': {
      environment: {
        HALLPASS_SECRET: 'changeme',
        HALLPASS_ISSUER: 'ftp://x',
        HALLPASS_IDLE_TTL: '30',
        HALLPASS_ACCES_TTL: '5m',
      },
      says: ['HALLPASS_SECRET', 'HALLPASS_ISSUER', 'HALLPASS_IDLE_TTL', 'did you mean HALLPASS_ACCESS_TTL'],
    },
    'while its database is away': { environment: {}, says: ['database', 'ECONNREFUSED'] },
  }
  for (const [when, { environment, says }] of Object.entries(refused)) {
    it(`says so and what to do: ${when}`, async () => {
      const { code, output } = await runCli(SOMEWHERE, ['serve'], environment)
      expect(code).to.equal(1)
      for (const words of says) expect(output).to.include(words)
      expect(output, 'no stack trace').to.not.match(/^\s+at /m)
      expect(output, 'no value of a secret').to.not.include('changeme')
    })
  }
})
