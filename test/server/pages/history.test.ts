import { expect } from 'chai'
import type { HistoryEvent } from '../../../src/server/events/history.ts'
import type { Locate } from '../../../src/server/location/location.ts'
import { toHistoryView } from '../../../src/server/pages/history.ts'
import { historyPage, historySection } from '../../../src/server/pages/history-views.ts'
import type { Visit } from '../../../src/server/pages/visit.ts'
import type { Session } from '../../../src/server/sessions/session.ts'
import { POLICY_RULES } from '../../../src/server/sessions/policy.ts'
import { EVENT_TYPES } from '../../../src/server/webhooks/event-types.ts'

const NOW = new Date('2026-11-28T14:02:31Z')
const PHONE = { id: 'p', name: 'Ada’s phone' }
const HERE = { id: 'h', name: 'Ada’s laptop' }
const VISIT: Visit = { session: { id: 'h' } as Session, now: NOW, confirmedAt: null, returnTo: null }

const anEvent = (differences: Partial<HistoryEvent>): HistoryEvent => ({
  id: 'e',
  userId: 'u',
  createdAt: new Date('2026-11-28T11:02:30Z'),
  type: 'session.revoked',
  reason: null,
  subtype: null,
  actor: 'user',
  actorId: null,
  subject: PHONE,
  by: null,
  ip: null,
  details: {},
  ...differences,
})

const oslo: Locate = (ip) => (ip === '192.0.2.0' ? { city: 'Oslo', country: 'Norway', code: 'NO' } : null)

/** What is said of one event, without its marks. */
function told(differences: Partial<HistoryEvent>): string {
  const view = toHistoryView({ events: [anEvent(differences)], cursor: null }, VISIT, oslo)
  const [, item = ''] = /<li[^>]*>(.*)<\/li>/s.exec(historySection(view).toString()) ?? []
  return item
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .replace(' 3 hours ago November 28, 2026 at 11:02 AM UTC', '')
    .trim()
}

describe('The words of the history', () => {
  it('say when, as people say it and exactly', () => {
    const view = toHistoryView({ events: [anEvent({ reason: 'signed_out' })], cursor: null }, VISIT, oslo)
    expect(historySection(view).toString()).to.match(/>3 hours ago<\/time.*>November 28, 2026 at 11:02 AM UTC<\/time>/s)
  })

  it('say why a device was signed out', () => {
    const words: Record<string, string> = {
      signed_out: 'Signed out on Ada’s phone',
      revoked_by_user: 'Signed out Ada’s phone from this device',
      revoked_by_admin: 'An administrator signed out Ada’s phone',
      password_changed: 'Signed out Ada’s phone, as the password was changed',
      password_reset: 'Signed out Ada’s phone, as a new password was set',
      email_changed: 'Signed out Ada’s phone, as the address of the account was changed',
      account_disabled: 'Signed out Ada’s phone, as the account was disabled',
      account_deleted: 'Signed out Ada’s phone, as the account was deleted',
      not_me: 'Signed out Ada’s phone: it was reported as not yours If you cannot explain it, choose a new password.',
      session_limit: 'Signed out Ada’s phone, as too many devices were signed in',
      replaced: 'Signed in again in the same browser, which replaced Ada’s phone',
      'policy:country':
        'Signed out Ada’s phone by a rule of this service: it went on in another country than before If you cannot explain it, choose a new password.',
      'policy:idle': 'Signed out Ada’s phone by a rule of this service: it was away for long',
      something_new: 'Signed out Ada’s phone by a rule of this service',
      toString: 'Signed out Ada’s phone by a rule of this service',
    }
    for (const [reason, expected] of Object.entries(words)) expect(told({ reason, by: HERE })).to.equal(expected)
  })

  it('say of a token that was used twice what can have been the cause, and what to do', () => {
    const reuse = { reason: 'token_reuse', actor: 'system' } as const
    expect(told({ ...reuse, subtype: 'old_token' })).to.equal(
      'An old sign-in token of Ada’s phone was used, which can mean that it was copied: the session was ended ' +
        'If you cannot explain it, choose a new password.',
    )
    expect(told({ ...reuse, subtype: 'late_predecessor' })).to.include('A connection that was lost')
  })

  it('say what was different about a device, by every rule', () => {
    for (const rule of POLICY_RULES) {
      const words = told({ type: 'session.policy', actor: 'system', details: { rule, from: 'secret', to: 'secret' } })
      expect(words)
        .to.match(/^Noticed of Ada’s phone: it[s ]/)
        .and.not.include('secret')
    }
    expect(told({ type: 'session.policy', details: { rule: 'toString' } })).to.match(/^Something about Ada’s phone was/)
  })

  it('are there for every type of event, and show another one as what it is', () => {
    for (const type of EVENT_TYPES) {
      for (const actor of ['user', 'admin'] as const)
        expect(told({ type, actor }), type).not.to.include('Something else')
    }
    expect(told({ type: 'session.invented' })).to.equal('Something else: session.invented')
    expect(told({ type: 'toString' })).to.equal('Something else: toString')
  })

  it('tell of an account by whom, and from which device', () => {
    const about = (differences: Partial<HistoryEvent>) => told({ subject: null, ...differences })
    expect(about({ type: 'user.password_changed', by: PHONE })).to.equal('Password changed from Ada’s phone')
    expect(about({ type: 'user.password_changed', by: HERE })).to.equal('Password changed from this device')
    expect(about({ type: 'user.password_changed' })).to.equal('Password changed')
    expect(about({ type: 'user.email_changed', actor: 'admin' })).to.equal('An administrator changed your address')
    expect(about({ type: 'user.created', subtype: 'imported', actor: 'admin' })).to.include('from another system')
    const key = { subject: { id: 'k', name: 'Backup' }, by: HERE }
    expect(about({ type: 'api_key.created', ...key })).to.equal('Created an API key from this device: Backup')
    expect(about({ type: 'api_key.revoked', ...key, actor: 'admin' })).to.equal(
      'An administrator ended an API key, Backup',
    )
    expect(told({ type: 'session.revived', by: HERE })).to.equal('Undone from this device: signing out Ada’s phone')
    expect(told({ type: 'session.revived', actor: 'admin', by: HERE })).to.equal(
      'An administrator let Ada’s phone go on',
    )
  })

  it('do without the name of what is not kept any more', () => {
    expect(told({ reason: 'revoked_by_user', subject: { id: 'x', name: null }, by: { id: 'y', name: null } })).to.equal(
      'Signed out a former device from a former device',
    )
  })

  it('tell the place where it is known, else the address, of old ones the network; of an administrator nothing', () => {
    const from = (ip: string, actor: HistoryEvent['actor'] = 'user') => told({ reason: 'signed_out', ip, actor })
    expect(from('192.0.2.0')).to.equal('Signed out on Ada’s phone Oslo, Norway')
    expect(from('192.0.2.0/24'), 'as near as the network is').to.equal('Signed out on Ada’s phone Oslo, Norway')
    expect(from('198.51.100.7')).to.equal('Signed out on Ada’s phone IP address 198.51.100.7')
    expect(from('198.51.100.0/24')).to.equal('Signed out on Ada’s phone Network 198.51.100.0/24')
    expect(from('192.0.2.0', 'admin')).to.equal('Signed out on Ada’s phone')
  })

  it('say so where there is nothing to tell', () => {
    const view = { ...toHistoryView({ events: [], cursor: null }, VISIT, oslo), isFirst: true }
    expect(historyPage(view).body.toString())
      .to.include('There is nothing here, or not any more.')
      .and.not.include('<ol')
  })
})
