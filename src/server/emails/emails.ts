/** Mails with links: asking for one, and using its token. What each flow does is in flows/. */
import type { Database, Queryable } from '../database/database.ts'
import { isUniqueViolation } from '../database/unique-violation.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import { parseEmailAddress } from '../users/email-address.ts'
import type { PasswordFault, PasswordRules } from '../users/password-rules.ts'
import type { Passwords } from '../users/passwords.ts'
import { inspectEmailToken, takeEmailToken, type FoundToken } from './email-tokens.ts'
import type { EmailFlow, Purpose, UsedToken } from './flow.ts'
import { wishMail } from './outbox.ts'

export interface MailRequest {
  readonly purpose: 'confirm' | 'magic_link' | 'reset_password' | 'change_email'
  readonly address: string
  /** Who asks for a new address of theirs. */
  readonly owner?: { readonly userId: string; readonly sessionId: string }
  readonly clientId?: string | null
  /** Where the page behind the link is to lead; checked by whoever asks, and once more by that page. */
  readonly returnTo?: string | null
  /** The language that the mail should speak (BCP 47). */
  readonly locale: string | null
}

export type Used =
  | { readonly kind: 'done'; readonly token: UsedToken }
  /** Unknown, used, expired or void: nothing changed. */
  | { readonly kind: 'invalid_token' }
  /** Nothing changed, and the token is still good. */
  | { readonly kind: 'weak_password'; readonly faults: readonly PasswordFault[] }

export interface UseOptions<Result> {
  readonly ip: string | null
  /** Where the flow takes one. */
  readonly password?: string | null
  /** Whose token it has to be, where somebody signed in presents it. */
  readonly userId?: string | null
  /** What else is to happen in the same transaction. Null undoes it all, and the token is as good as before. */
  readonly alongside?: (tx: Queryable, token: UsedToken) => Promise<Result | null>
}

export interface Emails {
  readonly flows: readonly EmailFlow[]
  /**
   * Puts the wish for a mail into the outbox: the same work whether or not anybody has that address.
   * @returns false for what is no address
   */
  ask(request: MailRequest): Promise<boolean>
  /** What a page may say before the person decides. Uses nothing up. @returns null when the token is not good */
  inspect(purpose: Purpose, token: string): Promise<FoundToken | null>
  /** @throws {Unavailable} nothing changed, and the token is still good */
  use<Result = true>(purpose: Purpose, token: string, options: UseOptions<Result>): Promise<Used & { result?: Result }>
}

export function createEmails(deps: {
  database: Database
  flows: readonly EmailFlow[]
  passwords: Passwords
  passwordRules: PasswordRules
  rateLimits: Pick<RateLimits, 'forgive'>
}): Emails {
  const { database, flows, passwords, passwordRules, rateLimits } = deps

  function flowOf(purpose: Purpose): EmailFlow {
    const flow = flows.find((candidate) => candidate.purpose === purpose)
    if (flow === undefined) throw new Error(`there is no flow ${purpose}`)
    return flow
  }

  /** Checked before the token is taken, so that a bad choice does not use it up. */
  async function preparePassword(
    flow: EmailFlow,
    token: string,
    password: string | null | undefined,
  ): Promise<{ passwordHash: string | null } | Used> {
    if (!flow.takesPassword) return { passwordHash: null }
    const found = await inspectEmailToken(database, flow, token)
    if (found === null || password == null) return { kind: 'invalid_token' }
    const faults = await passwordRules.check(password, { email: found.accountAddress })
    return faults.length > 0 ? { kind: 'weak_password', faults } : { passwordHash: await passwords.hash(password) }
  }

  return {
    flows,

    async ask({ purpose, address, owner, clientId = null, returnTo = null, locale }) {
      if (parseEmailAddress(address) === null) return false
      await wishMail(database, {
        purpose,
        ...(owner ? { user_id: owner.userId, session_id: owner.sessionId, new_address: address } : { address }),
        client_id: clientId,
        ...(returnTo !== null && { return_to: returnTo }),
        locale,
      })
      return true
    },

    inspect: (purpose, token) => inspectEmailToken(database, flowOf(purpose), token),

    async use(purpose, token, { ip, password, userId = null, alongside }) {
      const flow = flowOf(purpose)
      const prepared = await preparePassword(flow, token, password)
      if ('kind' in prepared) return prepared
      const used = await inOneTransaction(async (tx) => {
        const taken = await takeEmailToken(tx, flow, token, userId)
        if (taken === null || !(await flow.act(tx, taken, { ...prepared, ip }))) return null
        const result = alongside && (await alongside(tx, taken))
        if (result === null) throw new Undone()
        return { kind: 'done' as const, token: taken, ...(result === undefined ? {} : { result }) }
      })
      if (used === null) return { kind: 'invalid_token' }
      // Whoever proved the mailbox need not wait for what others guessed.
      if (flow.takesPassword) await rateLimits.forgive(used.token.sentTo)
      return used
    },
  }

  /** @returns null also where it was undone: on purpose, or as another account was given the address a moment before */
  async function inOneTransaction<Result>(work: (tx: Queryable) => Promise<Result | null>): Promise<Result | null> {
    try {
      return await database.transaction(work)
    } catch (error) {
      if (error instanceof Undone || isUniqueViolation(error)) return null
      throw error
    }
  }
}

/** Rolls the transaction back. */
class Undone extends Error {
  override readonly name = 'Undone'
}
