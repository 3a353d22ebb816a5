/** A refusal as an HTTP answer: RFC 6750 section 3, RFC 9470, RFC 9728 section 5.1, RFC 9457. */
import type { ProblemCode } from '../protocol/errors.ts'
import { Refused, type RefusedCode } from './refused.ts'

export interface Answer {
  readonly status: Refused['status']
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON, `application/problem+json`. */
  readonly body: string
}

export interface Challenge {
  /** What is protected, a fixed word: a realm made of the request's URL would repeat its query string. */
  readonly realm?: string | undefined
  /** Where this API describes itself (RFC 9728): a URL. */
  readonly resourceMetadata?: string | undefined
}

/** The service's own codes; `forbidden` is the API's. */
interface Words {
  readonly code: ProblemCode | 'forbidden'
  readonly detail: string
}

/** Everybody with a token that is not good is told the same: which check failed is nobody's business. */
const NOT_VALID: Words = {
  code: 'invalid_access_token',
  detail: 'This access token is not valid. Refresh it, or sign in again.',
}

const NOT_NOW: Words = {
  code: 'temporarily_unavailable',
  detail: 'Access tokens cannot be checked now. Nothing is wrong with yours: send the request again in a moment.',
}

/** What the caller is told besides; where there is no entry, that the token is not good. */
const WORDS: Partial<Record<RefusedCode, Words>> = {
  token_missing: { code: 'invalid_access_token', detail: 'Send an access token: Authorization: Bearer …' },
  token_stale: {
    code: 'invalid_access_token',
    detail: 'What this access token says is outdated. Refresh it, then send the request again.',
  },
  insufficient_scope: {
    code: 'insufficient_scope',
    detail: 'This access token does not have the scope that this needs.',
  },
  claim_refused: { code: 'forbidden', detail: 'This account may not do this.' },
  insufficient_user_authentication: {
    code: 'insufficient_user_authentication',
    detail: 'Confirm that it is you, then send the request again with the access token you get.',
  },
  issuer_unreachable: NOT_NOW,
  revocations_unknown: NOT_NOW,
}

const TITLES = { 401: 'Unauthorized', 403: 'Forbidden', 503: 'Service Unavailable' } as const

/** Seconds. */
const RETRY_AFTER = 5

/** @throws `error` itself, where it is no refusal: that is a bug, or somebody else's business */
export function answerTo(error: unknown, challenge: Challenge = {}): Answer {
  if (!(error instanceof Refused)) throw error
  const { status } = error
  const { code, detail } = WORDS[error.code] ?? NOT_VALID
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status === 503 ? { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfter ?? RETRY_AFTER))) } : {}),
      // Another token would change nothing where the account itself may not.
      ...(status === 503 || error.code === 'claim_refused'
        ? {}
        : { 'www-authenticate': writeChallenge(error, challenge) }),
    },
    body: JSON.stringify({ type: 'about:blank', title: TITLES[status], status, detail, code }),
  }
}

function writeChallenge(error: Refused, { realm, resourceMetadata }: Challenge): string {
  const parameters = Object.entries({ realm, ...errorOf(error), resource_metadata: resourceMetadata })
    .filter((parameter): parameter is [string, string] => parameter[1] !== undefined)
    .map(([name, value]) => `${name}="${quotable(value)}"`)
  return ['Bearer', parameters.join(', ')].join(' ').trim()
}

/** RFC 6750 section 3.1. */
function errorOf({ code, challenge }: Refused): Readonly<Record<string, string>> {
  if (code === 'token_missing') return {} // without a token the challenge carries no error
  if (code === 'token_stale')
    return { error: 'invalid_token', error_description: 'The access token is outdated: refresh it' }
  if (code === 'insufficient_scope' || code === 'insufficient_user_authentication') return { error: code, ...challenge }
  return { error: 'invalid_token' }
}

/** What an API's own guard says goes out, too: it may be anything (RFC 6750 section 3). */
const quotable = (value: string): string => value.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
