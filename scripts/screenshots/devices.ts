/** Ada's devices, as they might be. */
import type { RevocationReason } from '../../src/protocol/errors.ts'

export interface KnownDevice {
  readonly userAgent: string
  /** `Hallpass-Client`. */
  readonly app?: string
  readonly name?: string
  /** How long ago, as PostgreSQL reads it. */
  readonly began: string
  readonly used: string
  readonly location: { readonly city: string; readonly country: string } | null
  readonly ip: string
}

export interface FormerDevice extends KnownDevice {
  readonly reason: RevocationReason
  readonly by: 'user' | 'admin' | 'system'
  /** How long ago. */
  readonly ended: string
}

const LONDON = { city: 'London', country: 'GB' }

export const DEVICES: readonly KnownDevice[] = [
  {
    userAgent:
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    name: 'Desk at work',
    began: '120 days',
    used: '2 days',
    location: LONDON,
    ip: '198.51.100.20',
  },
  {
    userAgent: 'okhttp/4.12.0',
    app: '"Postcards"; version="2.3.1"; os="Android"; os-version="16"; model="Pixel 10"; type=mobile',
    began: '40 days',
    used: '3 hours',
    location: LONDON,
    ip: '198.51.100.20',
  },
  {
    userAgent:
      'Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    name: 'The family’s iPad',
    began: '35 days',
    used: '20 hours',
    location: LONDON,
    ip: '203.0.113.77',
  },
  {
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
    began: '1 hour',
    used: '12 minutes',
    location: { city: 'Oslo', country: 'NO' },
    ip: '192.0.2.140',
  },
]

export const FORMER_DEVICES: readonly FormerDevice[] = [
  {
    userAgent:
      'Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36',
    name: 'My old phone',
    began: '200 days',
    used: '26 days',
    location: LONDON,
    ip: '198.51.100.20',
    reason: 'revoked_by_user',
    by: 'user',
    ended: '25 days',
  },
  {
    userAgent:
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
    name: 'Laptop of the office with a name that somebody made rather long',
    began: '90 days',
    used: '9 days',
    location: LONDON,
    ip: '198.51.100.20',
    reason: 'token_reuse',
    by: 'system',
    ended: '8 days',
  },
  {
    userAgent:
      'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36',
    began: '6 days',
    used: '5 days',
    location: LONDON,
    ip: '203.0.113.77',
    reason: 'revoked_by_admin',
    by: 'admin',
    ended: '5 days',
  },
]
