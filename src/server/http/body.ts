/** Reading what a client sent: bounded, strict, and never a surprise further down. */
import getRawBody from 'raw-body'
import type { z } from 'zod'
import { isCleanJson } from '../clean-json.ts'
import { OAuthError, Problem } from '../errors.ts'
import type { Context } from './context.ts'

/** Bytes. */
const BODY_LIMIT = 16 * 1024

/**
 * A JSON object that is exactly what `schema` says.
 * @param schema or, where a request takes one of several forms, which of them a body with these members means to be
 * @throws {Problem} 400 `invalid_request` with `errors: [{pointer, code}]`, 413, 415
 */
export async function readJson<Schema extends z.ZodType>(
  ctx: Context,
  schema: Schema | ((members: readonly string[]) => Schema),
): Promise<z.infer<Schema>> {
  if (!ctx.is('application/json')) {
    throw new Problem(415, 'unsupported_media_type', 'Send a JSON body with Content-Type: application/json.')
  }
  const text = await readText(ctx)
  const value = parseJson(text)
  if (!isCleanJson(value)) throw invalidRequest('The body nests too deeply or has characters that no text may hold.')
  const chosen = typeof schema === 'function' ? schema(Object.keys(Object(value) as object)) : schema
  const parsed = chosen.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalidRequest('The body is not what this request takes.', parsed.error.issues.flatMap(toErrors))
}

const FORM = 'application/x-www-form-urlencoded'

/** Form parameters (RFC 6749 appendix B): unknown ones are for somebody else, an empty one is absent. */
export type FormParameters = ReadonlyMap<string, string>

/**
 * @param refuse makes the error for another type, a repeated parameter, a NUL: what OAuth answers, unless told otherwise
 * @throws {OAuthError} `invalid_request`, or what `refuse` makes of it
 */
export async function readForm(
  ctx: Context,
  refuse: (description: string) => Error = (description) => new OAuthError('invalid_request', description),
): Promise<FormParameters> {
  const type = ctx.get('content-type') === FORM || ctx.is(FORM)
  if (type === null) return new Map() // no body at all: the cookie may be all there is to say
  if (type === false) {
    throw refuse('Send the parameters as application/x-www-form-urlencoded.')
  }
  const parameters = new Map<string, string>()
  const seen = new Set<string>()
  for (const [name, value] of new URLSearchParams(await readText(ctx))) {
    // RFC 6749 section 3.2: parameters must not be included more than once.
    if (seen.has(name)) throw refuse('A parameter was sent more than once.')
    seen.add(name)
    if (value.includes('\0')) throw refuse('A parameter holds a NUL character.')
    if (value !== '') parameters.set(name, value)
  }
  return parameters
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true })

async function readText(ctx: Context): Promise<string> {
  if (ctx.get('content-encoding') !== '') {
    throw new Problem(415, 'unsupported_media_type', 'Compressed bodies are not accepted.')
  }
  const bytes = await getRawBody(ctx.req, { limit: BODY_LIMIT, length: ctx.request.length ?? null }).catch(asProblem)
  try {
    return UTF_8.decode(bytes)
  } catch (cause) {
    throw new Problem(400, 'invalid_request', 'The body is not valid UTF-8.', { cause })
  }
}

function asProblem(cause: unknown): never {
  if (cause instanceof Error && 'type' in cause && cause.type === 'entity.too.large') {
    throw new Problem(413, 'payload_too_large', 'The body is larger than 16 kB.', { headers: { Connection: 'close' } })
  }
  throw new Problem(400, 'invalid_request', 'The body ended before it was complete.', { cause })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Problem(400, 'invalid_request', 'The body is not valid JSON.', { cause })
  }
}

const invalidRequest = (detail: string, errors?: { pointer: string; code: string }[]): Problem =>
  new Problem(400, 'invalid_request', detail, errors ? { extra: { errors } } : {})

/** One member is wrong in a way that no schema can say. @param pointer a JSON Pointer (RFC 6901) */
export const invalidMember = (pointer: string, code: string): Problem =>
  invalidRequest('The body is not what this request takes.', [{ pointer, code }])

/** One entry for each member that is wrong; `pointer` is a JSON Pointer (RFC 6901). */
function toErrors(issue: z.core.$ZodIssue): { pointer: string; code: string }[] {
  const at = (path: readonly PropertyKey[]): string =>
    path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: at([...issue.path, key]), code: 'unknown_member' }))
  }
  return [{ pointer: at(issue.path), code: issue.code }]
}
