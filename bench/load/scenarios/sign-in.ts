/** Somebody of the fleet signs in with the password, on one more device of the kind that they have. */
import { emailOf, PASSWORD, usersOf } from '../../fleet/fleet.ts'
import { anyOf } from '../part.ts'
import { headOf, JSON_BODY, withBody } from '../request.ts'
import { expecting, type Scenario } from '../scenario.ts'

export function signIn({ sessions }: { readonly sessions: number }): Scenario {
  const users = { from: 0, to: usersOf(sessions) }
  const head = headOf('POST', '/v1/sessions', JSON_BODY)
  const bodyOf = (user: number): string => JSON.stringify({ email: emailOf(user), password: PASSWORD })
  return { next: () => expecting(withBody(head, bodyOf(anyOf(users))), 201, '"refresh_token":"') }
}
