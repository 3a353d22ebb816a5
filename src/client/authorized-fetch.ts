/** `fetch` with the access token, for the APIs that are meant to have it and for nobody else. */
import { toError } from './errors.ts'
import { REST } from './figures.ts'
import { address } from './page.ts'
import { later } from './time.ts'

/** @param origins whose requests get the token */
export function createAuthorizedFetch(deps: {
  readonly accessToken: () => Promise<string>
  readonly refresh: () => Promise<void>
  readonly origins: ReadonlySet<string>
  readonly fetch: typeof fetch
}): typeof fetch {
  const { accessToken, refresh, origins } = deps
  /** What came of it when an origin refused a token lately; nothing once it took one. */
  const rests = new Map<string, Promise<void>>()

  /** @returns the same one where there is no newer one to be had now */
  async function replaced(refused: string, origin: string): Promise<string> {
    try {
      // Somebody else may have met the refusal first.
      if ((await accessToken()) === refused) {
        if (!rests.has(origin)) {
          rests.set(origin, refresh())
          later(() => rests.delete(origin), REST)
        }
        await rests.get(origin)
      }
      return await accessToken()
    } catch {
      return refused
    }
  }

  return async (input, init) => {
    const request = input as Request // a string and a URL have nothing of what is asked of it here
    const headers = new Headers(init?.headers ?? request.headers)
    const { origin } = new URL(request.url ?? input, address())
    if (!origins.has(origin) || headers.has('Authorization')) return deps.fetch(input, init)

    const send = async (bearer: string): Promise<Response> => {
      headers.set('Authorization', `Bearer ${bearer}`)
      const response = await deps.fetch(input, { ...init, headers })
      if (response.status !== 401) rests.delete(origin)
      return response
    }

    const token = await accessToken().catch((error: unknown) => {
      if (toError(error).code === 'signed_out') return '' // what anybody may see is seen
      throw error
    })
    if (!token) return deps.fetch(input, init)
    const response = await send(token)
    // A stream can be sent once.
    const canRepeat = !request.bodyUsed && !(init?.body as ReadableStream | undefined)?.getReader
    if (!canRepeat || !isRefusal(response)) return response
    const next = await replaced(token, origin)
    return next === token ? response : send(next)
  }
}

/** RFC 6750 section 3.1. Other origins may hide the challenge from scripts; then any 401 may be one. */
function isRefusal({ status, headers }: Response): boolean {
  return status === 401 && /^$|invalid_token/.test(headers.get('WWW-Authenticate') ?? '')
}
