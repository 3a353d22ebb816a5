/** What can be done about an account. */
import { validate as isUuid } from 'uuid'
import { Problem } from '../../errors.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { AccountChanges, Amendment } from '../../users/account-changes.ts'
import type { Directory, UserDetails } from '../../users/directory.ts'
import { InvalidClaims } from '../../users/user-claims.ts'
import { nameOf } from './find.ts'
import { words, type Question } from './texts.ts'
import type { Action, Outcome, Visit, Wanted } from './visit.ts'

const told = words.user.actions

interface Dependencies {
  readonly directory: Pick<Directory, 'show'>
  readonly sessions: Pick<Sessions, 'revokeAll'>
  readonly accounts: Pick<AccountChanges, 'amend'>
}

export function createUserActions({ directory, sessions, accounts }: Dependencies): Record<string, Action> {
  /** @throws {Problem} 404 */
  async function amend(visit: Visit, wanted: Wanted, amendment: Amendment): Promise<void> {
    if (!(await accounts.amend(idIn(wanted), amendment, visit.actor))) throw noUser()
  }

  async function find(wanted: Wanted): Promise<UserDetails> {
    const user = await directory.show(idIn(wanted))
    if (user === null) throw noUser()
    return user
  }

  /** Whoever locks themselves out here finds nobody here to let them in again. */
  const unlessOneself = (visit: Visit, wanted: Wanted): Outcome | null =>
    idIn(wanted) === visit.session.userId ? { fault: told.notOneself } : null

  const amending = (
    amendment: Amendment,
    done: Outcome,
    question: ((user: UserDetails) => Question) | null,
    mayBeOneself: boolean,
  ): Action => ({
    async ask(visit, wanted) {
      const refusal = mayBeOneself ? null : unlessOneself(visit, wanted)
      return refusal ?? (question === null ? null : question(await find(wanted)))
    },
    async act(visit, wanted) {
      const refusal = mayBeOneself ? null : unlessOneself(visit, wanted)
      if (refusal !== null) return refusal
      await amend(visit, wanted, amendment)
      return done
    },
  })

  return {
    disable: amending(
      { isDisabled: true },
      { done: told.disabled },
      (user) => told.askDisable(nameOf(user), user.sessions),
      false,
    ),
    enable: amending({ isDisabled: false }, { done: told.enabled }, null, true),
    promote: amending({ role: 'admin' }, { done: told.promoted }, (user) => told.askPromote(nameOf(user)), true),
    demote: amending({ role: 'user' }, { done: told.demoted }, null, false),

    claims: {
      async act(visit, wanted) {
        const claims = parse(wanted.get('claims') ?? '')
        if ('fault' in claims) return claims
        try {
          await amend(visit, wanted, { claims: claims.value as NonNullable<Amendment['claims']> })
        } catch (error) {
          if (error instanceof InvalidClaims) return { fault: told.claimsFault(error.pointer, error.code) }
          throw error
        }
        return { done: told.claimsSaved }
      },
    },

    end_all: {
      ask: async (_, wanted) => told.askEndAll(nameOf(await find(wanted))),
      async act(visit, wanted) {
        const { id } = await find(wanted)
        return { done: told.ended(await sessions.revokeAll(id, null, 'revoked_by_admin', visit.actor)) }
      },
    },
  }
}

/** What is wrong is told as the parser says it: where, and what it met there. */
function parse(text: string): { value: unknown } | { fault: string } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { fault: told.noJson(error instanceof Error ? error.message : '') }
  }
}

/** @throws {Problem} 404 for what is no id, and so names nobody */
function idIn(wanted: Wanted): string {
  const id = wanted.get('id') ?? ''
  if (!isUuid(id)) throw noUser()
  return id.toLowerCase()
}

const noUser = (): Problem => new Problem(404, 'not_found', 'There is no such user.')
