/** HTTP as the devices speak it. */
import { Difference } from './check.ts'

export interface Answer<Body> {
  readonly status: number
  readonly body: Body
  /** The cookie it sets, with its attributes. */
  readonly cookie: { readonly name: string; readonly value: string; readonly attributes: string } | null
}

/** Milliseconds. */
const PATIENCE = 15_000

/** @throws {Difference} when nobody answers, or no JSON */
export async function request<Body>(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer<Body>> {
  const what = `${options.method ?? 'GET'} ${url}`
  const answer = await fetch(url, { ...options, redirect: 'error', signal: AbortSignal.timeout(PATIENCE) }).catch(
    (error: unknown) => {
      throw new Difference(`${what} was not answered: ${inWords(error)}`)
    },
  )
  const text = await answer.text()
  return { status: answer.status, body: parse(text, what), cookie: cookieOf(answer.headers) }
}

function parse<Body>(text: string, what: string): Body {
  try {
    return (text === '' ? {} : JSON.parse(text)) as Body
  } catch {
    throw new Difference(`${what} was answered with something that is not JSON`)
  }
}

function cookieOf(headers: Headers): Answer<unknown>['cookie'] {
  const [, name, value, attributes] = /^([^=;]+)=([^;]*);?\s*(.*)$/.exec(headers.getSetCookie()[0] ?? '') ?? []
  return name === undefined || value === undefined ? null : { name, value, attributes: attributes ?? '' }
}

/** fetch says no more than that it failed; its cause says why. */
function inWords(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (cause instanceof AggregateError) return cause.errors.map(inWords).join('; ')
  return cause instanceof Error ? cause.message : String(cause)
}
