/** Refreshes with rotation, at whatever service: each presents what the session's last one returned. */
import { anyOf, type Part } from './part.ts'
import { unexpected, type Scenario } from './scenario.ts'
import { textIn } from './text-in.ts'

export function rotating({
  part,
  firstToken,
  request,
}: {
  part: Part
  firstToken: (session: number) => string
  request: (token: string) => string
}): Scenario {
  /** Of sessions that were refreshed: all others' can be computed. */
  const tokens = new Map<number, string>()
  const underWay = new Set<number>()

  function choose(): number {
    for (;;) {
      const session = anyOf(part)
      if (!underWay.has(session)) return session
    }
  }

  return {
    next() {
      const session = choose()
      underWay.add(session)
      const token = tokens.get(session) ?? firstToken(session)
      return {
        request: request(token),
        // Where the connection breaks no answer is taken, and the session stays out of use.
        take(answer) {
          underWay.delete(session)
          const successor = textIn(answer.body, '"refresh_token":"')
          const isGood = answer.status === 200 && successor !== null && successor !== token
          if (!isGood || textIn(answer.body, '"access_token":"') === null) return unexpected(answer)
          tokens.set(session, successor)
          return null
        },
      }
    },
  }
}
