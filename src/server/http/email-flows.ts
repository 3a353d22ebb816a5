/** `POST` and `PUT` of a flow's resource: asking for the mail, and using the token of its link. */
import { z } from 'zod'
import type { Clients } from '../clients/clients.ts'
import type { Emails, MailRequest } from '../emails/emails.ts'
import type { EmailFlow } from '../emails/flow.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { readJson } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { Handler } from './context.ts'
import { demandClient } from './demand-client.ts'
import { languageOf } from './language.ts'
import { bearerToken, callerBy } from './middleware/require-session.ts'
import { invalidAddress, invalidEmailToken, weakPassword } from './problems.ts'

const AskBody = z.strictObject({ email: z.string() })
const AskForClientBody = z.strictObject({ email: z.string(), client_id: z.string().optional() })
const UseBody = z.strictObject({ token: z.string() })
const UseWithPasswordBody = z.strictObject({ token: z.string(), password: z.string() })

export interface EmailFlowHandlers {
  ask(flow: EmailFlow): Handler
  use(flow: EmailFlow): Handler
}

export function emailFlowHandlers(deps: {
  emails: Emails
  clients: Clients
  sessions: Sessions
  accessTokens: AccessTokens
  rateLimits: RateLimits
  clientAddressOf: ClientAddressOf
}): EmailFlowHandlers {
  const { emails, clients, rateLimits, clientAddressOf } = deps
  return {
    /** One answer whoever the address belongs to; all that is done here is to write down that somebody asked. */
    ask: (flow) => async (ctx) => {
      const body: z.infer<typeof AskForClientBody> = await readJson(
        ctx,
        flow.purpose === 'magic_link' ? AskForClientBody : AskBody,
      )
      const { email: address, client_id: clientId = null } = body
      if (clientId !== null) demandClient(await clients.find(clientId), null)
      await rateLimits.beforeMail(flow.purpose, address, clientAddressOf(ctx))
      const { caller } = ctx.state
      const isAddress = await emails.ask({
        purpose: flow.purpose as MailRequest['purpose'],
        address,
        clientId,
        locale: languageOf(ctx),
        ...(flow.askedBy === 'owner' && caller
          ? { owner: { userId: caller.session.userId, sessionId: caller.session.id } }
          : {}),
      })
      if (!isAddress) throw invalidAddress()
      ctx.status = 202
      ctx.body = {}
    },

    use: (flow) => async (ctx) => {
      const body: { token: string; password?: string } = await readJson(
        ctx,
        flow.takesPassword ? UseWithPasswordBody : UseBody,
      )
      await rateLimits.beforeEmailToken(clientAddressOf(ctx))
      // Nobody needs to be signed in to use a link; but whoever says who they are uses their own.
      const owner = ctx.get('authorization') === '' ? null : await callerBy(deps, bearerToken(ctx))
      const used = await emails.use(flow.purpose, body.token, {
        password: body.password ?? null,
        ip: clientAddressOf(ctx),
        userId: owner?.session.userId ?? null,
      })
      if (used.kind === 'weak_password') throw weakPassword(used.faults)
      if (used.kind === 'invalid_token') throw invalidEmailToken()
      ctx.status = 204
    },
  }
}
