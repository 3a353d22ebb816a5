/** What is asked of the service, with answers that can be told apart: yes, no, and nothing decided. */
import { HallpassError, toError, type Details } from './errors.ts'
import { REQUEST_PATIENCE } from './figures.ts'
import { createPatience } from './patience.ts'

export interface Ask {
  readonly method?: string
  /** What is undefined is left out. Under `/oauth` it is sent as a form (RFC 6749), else as JSON. */
  readonly body?: object
  readonly headers?: { readonly [name: string]: string }
  /** An access token. */
  readonly bearer?: string | undefined
}

type Form = { readonly [name: string]: string }

/** @throws {HallpassError} */
export type Service = <Answer>(path: string, ask?: Ask) => Promise<Answer>

/**
 * @param issuer without a slash at its end
 * @param transport with `cookie`, the browser adds the cookie, and keeps what the answer sets
 */
export function createService(deps: {
  readonly issuer: string
  readonly transport: 'cookie' | 'body'
  readonly app?: string | undefined
  readonly fetch: typeof fetch
}): Service {
  return async (path, { method = 'POST', body, headers, bearer } = {}) => {
    const isForm = path.startsWith('/oauth')
    const json = JSON.stringify(body)
    const { signal, stop } = createPatience(REQUEST_PATIENCE)
    try {
      const response = await deps.fetch(deps.issuer + path, {
        method,
        ...(body && { body: isForm ? new URLSearchParams(JSON.parse(json) as Form).toString() : json }),
        headers: {
          ...(body && { 'Content-Type': `application/${isForm ? 'x-www-form-urlencoded' : 'json'}` }),
          ...(bearer && { Authorization: `Bearer ${bearer}` }),
          ...(deps.app && { 'Hallpass-Client': deps.app }),
          ...headers,
        },
        // Workers of Cloudflare's refuse what they do not know.
        ...(new Request(deps.issuer).credentials && { credentials: deps.transport === 'cookie' ? 'include' : 'omit' }),
        redirect: 'manual', // whoever leads elsewhere is somebody else: a hotel's network
        signal,
      })
      return understand(response, await response.text())
    } catch (error) {
      throw toError(error)
    } finally {
      stop()
    }
  }
}

interface Refusal extends Details {
  readonly code?: string
  readonly detail?: string
  /** RFC 6749 section 5.2. */
  readonly error?: string
  readonly error_description?: string
}

/** @throws {HallpassError} for every answer but a good one */
function understand<Answer>({ ok, status, headers }: Response, text: string): Answer {
  const answer = parse(text)
  if (ok && answer) return answer as Answer
  const { code, error, detail, error_description: description } = answer ?? {}
  throw new HallpassError(
    code ?? error ?? 'unavailable',
    undefined,
    answer,
    detail ?? description,
    status,
    Number(headers.get('Retry-After')) || undefined,
  )
}

/** @returns undefined for what is none of our answers: a proxy's page, a hotel's */
function parse(text: string): Refusal | undefined {
  try {
    return Object(JSON.parse(text || '{}')) as Refusal
  } catch {
    return undefined
  }
}
