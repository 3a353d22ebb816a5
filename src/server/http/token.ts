/** `POST /oauth/token` (RFC 6749 section 3.2) */
import type { Clients } from '../clients/clients.ts'
import { OAuthError } from '../errors.ts'
import type { Grant } from '../grants/grant.ts'
import { basicCredential } from './basic-credential.ts'
import { readForm, type FormParameters } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { SessionCookie } from './cookie.ts'
import type { Context, Handler } from './context.ts'
import type { DemandOwnOrigin } from './origin.ts'
import type { ReadPresentedToken } from './presented-token.ts'
import { noCookies } from './problems.ts'
import { tokenJson } from './token-json.ts'

interface TokenDependencies {
  grants: readonly Grant[]
  clients: Clients
  cookie: SessionCookie
  clientAddressOf: ClientAddressOf
  readPresentedToken: ReadPresentedToken
  demandOwnOrigin: DemandOwnOrigin
  /** False on a LAN without https. */
  allowsCookies: boolean
}

export const token = (deps: TokenDependencies): Handler => {
  const { grants, cookie, clientAddressOf, readPresentedToken, demandOwnOrigin, allowsCookies } = deps
  return async (ctx) => {
    const form = await readForm(ctx)
    const grant = chooseGrant(grants, form.get('grant_type'))
    const parameters = declaredOf(grant, form)
    const isRefresh = grant.parameters.includes('refresh_token')
    const presented = isRefresh ? readPresentedToken(ctx, parameters.get('refresh_token')) : 'none'
    if (presented === 'ambiguous') {
      throw new OAuthError('invalid_request', 'Send one refresh token: in the body or in the cookie, not in both.')
    }
    const clientId = form.get('client_id') ?? null
    const granted = await grant
      .authorize({
        parameters,
        clientId,
        ip: clientAddressOf(ctx),
        headers: ctx.headers,
        idempotencyKey: idempotencyKey(ctx),
        presented: presented === 'none' ? null : presented,
        clientCredential: basicCredential(ctx),
      })
      .catch((error: unknown) => refuseUnknownClient(error, clientId, deps))
    if (granted.kind === 'access_token') {
      const { accessToken, expiresIn, scope, keyId } = granted
      ctx.state.sessionId = keyId
      ctx.body = { access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn, scope }
      return
    }
    const { tokens, transport, issuedTokenType } = granted
    // As a sign-in: somebody else's page must not sign a person in as somebody else.
    if (transport === 'cookie') demandOwnOrigin(ctx)
    if (transport === 'cookie' && !allowsCookies) throw noCookies()
    ctx.state.sessionId = tokens.sessionId
    ctx.state.userId = tokens.userId
    ctx.body = {
      ...tokenJson(ctx, cookie, transport, tokens),
      ...(issuedTokenType === undefined ? {} : { issued_token_type: issuedTokenType }),
      session_id: tokens.sessionId,
    }
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

function declaredOf(grant: Grant, form: FormParameters): Map<string, string> {
  const declared = new Map<string, string>()
  for (const name of grant.parameters) {
    const value = form.get(name)
    if (value !== undefined) declared.set(name, value)
  }
  return declared
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
