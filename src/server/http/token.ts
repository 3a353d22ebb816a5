/** `POST /oauth/token` (RFC 6749 section 3.2) */
import type { Clients } from '../clients/clients.ts'
import { OAuthError } from '../errors.ts'
import type { Grant } from '../grants/grant.ts'
import { readForm } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { SessionCookie } from './cookie.ts'
import type { Context, Handler } from './context.ts'
import type { ReadPresentedToken } from './presented-token.ts'
import { tokenJson } from './token-json.ts'

interface TokenDependencies {
  grants: readonly Grant[]
  clients: Clients
  cookie: SessionCookie
  clientAddressOf: ClientAddressOf
  readPresentedToken: ReadPresentedToken
}

export const token = (deps: TokenDependencies): Handler => {
  const { grants, cookie, clientAddressOf, readPresentedToken } = deps
  return async (ctx) => {
    const form = await readForm(ctx)
    const grant = chooseGrant(grants, form.get('grant_type'))
    const parameters = new Map([...form].filter(([name]) => grant.parameters.includes(name)))
    const presented = readPresentedToken(ctx, parameters.get('refresh_token'))
    if (presented === 'ambiguous') {
      throw new OAuthError('invalid_request', 'Send one refresh token: in the body or in the cookie, not in both.')
    }
    const clientId = form.get('client_id') ?? null
    const { tokens, transport } = await grant
      .authorize({
        parameters,
        clientId,
        ip: clientAddressOf(ctx),
        idempotencyKey: idempotencyKey(ctx),
        presented: presented === 'none' ? null : presented,
      })
      .catch((error: unknown) => refuseUnknownClient(error, clientId, deps))
    ctx.state.sessionId = tokens.sessionId
    ctx.state.userId = tokens.userId
    ctx.body = { ...tokenJson(ctx, cookie, transport, tokens), session_id: tokens.sessionId }
  }
}

function chooseGrant(grants: readonly Grant[], type: string | undefined): Grant {
  if (type === undefined) throw new OAuthError('invalid_request', 'Send grant_type.')
  const grant = grants.find((candidate) => candidate.type === type)
  if (grant === undefined) {
    throw new OAuthError('unsupported_grant_type', `Supported: ${grants.map((each) => each.type).join(', ')}.`)
  }
  return grant
}

/** @returns null when none was sent, or an empty one */
function idempotencyKey(ctx: Context): string | null {
  const key = ctx.get('idempotency-key')
  if (key.length > 128) throw new OAuthError('invalid_request', 'Idempotency-Key is longer than 128 characters.')
  return key === '' ? null : key
}

/** Looked up only after the session's own client turned out to be another one: a refresh costs no query more. */
async function refuseUnknownClient(
  error: unknown,
  clientId: string | null,
  { clients }: TokenDependencies,
): Promise<never> {
  const isWrongClient = error instanceof OAuthError && error.extra['reason'] === 'wrong_client'
  if (isWrongClient && clientId !== null && (await clients.find(clientId)) === null) {
    throw new OAuthError('invalid_client', 'This client_id is not registered.')
  }
  throw error
}
