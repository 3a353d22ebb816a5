/** Answers that many stories end with, checked in full. */
import { expect } from 'chai'
import type { Answer } from './people.ts'

/** Of these it is told when, and where possible from which device (docs/decisions/0031). */
const TOLD_WHEN = [
  'signed_out',
  'revoked_by_user',
  'revoked_by_admin',
  'password_changed',
  'password_reset',
  'email_changed',
  'account_disabled',
  'account_deleted',
  'session_limit',
  'replaced',
]

/** RFC 6749 section 5.2 with our own members; and no refusal ever touches a cookie. */
export function expectRefusal({ status, headers, body }: Answer<object>, reason: string, terminal = true): void {
  const when = TOLD_WHEN.includes(reason) ? ['ended_at', 'ended_by'] : []
  expect(body).to.have.all.keys('error', 'error_description', 'reason', 'terminal', ...when)
  expect(body).to.include({ error: 'invalid_grant', reason, terminal })
  expect(status).to.equal(400)
  expect(headers.get('content-type')).to.match(/^application\/json(;|$)/)
  expect(headers.get('cache-control')).to.equal('no-store')
  expect(headers.getSetCookie()).to.be.empty
}

/** An error under `/oauth` that says nothing of a session. */
export function expectOAuthError({ status, headers, body }: Answer<object>, code: string, expectedStatus = 400): void {
  expect(body).to.have.all.keys('error', 'error_description')
  expect(body).to.include({ error: code })
  expect(status).to.equal(expectedStatus)
  expect(headers.get('cache-control')).to.equal('no-store')
  expect(headers.getSetCookie()).to.be.empty
}

/** RFC 9457. */
export function expectProblem({ status, headers, body }: Answer<object>, expectedStatus: number, code: string): void {
  expect(body).to.include.all.keys('type', 'title', 'status', 'detail', 'code')
  expect(body).to.include({ status: expectedStatus, code })
  expect(status).to.equal(expectedStatus)
  expect(headers.get('content-type')).to.match(/^application\/problem\+json(;|$)/)
  expect(headers.get('cache-control')).to.equal('no-store')
  expect(headers.getSetCookie()).to.be.empty
}

/** Whatever went wrong, nobody is told how we are made. */
export function expectNoInsides(answer: string): void {
  expect(answer).not.to.match(/\bat .*\.[jt]s|node_modules|select |insert |update |postgres|pglite|mikro|\bsql\b/i)
}
