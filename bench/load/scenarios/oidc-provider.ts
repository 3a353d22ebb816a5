/** oidc-provider: refresh with rotation by a public client, introspection by an API, revocation. */
import { peerIdOf } from '../../fleet/peer-ids.ts'
import { anyOf, createOnce, type Part } from '../part.ts'
import { FORM, headOf, withBody } from '../request.ts'
import { rotating } from '../rotating.ts'
import { expecting, type Scenario } from '../scenario.ts'

export interface OidcProviderOptions {
  readonly operation: 'refresh' | 'introspect' | 'revoke'
  readonly part: Part
  /** The API that introspects, as peers/oidc-provider.js knows it. */
  readonly api: { readonly id: string; readonly secret: string }
}

export function oidcProvider({ operation, part, api }: OidcProviderOptions): Scenario {
  const firstToken = (session: number): string => peerIdOf('token', session)
  switch (operation) {
    case 'refresh': {
      const head = headOf('POST', '/token', FORM)
      const request = (token: string): string =>
        withBody(head, `grant_type=refresh_token&client_id=app&refresh_token=${token}`)
      return rotating({ part, firstToken, request })
    }
    case 'introspect': {
      const credential = Buffer.from(`${api.id}:${api.secret}`).toString('base64')
      const head = headOf('POST', '/token/introspection', { ...FORM, authorization: `Basic ${credential}` })
      return { next: () => expecting(withBody(head, `token=${firstToken(anyOf(part))}`), 200, '"active":true') }
    }
    case 'revoke': {
      const head = headOf('POST', '/token/revocation', FORM)
      const once = createOnce(part)
      return { next: () => expecting(withBody(head, `client_id=app&token=${firstToken(once())}`), 200) }
    }
  }
}
