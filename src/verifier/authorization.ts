/** The credential of a request. Only the header counts: never the query, a form or a cookie (RFC 6750 section 2). */
import { Refused } from './refused.ts'

/** Of Node, over HTTP/1 and HTTP/2, and as those imitate it who call an application without a socket. */
export interface NodeRequest {
  readonly headers: {
    readonly authorization?: string | undefined
    readonly 'sec-websocket-protocol'?: string | undefined
  }
  /** Names and values in turn, as they came. */
  readonly rawHeaders?: readonly string[]
}

/** @throws {Refused} for two credentials in one request: nobody means that, and `headers` has only the first */
export function authorizationOf({ headers, rawHeaders = [] }: NodeRequest): string | undefined {
  let found = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === 'authorization') found += 1
  }
  if (found > 1) throw new Refused('token_malformed', 'the request has two Authorization headers')
  return bearerOf(headers.authorization)
}

/** An `Authorization` header, unless it is of another scheme or names no token: then there is no access token in it. */
export const bearerOf = (header: string | null | undefined): string | undefined =>
  header != null && /^bearer +\S/i.test(header) ? header : undefined

/**
 * Browsers can send no header when they open a WebSocket: the token comes as one more subprotocol,
 * `bearer.<token>`, after the real one.
 */
export const tokenInProtocols = ({ headers }: NodeRequest): string | undefined =>
  headers['sec-websocket-protocol']
    ?.split(/\s*,\s*/)
    .find((each) => each.startsWith('bearer.'))
    ?.slice('bearer.'.length)
