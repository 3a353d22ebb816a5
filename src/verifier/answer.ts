/** A refusal as an HTTP answer: RFC 6750 section 3, RFC 9470, RFC 9728 section 5.1, RFC 9457. */
import { Refused, type RefusedCode } from './refused.ts'

export interface Answer {
  readonly status: number
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

/** Everybody with a token that is not good is told the same: which check failed is nobody's business. */
const NOT_VALID = 'This access token is not valid. Refresh it, or sign in again.'

/**
 * `code` and `detail` for people; `challenge` for programs. No entry: the token is not good.
 */
const WORDS: Partial<Record<RefusedCode, { code: string; title: string; detail: string }>> = {
  token_missing: {
    code: 'invalid_access_token',
    title: 'Unauthorized',
    detail: 'Send an access token: Authorization: Bearer …',
  },
  token_stale: {
    code: 'invalid_access_token',
    title: 'Unauthorized',
    detail: 'What this access token says is outdated. Refresh it, then send the request again.',
  },
  insufficient_scope: {
    code: 'insufficient_scope',
    title: 'Forbidden',
    detail: 'This access token does not have the scope that this needs.',
  },
  claim_refused: { code: 'forbidden', title: 'Forbidden', detail: 'This account may not do this.' },
  insufficient_user_authentication: {
    code: 'insufficient_user_authentication',
    title: 'Unauthorized',
    detail: 'Confirm that it is you, then send the request again with the access token you get.',
  },
  issuer_unreachable: {
    code: 'temporarily_unavailable',
    title: 'Service Unavailable',
    detail: 'Access tokens cannot be checked now. Nothing is wrong with yours: send the request again in a moment.',
  },
  revocations_unknown: {
    code: 'temporarily_unavailable',
    title: 'Service Unavailable',
    detail: 'Access tokens cannot be checked now. Nothing is wrong with yours: send the request again in a moment.',
  },
}

/** Seconds. */
const RETRY_AFTER = 5

/** @throws `error` itself, where it is no refusal: that is a bug, or somebody else's business */
export function answerTo(error: unknown, challenge: Challenge = {}): Answer {
  if (!(error instanceof Refused)) throw error
  const { status } = error
  const { code, title, detail } = WORDS[error.code] ?? {
    code: 'invalid_access_token',
    title: 'Unauthorized',
    detail: NOT_VALID,
  }
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
    body: JSON.stringify({ type: 'about:blank', title, status, detail, code }),
  }
}

/** RFC 6750 section 3.1: without a token the challenge carries no error. */
function writeChallenge(error: Refused, { realm, resourceMetadata }: Challenge): string {
  const parameters: [string, string][] = [
    ...(realm === undefined ? [] : [['realm', realm] as [string, string]]),
    ...Object.entries(errorOf(error)),
    ...(resourceMetadata === undefined ? [] : [['resource_metadata', resourceMetadata] as [string, string]]),
  ]
  return ['Bearer', parameters.map(([name, value]) => `${name}="${value}"`).join(', ')].join(' ').trim()
}

function errorOf({ code, status, challenge }: Refused): Readonly<Record<string, string>> {
  if (code === 'token_missing') return {}
  if (code === 'token_stale') {
    return { error: 'invalid_token', error_description: 'The access token is outdated: refresh it' }
  }
  return status === 401 && challenge['error'] === undefined ? { error: 'invalid_token' } : challenge
}
