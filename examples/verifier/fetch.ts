/** Whatever answers a `Request` with a `Response`. */
import { withToken } from 'hallpass/verifier/fetch'
import { verifier } from './verifier.ts'

export default {
  fetch: withToken(verifier, (_request, token) => new Response(`Hello ${token.sub}\n`)),
}
