/** better-auth: whoever has a session's cookie gets a JWT, asks who they are, sees and ends sessions; or signs in. */
import { createHmac } from 'node:crypto'
import { peerIdOf } from '../../fleet/peer-ids.ts'
import { emailOf, ownerOf, PASSWORD, usersOf } from '../../fleet/fleet.ts'
import { anyOf, createOnce, type Part } from '../part.ts'
import { headOf, JSON_BODY, withBody, withoutBody } from '../request.ts'
import { expecting, type Scenario } from '../scenario.ts'

export interface BetterAuthOptions {
  readonly operation: 'token' | 'get-session' | 'list-sessions' | 'revoke-session' | 'sign-in'
  readonly sessions: number
  readonly part: Part
  /** BETTER_AUTH_SECRET */
  readonly secret: string
  /** Of the service: other origins may not send its cookie. */
  readonly origin: string
}

export function betterAuth({ operation, sessions, part, secret, origin }: BetterAuthOptions): Scenario {
  const pathOf = (name: string): string => `/api/auth/${name}`
  /** The cookie is signed, as better-call's `signCookieValue` does it. */
  const cookieOf = (session: number): string => {
    const token = peerIdOf('token', session)
    const signature = createHmac('sha256', secret).update(token).digest('base64')
    return `cookie: better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}\r\n`
  }

  const getting = (name: string, text: string): Scenario => {
    const head = headOf('GET', pathOf(name))
    return { next: () => expecting(withoutBody(head + cookieOf(anyOf(part))), 200, text) }
  }

  switch (operation) {
    case 'token':
      return getting('token', '"token":"')
    case 'get-session':
      return getting('get-session', '"session":{')
    case 'list-sessions':
      return getting('list-sessions', '"token":"')
    case 'revoke-session': {
      const head = headOf('POST', pathOf('revoke-session'), { ...JSON_BODY, origin })
      const once = createOnce(part)
      return {
        next() {
          const session = once()
          // From another device of the same person: the last ten percent of the fleet are never revoked.
          const other = ownerOf(session, sessions) + sessions - usersOf(sessions)
          const body = JSON.stringify({ token: peerIdOf('token', session) })
          return expecting(withBody(head + cookieOf(other), body), 200, '"status":true')
        },
      }
    }
    case 'sign-in': {
      const head = headOf('POST', pathOf('sign-in/email'), { ...JSON_BODY, origin })
      const users = { from: 0, to: usersOf(sessions) }
      const bodyOf = (user: number): string => JSON.stringify({ email: emailOf(user), password: PASSWORD })
      return { next: () => expecting(withBody(head, bodyOf(anyOf(users))), 200, '"token":"') }
    }
  }
}
