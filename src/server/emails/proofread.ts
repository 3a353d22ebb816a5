/** Tries every mail before one is needed: a template that fails should stop the start, not the mail. */
import type { Mail, MailDetails, MailPurpose } from './mail.ts'

/** @throws what the first template throws that cannot be rendered */
export function proofread(render: (mail: Mail) => unknown, languages: readonly string[]): void {
  for (const locale of [null, ...languages]) {
    for (const purpose of Object.keys(PURPOSES) as MailPurpose[]) {
      const mail = { id: '', to: 'ada@example.com', purpose, locale }
      render({ ...mail, link: null, details: {} })
      render({ ...mail, link: 'https://example.com/', details: { ...DETAILS, subtype: 'late_predecessor' } })
      render({ ...mail, link: 'https://example.com/', details: { ...DETAILS, subtype: 'old_token' } })
      render({ ...mail, link: 'https://example.com/', details: { ...DETAILS, subtype: 'step-up', rule: 'network' } })
      render({ ...mail, link: 'https://example.com/', details: { ...DETAILS, subtype: 'revoke', rule: 'country' } })
    }
  }
}

/** A record, so that the compiler misses the purpose that is missing. */
const PURPOSES: Readonly<Record<MailPurpose, null>> = {
  confirm: null,
  account_exists: null,
  magic_link: null,
  reset_password: null,
  change_email: null,
  email_in_use: null,
  email_changed: null,
  password_changed: null,
  new_device: null,
  token_reuse: null,
  device_changed: null,
  api_key_created: null,
  account_deleted: null,
}

const DETAILS: MailDetails = {
  lifetime: 600,
  device: 'Firefox on Linux',
  ip: '192.0.2.1',
  place: 'Lisbon, Portugal',
  at: '2026-01-01T00:00:00Z',
  newAddress: 'grace@example.com',
  name: 'backup',
}
