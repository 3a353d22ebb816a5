/** The credential of a request in Node. Only the header counts: never the query, a form or a cookie (RFC 6750 section 2). */
import { Refused } from './refused.ts'

interface NodeRequest {
  readonly headersDistinct: Readonly<Record<string, string[] | undefined>>
}

/** @throws {Refused} for two credentials in one request: nobody means that */
export function authorizationOf({ headersDistinct }: NodeRequest): string | undefined {
  const [first, second] = headersDistinct['authorization'] ?? []
  if (second !== undefined) throw new Refused('token_malformed', 'the request has two Authorization headers')
  return first
}
